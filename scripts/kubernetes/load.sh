#!/bin/sh
# Copies images of the Docker engine into the cluster: load.sh IMAGE...
set -eu

# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

docker save "$@" | cluster_ctr images import - >/dev/null
