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

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

log=/var/log/dockerd.log
pid_file=/var/run/docker.pid
containerd_pid_file=/var/run/docker/containerd/containerd.pid
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
    command -v dockerd >/dev/null 2>&1 || set -- "$@" docker.io containerd
    command -v docker >/dev/null 2>&1 || set -- "$@" docker-cli
    docker buildx version >/dev/null 2>&1 || set -- "$@" docker-buildx
    # What `relbuild deploy` drives on one host.
    docker compose version >/dev/null 2>&1 || set -- "$@" docker-compose
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
    else
        add_newer_debian
        # These alone, by name: with --target-release what they depend on came from there too, up to a new libc.
        for package; do
            shift
            set -- "$@" "$package/$first_good_debian"
        done
    fi
    apt_install "$@"
    # The engine can't do without the first, nor talk to a registry without the second.
    apt_install --no-upgrade iptables ca-certificates
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

# Starts dockerd again when it ends before it answers: it gives its own builder ten seconds to open its databases ("context
# deadline exceeded"), which a cold disk with a large cache does not always keep, and the next start finds them read.
start_detached() {
    if runs "$pid_file" dockerd; then daemon=$(cat "$pid_file"); else daemon=; fi
    starts=0
    deadline=$(($(date +%s) + 180))
    until engine_answers; do
        if [ -z "$daemon" ] || ! lives "$daemon"; then
            [ "$starts" -lt 4 ] || gave_up "dockerd ended $starts times before it answered"
            launch
            starts=$((starts + 1))
        fi
        [ "$(date +%s)" -lt "$deadline" ] || gave_up "dockerd did not answer within 180 s"
        sleep 1
    done
}

# Starts dockerd and sets daemon to its process id.
launch() {
    rm -f "$pid_file"
    runs "$containerd_pid_file" containerd || rm -f "$containerd_pid_file"
    say "starting dockerd, log in $log"
    # No descriptor of ours may live on in it: whoever reads make's output to its end would wait for the daemon's.
    (
        exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
        exec setsid dockerd --pidfile "$pid_file" >>"$log" 2>&1 </dev/null
    ) &
    daemon=$!
}

# Ends the script with what the daemon said last.
gave_up() {
    tail -n 5 "$log" >&2
    no_engine "$1, see its log $log"
}

# True while the process $1 runs: one that has ended and was not reaped yet has no program any more.
lives() {
    readlink "/proc/$1/exe" >/dev/null
}

# True when the process whose id is in the file $1 is a live program $2. dockerd itself is content with any process of that
# id, also with another program that got it after a crash, or a dead one nobody has reaped: it would never start again.
runs() {
    [ -e "$1" ] || return 1
    case $(readlink "/proc/$(cat "$1")/exe") in */"$2" | */"$2 (deleted)") return 0 ;; *) return 1 ;; esac
}

main
