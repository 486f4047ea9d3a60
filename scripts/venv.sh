#!/bin/sh
# Makes a virtual environment with relbuild, editable, and what its tests need.
#
#   scripts/venv.sh PYTHON DIRECTORY
set -eu

python=$1
directory=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "relbuild needs Python 3.11 or newer; $python is $("$python" --version 2>&1)" >&2
    exit 4
fi
# Debian's python3 has venv in a package of its own.
if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        apt-get update --quiet=2
        DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends python3-venv
    else
        echo "$python can't make a virtual environment: install python3-venv" >&2
        exit 4
    fi
fi
"$python" -m venv "$directory"
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --upgrade pip
"$directory/bin/python" -m pip install --quiet --disable-pip-version-check --editable . --group dev
