#!/bin/sh
# Drops what an earlier build compiled if a dependency is gone since: others may have been compiled to use it.
# Part of the Dockerfile written by relbuild.
set -eu
build="${MIX_BUILD_PATH:-_build/prod}"

if [ -e /tmp/reused ] && ! find "$build/lib" -maxdepth 1 | sort | cmp -s - /tmp/reused; then
  rm -rf "${build:?}/lib"
  # The project is compiled from scratch, too.
  date >>/manifests.sha256
fi
