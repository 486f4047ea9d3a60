#!/bin/sh
# Unpacks to /foreign the Erlang/OTP packages of the platform that the image is for.
# Part of the Dockerfile written by relbuild.
set -eu

mkdir /foreign
if [ "$TARGETARCH" = "$BUILDARCH" ]; then exit 0; fi
architecture="$(sh /scripts/debian-architecture.sh)"
own="$(dpkg --print-architecture)"
dpkg --add-architecture "$architecture"
apt-get update
cd /tmp
# The same packages that are installed here, unpacked and not installed.
dpkg-query --show --showformat='${Architecture} ${Package}\n' 'erlang-*' \
  | awk -v own="$own" -v foreign="$architecture" '$1 == own { print $2 ":" foreign }' \
  | xargs apt-get -o APT::Sandbox::User=root download
for package in ./*.deb; do dpkg --extract "$package" /foreign; done
rm -rf ./*.deb /var/lib/apt/lists/*
