#!/bin/sh
# Installs Debian packages, the arguments, and adds the user that the release runs as. Equal packages make an equal
# layer: logs are emptied, and what is written gets one time.
# Part of the Dockerfile written by relbuild.
set -eu
start="$(date +%s)"

if [ -d /packages ]; then
  # Fetched by fetch-packages.sh.
  find /packages -name '*.deb' -exec env DEBIAN_FRONTEND=noninteractive dpkg --install {} +
else
  apt-get update
  apt-get install --yes --no-install-recommends "$@"
fi

echo 'app:x:10001:10001::/app:/usr/sbin/nologin' >>/etc/passwd
echo 'app:x:10001:' >>/etc/group
mkdir -p /app

find /var/cache /var/log -type f \( -path '/var/log/*' -o -path '/var/cache/ldconfig/*' -o -name '*-old' \) \
  -exec truncate --size=0 {} +
find / -xdev \( -path /dev -o -path /packages -o -path /proc -o -path /scripts -o -path /sys -o -path /etc/hosts \
  -o -path /etc/resolv.conf \) -prune -o -newermt "@$start" -exec touch --no-dereference --date=@0 {} +
