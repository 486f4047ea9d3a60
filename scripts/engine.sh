#!/bin/sh
# Makes sure that a Docker Engine with BuildKit answers on this machine.
#
#   one answers                  the machine is left exactly as it is
#   one is installed, not running  it is started
#   Debian or Ubuntu, as root    it is installed from the distribution's packages, and started
#   anywhere else                says what to install and exits with 4
#
# Safe to run again and again, and by several at once.
set -eu

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

log=/var/log/dockerd.log
pid_file=/var/run/docker.pid
config=/etc/docker/daemon.json

# BuildKit became the default builder, and Debian's own buildx usable, with Engine 23.
oldest_engine=23
# The first Debian release whose packages have an engine that is new enough.
first_good_debian=trixie

main() {
    if engine_answers; then
        accept_engine
        exit 0
    fi
    explain_why_not
    # Two at once would install and start it twice; the second finds all done.
    exec 9>/run/lock/relbuild-engine.lock
    flock 9
    if ! engine_answers; then
        install_missing
        engine_answers || start
    fi
    accept_engine
}

# Says what answers, or ends the script when that is too old or has no buildx: replacing somebody's engine is not ours to do.
accept_engine() {
    engine=$(docker version --format '{{.Server.Version}}')
    if [ "${engine%%.*}" -lt "$oldest_engine" ]; then
        no_engine "Docker Engine $engine is too old: install $oldest_engine or later, see https://docs.docker.com/engine/install/"
    fi
    if ! buildx=$(docker buildx version 2>/dev/null); then
        no_engine "Docker Engine $engine answers, but its client has no buildx: install the package docker-buildx (Debian, Ubuntu) or docker-buildx-plugin (Docker's own repository)"
    fi
    say "Docker Engine $engine with $(printf '%s' "$buildx" | cut -d' ' -f2 | sed 's/^v*/buildx /') answers"
}

# Ends the script where this machine is not one that may be set up.
explain_why_not() {
    if [ -n "${DOCKER_HOST:-}${DOCKER_CONTEXT:-}" ]; then
        no_engine "no Docker Engine answers at ${DOCKER_HOST:-the context $DOCKER_CONTEXT}: start it, or unset DOCKER_HOST and DOCKER_CONTEXT"
    fi
    if ! is_root || ! is_debian; then
        no_engine "no Docker Engine answers: install and start Docker Engine $oldest_engine or later with buildx (https://docs.docker.com/engine/install/), or run this as root on Debian or Ubuntu"
    fi
}

# Installs the packages whose programs are missing, and nothing when all are there.
install_missing() {
    set --
    command -v dockerd >/dev/null 2>&1 || set -- "$@" docker.io iptables
    command -v docker >/dev/null 2>&1 || set -- "$@" docker-cli
    docker buildx version >/dev/null 2>&1 || set -- "$@" docker-buildx
    [ $# -gt 0 ] || return 0
    say "installing $*"
    # Before the install, because where services are started by it the engine reads this at once.
    case " $* " in *" docker.io "*) write_config ;; esac
    apt_update
    if own_engine_is_new_enough; then
        # Ubuntu has the client in docker.io.
        for package; do
            shift
            if apt-cache show "$package" >/dev/null 2>&1; then set -- "$@" "$package"; fi
        done
        apt_install "$@"
    else
        add_newer_debian
        apt_install --target-release "$first_good_debian" "$@"
    fi
}

own_engine_is_new_enough() {
    candidate=$(apt-cache policy docker.io | awk '$1 == "Candidate:" { print $2 }')
    [ "${candidate%%.*}" -ge "$oldest_engine" ] 2>/dev/null
}

# Adds the newer Debian release, on the mirror this machine has, at a priority at which nothing is taken from it unasked.
add_newer_debian() {
    mirror=$(repository_of "$(codename)")
    case $mirror in
    */debian/ | */debian) ;;
    *) no_engine "this machine's packages have no Docker Engine $oldest_engine or later, and its apt sources no Debian mirror: install Docker Engine by hand, see https://docs.docker.com/engine/install/" ;;
    esac
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    cat >/etc/apt/preferences.d/relbuild-engine <<END
# Written by relbuild's scripts/engine.sh: Docker Engine comes from $first_good_debian, all else from this release.
Package: *
Pin: release n=$first_good_debian
Pin-Priority: 100
END
    cat >/etc/apt/sources.list.d/relbuild-engine.sources <<END
# Written by relbuild's scripts/engine.sh, with the pin in preferences.d/relbuild-engine.
Types: deb
URIs: $mirror
Suites: $first_good_debian
Components: main
Signed-By: $keyring
END
    apt_update
}

# Writes the daemon's configuration, unless it has one.
write_config() {
    [ ! -e "$config" ] || return 0
    mtu=$(route_mtu)
    mkdir -p "$(dirname "$config")"
    # A container whose MTU is larger than the machine's own stalls on the first large answer; "mtu" is the default
    # bridge's alone. The containerd image store has the OCI exporter, cache export and attestations.
    cat >"$config" <<END
{
  "features": {"containerd-snapshotter": true},
  "mtu": $mtu,
  "default-network-opts": {"bridge": {"com.docker.network.driver.mtu": "$mtu"}}
}
END
}

# The MTU of the interface the default route leaves by; 1500 where there is no such route.
route_mtu() {
    interface=$(awk '$2 == "00000000" && $8 == "00000000" { print $1; exit }' /proc/net/route)
    cat "/sys/class/net/${interface:-none}/mtu" 2>/dev/null || echo 1500
}

start() {
    if [ -d /run/systemd/system ]; then
        say "starting docker.service"
        systemctl start docker
    else
        start_detached
    fi
}

start_detached() {
    forget_if_stale "$pid_file" dockerd
    forget_if_stale /var/run/docker/containerd/containerd.pid containerd
    say "starting dockerd, log in $log"
    # No descriptor of ours may live on in it: whoever reads make's output to its end would wait for the daemon's.
    (
        exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
        exec setsid dockerd --pidfile "$pid_file" >>"$log" 2>&1 </dev/null
    ) &
    daemon=$!
    waited=0
    until engine_answers; do
        if ! kill -0 "$daemon" 2>/dev/null || [ "$waited" -ge 60 ]; then
            tail -n 5 "$log" >&2
            no_engine "dockerd did not come up within ${waited} s: its log is $log"
        fi
        sleep 1
        waited=$((waited + 1))
    done
}

# Removes the pid file $1 unless a program named $2 has that id: after a crash another program may have got it, and
# dockerd would take that for itself still running.
forget_if_stale() {
    [ -e "$1" ] || return 0
    [ "$(cat "/proc/$(cat "$1")/comm" 2>/dev/null)" = "$2" ] || rm -f "$1"
}

main
