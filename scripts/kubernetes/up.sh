#!/bin/sh
# Starts a one-node Kubernetes: etcd, the control plane, containerd, the kubelet, kube-proxy, and a DNS server. Parts that
# run are kept. All are in a network namespace of their own, without a route to the outside.
#
#   KUBE_IN="8080:30080"   port 8080 of the host's loopback address reaches port 30080 of the node
#   KUBE_OUT="5000:5000"   port 5000 of the node (for pods 10.245.0.1:5000) reaches port 5000 of the host's loopback address
#
# kubectl reaches the cluster with KUBECONFIG=$KUBE_DIR/etc/admin.conf.
set -eu

# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

here=$(cd "$(dirname "$0")" && pwd)
services=10.96.0.0/16
pods=10.244.0.0/16
dns_domain=cluster.local

main() {
    [ -x "$bin/kubelet" ] || no_engine "$cache has no Kubernetes: run scripts/kubernetes/get.sh first"
    mkdir -p "$pki" "$run" "$log" "$etc/cni" "$state"
    make_network
    make_certificates
    start_control_plane
    start_node
    say "the cluster is up: KUBECONFIG=$etc/admin.conf"
}

in_namespace() {
    nsenter --net="$network" "$@"
}

# Starts a command in the background, unless it runs: NAME COMMAND...
start() {
    name=$1
    shift
    alive "$name" && return 0
    setsid "$@" >"$log/$name.log" 2>&1 </dev/null &
    echo $! >"$run/$name.pid"
}

# Starts a command in the cluster's network namespace, unless it runs: NAME COMMAND...
start_inside() {
    name=$1
    shift
    start "$name" nsenter --net="$network" "$@"
}

# Waits until a command succeeds: WHAT SECONDS COMMAND...
wait_for() {
    what=$1
    tries=$(($2 * 5))
    shift 2
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            say "timed out waiting for $what; the logs are in $log"
            exit 1
        fi
        sleep 0.2
    done
}

make_network() {
    [ -e "$network" ] || ip netns add "$namespace"
    in_namespace ip link set lo up
    if ! in_namespace ip link show kube0 >/dev/null 2>&1; then
        in_namespace ip link add kube0 type bridge
        in_namespace ip addr add "$node_ip/32" dev kube0
        in_namespace ip link set kube0 up
        in_namespace ip route add "$services" dev kube0
        in_namespace ip route add unreachable default
    fi
    in_namespace sysctl -qw net.ipv4.ip_forward=1
    # A pod that calls its own Service is reached through the bridge; kernels without the module need nothing.
    in_namespace sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
}

make_certificates() {
    if [ ! -s "$pki/ca.crt" ]; then
        new_key ca
        openssl req -x509 -new -key "$pki/ca.key" -subj /CN=kube-ca -days 3650 \
            -addext keyUsage=critical,keyCertSign,cRLSign,digitalSignature -out "$pki/ca.crt"
        openssl genrsa -out "$pki/sa.key" 2048 2>/dev/null
        openssl rsa -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null
    fi
    api_names=DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
    api_names=$api_names,DNS:kubernetes.default.svc.$dns_domain,IP:127.0.0.1,IP:10.96.0.1,IP:$node_ip
    certificate apiserver /CN=kube-apiserver "$api_names"
    certificate admin /O=system:masters/CN=kubernetes-admin
    certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client
    certificate controllers /CN=system:kube-controller-manager
    certificate scheduler /CN=system:kube-scheduler
    certificate proxy /CN=system:kube-proxy
    certificate node "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:$node_ip,IP:127.0.0.1"
    kubeconfig admin "$api_port"
    for user in controllers scheduler proxy node; do kubeconfig "$user" 6443; done
}

new_key() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key"
}

# Makes a certificate of the cluster's authority: NAME SUBJECT [SUBJECT_ALTERNATIVE_NAMES]
certificate() {
    [ ! -s "$pki/$1.crt" ] || return 0
    new_key "$1"
    openssl req -new -key "$pki/$1.key" -subj "$2" -out "$pki/$1.csr"
    cat >"$pki/$1.ext" <<END
basicConstraints=CA:FALSE
keyUsage=digitalSignature,keyEncipherment
extendedKeyUsage=clientAuth,serverAuth
${3:+subjectAltName=$3}
END
    openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 3650 \
        -extfile "$pki/$1.ext" -out "$pki/$1.crt" 2>/dev/null
}

# Writes the configuration of a client: USER PORT
kubeconfig() {
    cat >"$etc/$1.conf" <<END
apiVersion: v1
kind: Config
clusters: [{name: kube, cluster: {server: "https://127.0.0.1:$2", certificate-authority: $pki/ca.crt}}]
users: [{name: $1, user: {client-certificate: $pki/$1.crt, client-key: $pki/$1.key}}]
contexts: [{name: kube, context: {cluster: kube, user: $1}}]
current-context: kube
END
}

