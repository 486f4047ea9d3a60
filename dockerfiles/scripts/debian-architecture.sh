#!/bin/sh
# Prints Debian's name of the architecture that Docker calls $TARGETARCH.
# Part of the Dockerfile written by relbuild.
set -eu

case "$TARGETARCH" in
  386) echo i386 ;;
  arm) echo armhf ;;
  ppc64le) echo ppc64el ;;
  *) echo "$TARGETARCH" ;;
esac
