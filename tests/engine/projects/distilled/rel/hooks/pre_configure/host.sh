#!/usr/bin/env bash

# Nobody else is to reach this node.
export NODE_HOST="127.0.0.${NODE_NUMBER:-1}"
