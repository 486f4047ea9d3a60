#!/bin/sh
# Makes sure that the engine runs programs of another architecture (default: arm64), emulated by QEMU.
#
#   it does                      the machine is left exactly as it is
#   Debian or Ubuntu, as root    QEMU is installed from the distribution's packages, and registered with the kernel
#                                (binfmt_misc), which from then on starts it for such programs, in containers too
#   anywhere else                says what to do and exits with 4
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

binfmt=/proc/sys/fs/binfmt_misc

main() {
    engine_answers || no_engine "no Docker Engine answers: run scripts/engine.sh first"
    [ $# -gt 0 ] || set -- arm64
    for architecture; do
        ensure "$architecture"
    done
}

# Has programs of the architecture $1 run afterwards.
ensure() {
    cpu=$(cpu_of "$1")
    if [ "$cpu" = "$(uname -m)" ] || [ -e "$binfmt/qemu-$cpu" ] || remote_engine; then
        say "programs of $1 run here"
        return 0
    fi
    if ! is_root || ! is_debian; then
        no_engine "programs of $1 don't run here: install QEMU and register it with the kernel (docker run --privileged --rm tonistiigi/binfmt --install $1), or run this as root on Debian or Ubuntu"
    fi
    install_qemu
    # Where services are started, systemd has registered it by now.
    [ -e "$binfmt/qemu-$cpu" ] || register "$cpu"
    say "programs of $1 run here, emulated by $(basename "$(readlink -f "$(interpreter "$cpu")")")"
}

# The CPU as QEMU and uname have it, of an architecture as Docker has it.
cpu_of() {
    case $1 in
    amd64) echo x86_64 ;;
    arm64) echo aarch64 ;;
    *) echo "$1" ;;
    esac
}

# True when the engine is not on this machine, whose kernel says nothing of it: Docker Desktop's has QEMU.
remote_engine() {
    [ "$(docker info --format '{{.KernelVersion}}')" != "$(uname -r)" ]
}

install_qemu() {
    if dpkg-query --show --showformat '${Status}' qemu-user-static 2>/dev/null | grep -q ' installed'; then return 0; fi
    say "installing qemu-user-static"
    apt_update
    apt_install qemu-user-static
}

# Has the kernel start QEMU for the programs of the CPU $1.
register() {
    if [ ! -e "$binfmt/register" ]; then
        mount -t binfmt_misc binfmt_misc "$binfmt" ||
            no_engine "QEMU can't be registered: this machine's kernel has no binfmt_misc, or doesn't let it be mounted"
    fi
    if [ -e "$binfmt/qemu-$1" ]; then return 0; fi
    # Fixed (F): it is opened now, so that it is found from within a container, too.
    cat "/usr/lib/binfmt.d/qemu-$1.conf" >"$binfmt/register" ||
        no_engine "QEMU can't be registered in $binfmt: the kernel refuses it"
}

# What the kernel starts for the programs of the CPU $1.
interpreter() {
    awk '$1 == "interpreter" { print $2 }' "$binfmt/qemu-$1"
}

main "$@"