start_control_plane() {
    start_inside etcd etcd --name kube --data-dir "$cache/etcd" --unsafe-no-fsync \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
        --initial-cluster kube=http://127.0.0.1:2380
    start_inside apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 \
        --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$node_ip" --allow-privileged=true \
        --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --service-cluster-ip-range="$services" \
        --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --kubelet-certificate-authority="$pki/ca.crt" --kubelet-client-certificate="$pki/kubelet-client.crt" \
        --kubelet-client-key="$pki/kubelet-client.key" --kubelet-preferred-address-types=InternalIP \
        --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
        --service-account-issuer="https://kubernetes.default.svc.$dns_domain"
    set -- "in:$api_port:127.0.0.1:6443"
    for ports in ${KUBE_IN:-}; do set -- "$@" "in:${ports%%:*}:$node_ip:${ports##*:}"; done
    for ports in ${KUBE_OUT:-}; do
        set -- "$@" "out:127.0.0.1:${ports%%:*}:${ports##*:}" "out:$node_ip:${ports%%:*}:${ports##*:}"
    done
    start forward python3 "$here/fwd.py" "$network" "$@"
    wait_for "the API server" 90 admin_kubectl get --raw /readyz
    start_inside controllers kube-controller-manager --kubeconfig="$etc/controllers.conf" --bind-address=127.0.0.1 \
        --port=0 --leader-elect=false --use-service-account-credentials --root-ca-file="$pki/ca.crt" \
        --service-account-private-key-file="$pki/sa.key" \
        --cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key"
    start_inside scheduler kube-scheduler --kubeconfig="$etc/scheduler.conf" --bind-address=127.0.0.1 --port=0 \
        --leader-elect=false
}

start_node() {
    write_node_configuration
    start_inside containerd containerd --config "$etc/containerd.toml"
    wait_for containerd 30 cluster_ctr version
    cluster_ctr images import "$cache/images/pause.tar" >/dev/null
    # The kubelet sets these, and down.sh sets them back.
    [ -s "$run/sysctl.save" ] || sysctl vm.overcommit_memory vm.panic_on_oom kernel.panic kernel.panic_on_oops \
        kernel.keys.root_maxkeys kernel.keys.root_maxbytes >"$run/sysctl.save"
    # The certificate is given, and --docker keeps the kubelet from looking for Docker's containers.
    start_inside kubelet kubelet --kubeconfig="$etc/node.conf" --config="$etc/kubelet.yaml" \
        --root-dir="$cache/kubelet" --hostname-override="$node" --node-ip="$node_ip" --cert-dir="$pki" \
        --container-runtime=remote --container-runtime-endpoint="unix://$containerd_socket" \
        --docker="unix://$state/none.sock"
    start_inside proxy kube-proxy --kubeconfig="$etc/proxy.conf" --proxy-mode=iptables --hostname-override="$node" \
        --bind-address="$node_ip" --metrics-bind-address=127.0.0.1:10249 --healthz-bind-address=127.0.0.1:10256 \
        --cluster-cidr="$pods" --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 \
        --conntrack-tcp-timeout-close-wait=0
    start_inside dns python3 "$here/dns.py" https://127.0.0.1:6443 "$pki/ca.crt" "$pki/admin.crt" "$pki/admin.key" \
        "$node_ip"
    wait_for "the node" 90 node_is_ready
    wait_for "the default service account" 60 admin_kubectl get serviceaccount default
}

admin_kubectl() {
    kubectl --kubeconfig="$etc/admin.conf" "$@"
}

node_is_ready() {
    ready='{.status.conditions[?(@.type=="Ready")].status}'
    [ "$(admin_kubectl get node "$node" --output jsonpath="$ready")" = True ]
}

write_node_configuration() {
    cat >"$etc/cni/10-kube.conflist" <<END
{"cniVersion": "0.4.0", "name": "kube", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "isDefaultGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/kube-cni", "ranges": [[{"subnet": "10.244.0.0/24"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
END
    cat >"$etc/containerd.toml" <<END
version = 2
root = "$cache/containerd"
state = "$state/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"
]
[grpc]
  address = "$containerd_socket"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/library/kube-pause:local"
  enable_unprivileged_ports = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$cache/root/usr/lib/cni"
    conf_dir = "$etc/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
END
    echo "nameserver 127.0.0.1" >"$etc/resolv.conf"
    cat >"$etc/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_ip
healthzBindAddress: 127.0.0.1
readOnlyPort: 0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $pki/node.crt
tlsPrivateKeyFile: $pki/node.key
cgroupDriver: cgroupfs
failSwapOn: false
nodeStatusUpdateFrequency: 2s
clusterDomain: $dns_domain
clusterDNS: [$node_ip]
resolvConf: $etc/resolv.conf
registryPullQPS: 0
serializeImagePulls: false
evictionHard: {memory.available: 200Mi, nodefs.available: 2%}
imageGCHighThresholdPercent: 100
END
}

main
