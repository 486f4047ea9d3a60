#!/bin/sh

release_ctl eval --mfa "Orders.ReleaseTasks.migrate/1" --argv -- "$@"
