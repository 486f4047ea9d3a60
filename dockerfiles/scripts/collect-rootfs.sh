#!/bin/sh
# Lists in /tmp/taken what the release at /app needs of this Debian. The arguments are programs that it calls, then
# after -- the packages of runner.packages, of which all is taken.
# Part of the Dockerfile written by relbuild.
set -eu
. /scripts/rootfs-paths.sh
. /scripts/rootfs-needs.sh

# What bin/NAME, its env.sh and OTP's os_mon call, and what one reaches for inside a container.
tools="sh awk basename cat chmod cp cut date dd df dirname echo env false getent grep head hostname id ln ls mkdir
  mktemp mv nproc od printf pwd readlink realpath rm sed seq sleep sort stat stty tail tee timeout touch tr true uname
  uniq wc"
while [ $# -gt 0 ] && [ "$1" != -- ]; do tools="$tools $1" && shift; done

: >/tmp/taken
{
  for tool in $tools; do program "$tool"; done
  below /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.conf /etc/ld.so.conf.d /etc/os-release \
    /etc/debian_version /etc/localtime /etc/timezone /usr/share/zoneinfo /etc/ssl/certs /usr/share/ca-certificates \
    /etc/terminfo /lib/terminfo /usr/share/terminfo /usr/share/common-licenses
  # What the C library opens when it is asked to: the locale, names of hosts, and the encodings that are common beside
  # UTF-8, which it has built in; libc6 in runner.packages brings all.
  find /lib/ /usr/lib/ \( -path '*/locale/C.*/*' -o -name 'libnss_dns.so.*' -o -name 'libnss_files.so.*' \
    -o -name 'libgcc_s.so.*' -o -path '*/gconv/gconv-modules.cache' -o -path '*/gconv/UTF-*.so' \
    -o -path '*/gconv/ISO8859-1.so' -o -path '*/gconv/ISO8859-15.so' -o -path '*/gconv/CP1252.so' \) ! -type d
  # And whatever the installation of runner.packages has added or changed.
  if [ $# -gt 1 ]; then shift && dpkg-query --listfiles "$@" && find / -xdev -cnewer /tmp/before; fi
} >/tmp/wanted
take /tmp/wanted
find /app >/tmp/release
needs /tmp/release >/tmp/wanted
take /tmp/wanted
if grep -q '/libcrypto[.]so' /tmp/taken; then
  below /etc/ssl/openssl.cnf /usr/lib/ssl/openssl.cnf /usr/lib/ssl/certs /usr/lib/*/ossl-modules /usr/lib/*/engines-* \
    >/tmp/wanted
  take /tmp/wanted
fi
