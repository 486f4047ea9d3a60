#!/bin/sh

release_ctl eval --mfa "Distilled.migrate/0"
