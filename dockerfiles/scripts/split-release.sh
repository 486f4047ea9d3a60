#!/bin/sh
# Splits /release into /layers by how often its parts change: otp, deps-N, static, app-N and app. The arguments are how
# many layers the dependencies, the static files and the project's modules get, then the project's own applications.
# Part of the Dockerfile written by relbuild.
set -eu
export LC_ALL=C
build="${MIX_BUILD_PATH:-$PWD/_build/prod}"
deps="$1" static="$2" modules="$3"
shift 3

# Writes each path of standard input to /tmp/NAME-N. N follows from the file's name, which thus keeps its layer.
spread() {
  awk -F / -v name="$1" -v count="$2" '
    BEGIN { for (code = 1; code < 256; code++) number[sprintf("%c", code)] = code }
    {
      sum = 0
      for (at = 1; at <= length($NF); at++) sum = (sum * 31 + number[substr($NF, at, 1)]) % 65521
      print >("/tmp/" name "-" sum % count)
    }'
}

mkdir -p /layers/otp/app/lib /layers/static/app /layers/app/app
for number in $(seq 0 $((deps - 1))); do mkdir -p "/layers/deps-$number/app/lib"; done
for number in $(seq 0 $((modules - 1))); do mkdir -p "/layers/app-$number/app"; done

cd /release
find . -maxdepth 1 -name 'erts-*' -exec mv -t /layers/otp/app {} +
for app in lib/*/ebin/*.app; do
  name="$(basename "$app" .app)"
  case " $* " in *" $name "*) continue ;; esac
  # An application that Mix hasn't compiled is one of OTP or Elixir.
  if [ -d "$build/lib/$name" ]; then
    echo "$app"
  elif [ -e "$app" ]; then
    mv "${app%/ebin/*}" /layers/otp/app/lib/
  fi
done | spread deps "$deps"
for list in /tmp/deps-*; do
  if [ -e "$list" ]; then sed 's,/ebin/.*,,' "$list" | xargs -d '\n' mv -t "/layers/${list#/tmp/}/app/lib"; fi
done
if [ "$static" = 1 ]; then find lib -path 'lib/*/priv/static' -prune -print >/tmp/static; fi
if [ "$modules" != 0 ]; then find lib -name '*.beam' | spread app "$modules"; fi
for list in /tmp/static /tmp/app-*; do
  if [ -e "$list" ]; then
    xargs -r -d '\n' cp --archive --link --parents -t "/layers/${list#/tmp/}/app" <"$list"
    xargs -r -d '\n' rm -r <"$list"
  fi
done
find . -mindepth 1 -maxdepth 1 -exec mv -t /layers/app/app {} +
sh /scripts/set-times.sh
