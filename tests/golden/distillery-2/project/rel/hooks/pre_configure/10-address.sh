#!/usr/bin/env bash

# The address that the other nodes reach this one at.
export NODE_ADDRESS="$(hostname -i)"
export REPLACE_OS_VARS=true
export STATE_FILE="$RELEASE_ROOT_DIR/state-${REL_VSN}"
