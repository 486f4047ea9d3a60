#!/bin/sh
# Wait until the release has booted, and a second longer; print how it is, and what it listens on.
#   $1  the file that the VM writes when all applications have started
#   $2  how many tenths of a second the boot may take
set -eu

# No VM boots sooner.
sleep 1
state=booted tenths=10
until [ -e "$1" ]; do
    # A start script that sets ERL_ZFLAGS drops the flag by which the VM writes the file.
    if grep -qs '[b]eam' /proc/[0-9]*/cmdline && ! grep -qs '[w]rite_file' /proc/[0-9]*/cmdline; then
        state=up
        # SIGTERM is ignored until the boot has finished, however long that takes.
        sleep 4
        break
    fi
    if [ "$tenths" -ge "$2" ]; then
        state=slow
        break
    fi
    sleep 0.1
    tenths=$((tenths + 1))
done
sleep 1
echo "$state"
cat /proc/net/tcp
cat /proc/net/tcp6 2>/dev/null || true
