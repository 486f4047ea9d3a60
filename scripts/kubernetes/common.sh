# shellcheck shell=sh disable=SC2034
# What the scripts of the one-node cluster share. Sourced, never run; the script that sources it sets -eu.

# shellcheck source=../lib.sh
. "$(dirname "$0")/../lib.sh"

# Everything of the cluster is below this directory.
cache=${KUBE_DIR:-/var/cache/kubernetes-of-debian}
bin=$cache/bin
pki=$cache/pki
run=$cache/run
log=$cache/log
etc=$cache/etc

# The network namespace of the node and its pods. On the host one port is open, on the loopback address.
namespace=kube
network=/run/netns/$namespace
api_port=16443
node=kube-node
node_ip=10.245.0.1

state=/run/kube-containerd
containerd_socket=$state/containerd.sock

# The Debian packages are extracted, not installed.
PATH=$bin:$cache/root/usr/sbin:$cache/root/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin
LD_LIBRARY_PATH=$cache/root/usr/lib/x86_64-linux-gnu
export PATH LD_LIBRARY_PATH

# Runs containerd's client on the images and containers of the cluster.
cluster_ctr() {
    ctr --address "$containerd_socket" --namespace k8s.io "$@"
}

# Returns whether the process of the pid file $1.pid runs, and isn't a zombie.
alive() {
    [ -s "$run/$1.pid" ] && grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$(cat "$run/$1.pid")/status" 2>/dev/null
}
