#!/bin/sh
# Makes /release what is shipped. The arguments are the release's name and, where there is one, mix.lock.
# Part of the Dockerfile written by relbuild.
set -eu
cd /release

# Whoever has the image would have the cookie: each container makes its own instead.
rm -f releases/COOKIE
for env in releases/*/env.sh; do
  [ -e "$env" ] || continue # built for Windows alone
  # The project's own lines may use what secrets.sh sets.
  cat /scripts/secrets.sh "$env" /scripts/cookie.sh /scripts/node.sh >/tmp/env.sh
  cat /tmp/env.sh >"$env"
done
# Nothing of a release that runs calls these.
rm -rf erts-*/doc erts-*/include erts-*/lib erts-*/man erts-*/src
rm -f erts-*/bin/ct_run erts-*/bin/dialyzer erts-*/bin/erlc erts-*/bin/typer erts-*/bin/yielding_c_fun
# The archive of `steps: [:assemble, :tar]` is the release once more, with its cookie.
rm -f "$1-$(cut -d ' ' -f 2 releases/start_erl.data 2>/dev/null || true).tar.gz"

# For bills of materials: the exact version of OTP, and the package or commit of each dependency, without logins.
erl="$(readlink -f "$(command -v erl)" || true)"
for file in "${erl%/bin/erl}"/releases/*/OTP_VERSION; do
  otp="releases/$(basename "$(dirname "$file")")"
  if [ -e "$file" ] && ls -d erts-* >/dev/null 2>&1; then mkdir -p "$otp" && cp "$file" "$otp/"; fi
done
if [ $# -gt 1 ]; then
  names="$(find lib -path 'lib/*/ebin/*.app' | sed 's,.*/,,; s,\.app$,,' | paste -s -d '|' -)"
  {
    echo '%{'
    grep -E "^ *\"($names)\": " "$2" | sed 's,://[^/@"]*@,://,g' || true
    echo '}'
  } >releases/mix.lock
fi
