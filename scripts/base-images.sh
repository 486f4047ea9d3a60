#!/bin/sh
# Makes sure that the engine has debian:SUITE-slim for every suite named (default: trixie).
#
#   the engine has it            nothing is done
#   a registry answers           it is pulled
#   otherwise, on Debian         it is made from Debian's packages, on the mirror of this machine's apt sources, like the
#                                official slim image; its Comment says who made it (a label would pass to every image
#                                built on it)
#
# RELBUILD_DEBIAN_MIRROR names a Debian mirror where the machine's apt sources have none (as on Ubuntu).
set -eu

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# What the official slim image has beyond its packages.
additions=$(cd "$(dirname "$0")" && pwd)/base-image
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# No file in the image is younger than this, so that the same packages make the same layer.
SOURCE_DATE_EPOCH=1735689600
export SOURCE_DATE_EPOCH

main() {
    engine_answers || no_engine "no Docker Engine answers: run scripts/engine.sh first"
    [ $# -gt 0 ] || set -- trixie
    for suite; do
        ensure "$suite"
    done
}

# Has debian:SUITE-slim in the engine afterwards; $1 is the suite.
ensure() {
    image=debian:${1%-slim}-slim
    if docker image inspect "$image" >/dev/null 2>&1; then
        say "$image is there"
    elif within 120 docker pull --quiet "$image" >/dev/null 2>&1; then
        say "$image pulled"
    else
        make_image "${1%-slim}" "$image"
        say "$image made from Debian's packages"
    fi
}

# Makes the image $2 out of the suite $1.
make_image() {
    need_mmdebstrap "$2"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    mirrors
    [ -n "$mirror" ] || no_engine "no registry has $2, and this machine's apt sources have no Debian mirror to make it from: set RELBUILD_DEBIAN_MIRROR to the address of one"
    has_suite "$mirror" "$1" || no_engine "no registry has $2, and the mirror $mirror has no suite $1"
    sources "$1" >"$work/debian.sources"
    # What the machine's apt is told about the mirror's dates holds for the same mirror inside the image too.
    apt-config dump | grep -E '^Acquire::Check-(Valid-Until|Date) ' >"$work/mirror" || true

    say "making $2 (about half a minute)"
    # shellcheck disable=SC2016 # $1 is the hook's own: the directory of the root file system.
    mmdebstrap --quiet --variant=minbase --keyring="$keyring" \
        --dpkgopt="$additions/etc/dpkg/dpkg.cfg.d/docker" --aptopt="$work/mirror" \
        --customize-hook='rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/resolv.conf "$1"/etc/hostname' \
        --customize-hook='rm -f "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/var/cache/apt/*.bin' \
        --customize-hook="cp -R '$additions/.' \"\$1/\"" \
        --customize-hook="cp '$work/debian.sources' \"\$1/etc/apt/sources.list.d/\"" \
        "$1" "$work/root.tar" "$work/debian.sources" >&2
    docker import --platform "$(docker version --format '{{.Server.Os}}/{{.Server.Arch}}')" \
        --change 'CMD ["bash"]' --message "made by relbuild's base-images.sh" "$work/root.tar" "$2" >/dev/null
    rm -rf "$work"
}

# Installs what makes the image $1, where it is missing.
need_mmdebstrap() {
    if command -v mmdebstrap >/dev/null 2>&1 && [ -e "$keyring" ]; then return 0; fi
    if ! is_root || ! is_debian; then
        no_engine "no registry answers with $1: give the engine a way to one, or run this as root on Debian or Ubuntu, where it is made from packages"
    fi
    say "installing mmdebstrap"
    apt_update
    apt_install mmdebstrap debian-archive-keyring
}

# Sets mirror and security_mirror to the addresses of Debian's archive and its security archive; empty where unknown.
mirrors() {
    mirror=${RELBUILD_DEBIAN_MIRROR:-}
    security_mirror=$(security_repository)
    [ -z "$mirror" ] || return 0
    for own in "$(codename)" stable testing unstable sid; do
        mirror=$(repository_of "$own")
        case $mirror in
        "") ;;
        # Ubuntu's suites are none of Debian's.
        *) if has_suite "$mirror" sid; then return 0; fi ;;
        esac
    done
    mirror=
}

# True when the archive at $1 has the suite $2.
has_suite() {
    /usr/lib/apt/apt-helper download-file "${1%/}/dists/$2/InRelease" "$work/InRelease" >/dev/null 2>&1
}

# The apt sources of the suite $1: itself, its updates and its security updates, as far as it has them (sid has neither).
sources() {
    suites=$1
    if has_suite "$mirror" "$1-updates"; then suites="$1 $1-updates"; fi
    source_entry "$mirror" "$suites"
    if [ -n "$security_mirror" ] && has_suite "$security_mirror" "$1-security"; then
        echo
        source_entry "$security_mirror" "$1-security"
    fi
}

source_entry() {
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' "${1%/}" "$2" "$keyring"
}

main "$@"
