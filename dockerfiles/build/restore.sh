{% if builder.steps.before_compile %}
printf '%s\n' {{ builder.steps.before_compile | map("shell") | join(" ") }} >>/toolchain
{% endif %}
build={{ build_path | shell }}
kept=/cache/now
mkdir -p "$build"
entries() { (cd "$1" && find . -maxdepth 3 \( -path './*/*/*' -o ! -type d \) | LC_ALL=C sort); }
entries "$build" >/tmp/before
find {{ source_roots }} \( {{ made }} \) -prune -o \( -type f -o -type l -xtype f \) -print0 >/tmp/paths
xargs -0 sha256sum </tmp/paths | LC_ALL=C sort >/tmp/sources
find {{ source_roots }} \( {{ made }} \) -prune -o -type l ! -xtype f -printf '%p -> %l\n' | LC_ALL=C sort >/tmp/links
grep '/mix\.exs$' /tmp/sources | LC_ALL=C sort -k 2 >/tmp/projects
{% if versioned %}
# In these the version is nothing to anything else.
sed --in-place --regexp-extended '\,  \./({{ versioned | map("replace", ".", "\\.") | join("|") }})$,d' /tmp/projects
sed --regexp-extended 's/(@version|version:) "[^"]*"/\1/' {{ versioned | map("shell") | join(" ") }} >>/tmp/projects
{% endif %}

# Is what an earlier build compiled of use? This toolchain has made it, by the same mix.exs, and no dependency has become
# another under the same version{{ "" if lockfile or not has_deps else ", which only mix.lock could tell" }}. Only what Mix follows has changed: it doesn't know what other compilers
# and mix.exs itself read, nor what a parser or a header that is gone was to others.
usable() {
{% if has_deps and not lockfile %}
  return 1
{% else %}
  cmp -s /toolchain $kept/toolchain || return 1
  cmp -s /tmp/projects $kept/projects || return 1
  cmp -s /tmp/links $kept/links || return 1
  # sha256sum escapes what no file is called.
  ! grep -q '^[\\]' /tmp/sources || return 1
  LC_ALL=C comm -3 $kept/sources /tmp/sources | sed 's/^\t//' | cut -c 67- | LC_ALL=C sort >/tmp/changed
  followed='/(lib|priv|assets|rel|config)/|\.(ex|eex|heex|leex|sface|erl|hrl|yrl|xrl)$'
  followed="$followed|/(mix\.exs|mix\.lock|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?)$"
  ! grep -qvE "$followed" /tmp/changed || return 1
  ! grep -qE '/([Mm]akefile|CMakeLists)[^/]*$|\.(c|cc|cpp|cxx|h|hh|hpp|hxx|rs|zig|go|mk)$' /tmp/changed || return 1
{% if asked_files %}
  ! grep -qxF {% for path in asked_files %}-e {{ path | shell }} {% endfor %}/tmp/changed || return 1
{% endif %}
  uniq -u /tmp/changed | grep -E '\.(yrl|xrl|hrl)$' | while read -r name; do [ -e "$name" ] || exit 1; done || return 1
{% if lockfile %}
  [ -e $kept/dependencies ] || return 1
  LC_ALL=C comm -3 $kept/dependencies "$build/dependencies" | sed 's,.*/lib/\([^/]*\)/ebin/.*,\1,' | sort -u \
    | while read -r name; do
      if [ "$(grep "^  \"$name\":" $kept/lock)" = "$(grep "^  \"$name\":" {{ lockfile | shell }})" ]; then exit 1; fi
    done
{% endif %}
{% endif %}
}

# Mix looks at a source when it is newer than what was made of it, so every one that isn't as it was is given a new
# time, whichever checkout it comes from; mix.exs and the configuration together.
xargs -0 touch --date=@1000000000 </tmp/paths
if usable; then
  (cd $kept/build && entries . | LC_ALL=C comm -13 /tmp/before - | xargs -r -d '\n' cp -a --parents -t "$build")
  now="$(date +%s)"
  if [ "$now" -le "$(cat $kept/time)" ]; then now="$(($(cat $kept/time) + 1))"; fi
  config='/(mix\.exs|mix\.lock|config/.*)$'
{% if config_asks %}
  # It may ask for any file.
  grep -vE '\.(ex|eex|heex|leex|erl)$' $kept/sources >/tmp/config-before || true
  grep -vE '\.(ex|eex|heex|leex|erl)$' /tmp/sources >/tmp/config || true
{% else %}
  grep -E "$config" $kept/sources >/tmp/config-before || true
  grep -E "$config" /tmp/sources >/tmp/config || true
{% endif %}
  {
    cmp -s /tmp/config /tmp/config-before || grep -E "$config" /tmp/sources
    LC_ALL=C comm -23 /tmp/sources $kept/sources | grep -vE "$config" || true
  } | cut -c 67- | xargs -r -d '\n' touch --date="@$now"
fi
