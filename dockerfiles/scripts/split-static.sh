#!/bin/sh
# Copies static files to /layers, where the release has them. The arguments are an application and the directory of its
# static files, any number of times.
# Part of the Dockerfile written by relbuild.
set -eu
build="${MIX_BUILD_PATH:-_build/prod}"

while [ $# -gt 1 ]; do
  version="$(sed -n 's/.*{vsn, *"\([^"]*\)"}.*/\1/p' "$build/lib/$1/ebin/$1.app")"
  mkdir -p "/layers/static/app/lib/$1-$version/priv"
  cp -a "$2" "/layers/static/app/lib/$1-$version/priv/static"
  shift 2
done
sh /scripts/set-times.sh
