#!/bin/sh
# Copies what was compiled of the project to /cache for the next build.
# Part of the Dockerfile written by relbuild.
set -eu
export LC_ALL=C
build="${MIX_BUILD_PATH:-_build/prod}"

if [ ! -d /cache ]; then exit; fi
# unfollowed comes last: without it the next build ignores what an interrupted build has left.
rm -rf /cache/unfollowed /cache/build
mkdir /cache/build
cd "$build"
find . -mindepth 1 -maxdepth 2 | sort | comm -13 /tmp/before - | xargs -r -d '\n' cp -a --parents -t /cache/build
# These list sources that were generated into src/, where the next build has files of its own.
rm -f /cache/build/lib/*/.mix/compile.leex /cache/build/lib/*/.mix/compile.yecc
{ date +%s; cat /tmp/now; } | sort -n | tail -n 1 >/cache/time
cp /tmp/unfollowed /cache/
