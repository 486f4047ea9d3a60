#!/bin/sh
# Installs the packages of runner.packages, the arguments. What is newer than /tmp/before is theirs.
# Part of the Dockerfile written by relbuild.
set -eu

touch /tmp/before
if [ -d /asked ]; then
  # Fetched by fetch-packages.sh.
  find /asked -name '*.deb' -exec env DEBIAN_FRONTEND=noninteractive dpkg --install {} +
else
  apt-get update
  apt-get install --yes --no-install-recommends "$@"
  rm -rf /var/lib/apt/lists/*
fi
