#!/usr/bin/env bash
if [[ "$ZONE" == eu-* ]]; then
  export REGION="${ZONE^^}"
fi
