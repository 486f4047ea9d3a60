#!/bin/sh
# Copies what an earlier build fetched and compiled from /cache. Mix then fetches each dependency that mix.lock has in
# another version, and compiles it and those that depend on it. The arguments are the options they are compiled with.
# Part of the Dockerfile written by relbuild.
set -eu
build="${MIX_BUILD_PATH:-_build/prod}"

find /src -path "$PWD/deps" -prune -o -type f ! -name mix.lock -exec sha256sum {} + | LC_ALL=C sort >/manifests.sha256
# Mix doesn't recompile a dependency for another configuration or for other options.
{ printf '%s\n' "$@"; grep -v '/mix\.exs$' /manifests.sha256 || true; } >/tmp/compiled-by

if [ -d /cache/deps ]; then cp -a /cache/deps .; fi
if cmp -s /tmp/compiled-by /cache/compiled-by; then
  mkdir -p "$build"
  cp -a /cache/build/. "$build/.."
  find "$build/lib" -maxdepth 1 | sort >/tmp/reused
fi
