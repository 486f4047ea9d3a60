#!/bin/sh
# Copies machine code, scripts and links of the release to /native; compiled modules run anywhere.
# Part of the Dockerfile written by relbuild.
set -eu

mkdir -p /native/app
for part in /layers/*; do
  cd "$part"
  {
    find . -type l -print0
    find . -type f ! -name '*.beam' -print0 \
      | LC_ALL=C xargs --no-run-if-empty --null grep --null --files-with-matches --text -e '^.ELF' -e '^#!' || true
  } | xargs --no-run-if-empty --null cp --parents --no-dereference --target-directory=/native
done
