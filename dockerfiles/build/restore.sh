build={{ build_path | shell }}
kept=/cache/now
mkdir -p "$build"
entries() { (cd "$1" && find . -maxdepth 3 \( -path './*/*/*' -o ! -type d \) | LC_ALL=C sort); }
entries "$build" >/tmp/before
find {{ source_roots }} \( {{ made }} \) -prune -o \( -type f -o -type l -xtype f \) -print0 >/tmp/paths
xargs -0 sha256sum </tmp/paths | LC_ALL=C sort >/tmp/sources

# Is what an earlier build compiled of use? This toolchain has made it, and no dependency has become another under the
# same version{{ "" if lockfile or not has_deps else ", which only mix.lock could tell" }}.
usable() {
{% if has_deps and not lockfile %}
  return 1
{% else %}
  cmp -s /toolchain $kept/toolchain || return 1
  # sha256sum escapes what no file is called.
  ! grep -q '^[\\]' /tmp/sources || return 1
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
  grep -E "$config" $kept/sources >/tmp/config-before || true
  grep -E "$config" /tmp/sources >/tmp/config || true
  {
    cmp -s /tmp/config /tmp/config-before || cat /tmp/config
    LC_ALL=C comm -23 /tmp/sources $kept/sources | grep -vE "$config" || true
  } | cut -c 67- | xargs -r -d '\n' touch --date="@$now"
fi
