#!/bin/sh
require_live_node
release_remote_ctl rpc --mfa "Orders.drain/0"
