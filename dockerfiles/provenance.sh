# What `relbuild sbom` goes by: the exact version of OTP, where OTP itself has it.
erl="$(readlink -f "$(command -v erl)" || true)"
for file in "${erl%/bin/erl}"/releases/*/OTP_VERSION; do
  otp="releases/$(basename "$(dirname "$file")")"
  if [ -e "$file" ] && ls -d erts-* >/dev/null 2>&1; then mkdir -p "$otp" && cp "$file" "$otp/"; fi
done
{% if lockfile_path %}
# And which package or commit each dependency is, with its checksum; an address may have a login in it.
{
  echo '%{'
  applications="$(find lib -mindepth 3 -maxdepth 3 -path 'lib/*/ebin/*.app' | sed 's,.*/,,; s,\.app$,,' | paste -s -d '|' -)"
  grep -E "^ *\"($applications)\": " {{ lockfile_path | shell }} || true
  echo '}'
} >releases/mix.lock
sed -i 's,://[^/@"]*@,://,g' releases/mix.lock
{% endif %}
