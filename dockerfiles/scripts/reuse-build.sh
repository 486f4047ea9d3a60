#!/bin/sh
# Copies what an earlier build compiled of the project from /cache; Mix then compiles what has changed. The arguments
# are the directories of path dependencies in deps/.
# Part of the Dockerfile written by relbuild.
set -eu
export LC_ALL=C
build="${MIX_BUILD_PATH:-$PWD/_build/prod}"

mkdir -p "$build/lib"
(cd "$build" && find . -mindepth 1 -maxdepth 2 | sort) >/tmp/before
made="-path $PWD/deps -o -path ${build%/*} -o -name node_modules"
# shellcheck disable=SC2086 # several words
find /src "$@" \( $made \) -prune -o \( -type f -o -type l -xtype f \) -print0 >/tmp/sources

# What Mix doesn't follow, such as mix.exs, C code and links: when it has changed, everything is compiled.
followed='/(lib|priv|assets|config|rel)/|\.(ex|eex|heex|leex|sface|erl|hrl|yrl|xrl)$'
followed="$followed|/(mix\.lock|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|bun\.lockb?)$"
if [ -e /manifests.sha256 ]; then followed="$followed|/mix\.exs$"; fi
native='\.(c|cc|cpp|cxx|h|hh|hpp|hxx|rs|zig|go|mk)$|/([Mm]akefile|CMakeLists)[^/]*$'
{ grep -zvE "$followed" /tmp/sources; grep -zE "$native" /tmp/sources; } | sort -zu >/tmp/others
xargs -0r sha256sum </tmp/others >/tmp/unfollowed
find /src -path "${build%/*}" -prune -o -type l -printf '%p -> %l\n' | sort >>/tmp/unfollowed
if [ -e /manifests.sha256 ]; then cat /manifests.sha256 >>/tmp/unfollowed; fi
# Mix leaves the module of a project's last Erlang source when that is deleted.
grep -zE '\.erl$' /tmp/sources | sort -z >>/tmp/unfollowed || true
if cmp -s /tmp/unfollowed /cache/unfollowed; then cp -a /cache/build/. "$build/"; fi

# Mix compares the content of each file that is newer than what was compiled of it: all of them are, by the engine's
# clock or, when that has been set back, by the last build.
now="$(date +%s)"
if [ -e /cache/time ] && [ "$now" -le "$(cat /cache/time)" ]; then now="$(($(cat /cache/time) + 1))"; fi
echo "$now" >/tmp/now
xargs -0r touch --date="@$now" </tmp/sources
