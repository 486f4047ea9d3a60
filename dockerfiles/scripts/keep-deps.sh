#!/bin/sh
# Copies the dependencies to /cache for the next build. The arguments are the project's own applications.
# Part of the Dockerfile written by relbuild.
set -eu
build="${MIX_BUILD_PATH:-_build/prod}"

# Mix makes directories for the project's own applications, too; they belong to the next stage.
mkdir -p deps "$build/lib"
for app; do rm -rf "${build:?}/lib/$app"; done
if [ ! -d /cache ]; then exit; fi

# compiled-by comes last: without it the next build ignores what an interrupted build has left.
rm -rf /cache/compiled-by /cache/deps /cache/build
cp -a deps /cache/deps
cp -a "$build/.." /cache/build
cp /tmp/compiled-by /cache/
