#!/bin/sh
# Stops what up.sh started, and removes the cluster's data and its traces outside of the cache directory.
set -eu

# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

# Ends the process of a pid file: SIGTERM, and SIGKILL after 5 s.
stop() {
    if alive "$1"; then
        process=$(cat "$run/$1.pid")
        kill "$process" || true
        tries=50
        while alive "$1" && [ "$tries" -gt 0 ]; do
            sleep 0.1
            tries=$((tries - 1))
        done
        ! alive "$1" || kill -KILL "$process" || true
    fi
    rm -f "$run/$1.pid"
}

remove_containers() {
    [ -S "$containerd_socket" ] || return 0
    for task in $(cluster_ctr tasks list --quiet); do cluster_ctr tasks kill --signal KILL --all "$task" || true; done
    sleep 0.5
    for task in $(cluster_ctr tasks list --quiet); do cluster_ctr tasks rm --force "$task" || true; done
    for container in $(cluster_ctr containers list --quiet); do cluster_ctr containers rm "$container" || true; done
} >/dev/null 2>&1

# The processes between containerd and the containers outlive it; those of other containerds have other addresses.
stop_shims() {
    for process in $(pgrep -f -- "-address $containerd_socket"); do
        case $(readlink "/proc/$process/exe") in
        */containerd-shim-runc-v2) kill -KILL "$process" || true ;;
        esac
    done
}

unmount() {
    awk -v cache="$cache/" -v state="$state" '
        index($2, cache "kubelet") == 1 || index($2, cache "containerd") == 1 || index($2, state) == 1 ||
        $2 ~ "^/run/netns/cni-" { print $2 }' /proc/mounts | sort -r | while read -r point; do
        umount --lazy "$point" || true
    done
}

remove_network() {
    for pod in /run/netns/cni-*; do rm -f "$pod"; done
    [ ! -e "$network" ] || ip netns del "$namespace"
}

remove_cgroups() {
    # Children before their parents; one that a process is just leaving goes the next time.
    for _ in 1 2 3; do
        find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
    done
}

for name in kubelet proxy dns scheduler controllers; do stop "$name"; done
remove_containers || true
for name in containerd forward apiserver etcd; do stop "$name"; done
stop_shims
unmount
remove_network
remove_cgroups
if [ -s "$run/sysctl.save" ]; then
    sysctl -q -p "$run/sysctl.save" || true
    rm -f "$run/sysctl.save"
fi
rm -rf "$state" /run/kube-cni "$cache/kubelet" "$cache/etcd" "$cache/containerd" /var/log/pods /var/log/containers
