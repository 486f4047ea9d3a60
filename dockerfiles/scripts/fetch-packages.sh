#!/bin/sh
# Fetches into /packages the Debian packages, the arguments, that the image at /base lacks, for its platform; into
# /asked what those after -- add to them. Certificates are installed here: emulated, sorting them takes minutes.
# Part of the Dockerfile written by relbuild.
set -eu
architecture="$(sh /scripts/debian-architecture.sh)"

foreign() {
  apt-get --yes -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
    -o Dir::State::Status=/base/var/lib/dpkg/status -o APT::Sandbox::User=root "$@"
}

apt-get update
apt-get install --yes --no-install-recommends ca-certificates
mkdir -p /packages/partial
foreign update
wanted=
while [ $# -gt 0 ] && [ "$1" != -- ]; do wanted="$wanted $1" && shift; done
# shellcheck disable=SC2086 # several words
foreign -o Dir::Cache::Archives=/packages install --no-install-recommends --download-only $wanted
if [ $# -gt 1 ]; then
  shift
  cp -R /packages /asked
  # shellcheck disable=SC2086 # several words
  foreign -o Dir::Cache::Archives=/asked install --no-install-recommends --download-only $wanted "$@"
  for package in /packages/*.deb; do rm "/asked/${package##*/}"; done
  rm -rf /asked/lock /asked/partial
fi
rm -rf /packages/lock /packages/partial /var/lib/apt/lists/*

# With the record of the package that they are of.
mkdir -p /certificates/var/lib/dpkg/status.d
cp -a --parents -t /certificates /etc/ssl/certs /usr/share/ca-certificates /usr/share/doc/ca-certificates
dpkg-query --status ca-certificates >/certificates/var/lib/dpkg/status.d/ca-certificates
