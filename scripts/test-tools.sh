#!/bin/sh
# Makes sure that the programs the engine's tests call beside docker are there: ssh, for endpoints that are reached with it.
# On Debian and Ubuntu, as root, it installs what is missing; anywhere else it says what to install and exits with 4.
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

command -v ssh >/dev/null 2>&1 && command -v ssh-keygen >/dev/null 2>&1 && exit 0
if ! is_root || ! is_debian; then
    no_engine "the tests need ssh and ssh-keygen: install OpenSSH's client, or run this as root on Debian or Ubuntu"
fi
apt_update
apt_install openssh-client
