#!/bin/sh
# Fetches Debian's packages of Kubernetes' parts and compiles Kubernetes 1.20 from Debian bookworm's source package, both
# into the cluster's cache directory (KUBE_DIR, default /var/cache/kubernetes-of-debian). What is there is kept.
#
# It needs root, Docker for two small images, 4 GB of disk, and about 11 minutes of processor time once.
# RELBUILD_DEBIAN_MIRROR names a Debian mirror where the machine's apt sources have none.
set -eu

# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"

# The packages that are extracted into root/: what runs the cluster, and rsync for Kubernetes' own build.
packages="rsync libpopt0 libxxhash0 socat conntrack libnetfilter-conntrack3 etcd-server containernetworking-plugins
busybox-static"
compiler="golang-1.19-go golang-1.19-src"
programs="kube-apiserver kube-controller-manager kube-scheduler kube-proxy kubelet"
source=$cache/src/kubernetes-1.20.2

main() {
    is_root || no_engine "the cluster needs root"
    is_debian || no_engine "the cluster is made of Debian's packages: run this on Debian"
    install_missing
    mkdir -p "$bin" "$cache/debs" "$cache/src" "$cache/images" "$cache/home"
    fetch
    compile
    make_images
}

# Installs the programs of this machine that up.sh calls.
install_missing() {
    set --
    command -v ip >/dev/null || set -- "$@" iproute2
    command -v iptables >/dev/null || set -- "$@" iptables
    command -v openssl >/dev/null || set -- "$@" openssl
    command -v make >/dev/null || set -- "$@" make
    command -v containerd >/dev/null || set -- "$@" containerd
    [ $# -gt 0 ] || return 0
    apt_update
    apt_install "$@"
}

# Downloads and extracts the packages. apt gets a configuration of its own: the machine's sources stay as they are.
fetch() {
    if ! ls "$bin/etcd" "$bin/kubectl" "$cache/sdk/usr/lib/go-1.19/bin/go" "$source/Makefile" >/dev/null 2>&1; then
        configure_apt
        (
            cd "$cache/debs"
            # shellcheck disable=SC2086 # lists of names
            download bookworm $packages $compiler
            download trixie kubectl
        )
        for package in $compiler; do extract "$package" "$cache/sdk"; done
        for package in $packages kubectl; do extract "$package" "$cache/root"; done
        # A cluster may run them: the files are replaced, not overwritten.
        cp --remove-destination "$cache/root/usr/bin/etcd" "$cache/root/usr/bin/kubectl" "$bin"
        (
            cd "$cache/src"
            apt-get source -qq --download-only kubernetes/bookworm
            tar xzf kubernetes_*.orig.tar.gz
        )
    fi
}

configure_apt() {
    apt=$cache/apt
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/empty.d"
    mirror=${RELBUILD_DEBIAN_MIRROR:-$(repository_of bookworm)}
    [ -n "$mirror" ] || no_engine "this machine's apt sources have no Debian mirror: set RELBUILD_DEBIAN_MIRROR"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    printf '%s\n' \
        "deb [signed-by=$keyring] $mirror bookworm main" \
        "deb-src [signed-by=$keyring] $mirror bookworm main" \
        "deb [signed-by=$keyring] $mirror trixie main" >"$apt/sources.list"
    printf '%s\n' \
        "Dir::Etc::sourcelist \"$apt/sources.list\";" \
        "Dir::Etc::sourceparts \"$apt/empty.d\";" \
        "Dir::State::lists \"$apt/lists\";" \
        "Dir::Cache \"$apt/cache\";" \
        'APT::Sandbox::User "root";' >"$apt/apt.conf"
    APT_CONFIG=$apt/apt.conf
    export APT_CONFIG
    apt_update
}

# Downloads packages of a suite into the current directory: SUITE PACKAGE...
download() {
    suite=$1
    shift
    for package; do
        ls "${package}"_*.deb >/dev/null 2>&1 || apt-get download -qq "$package/$suite"
    done
}

# Extracts the package $1 into the directory $2.
extract() {
    for file in "$cache/debs/$1"_*.deb; do dpkg -x "$file" "$2"; done
}

compile() {
    [ ! -x "$bin/kubelet" ] || return 0
    say "compiling Kubernetes, log in $cache/build.log"
    go=$source/.go
    mkdir -p "$go/src/k8s.io"
    ln -sfn ../../.. "$go/src/k8s.io/kubernetes"
    wanted=
    for program in $programs; do wanted="$wanted cmd/$program"; done
    (
        cd "$source"
        PATH=$cache/sdk/usr/lib/go-1.19/bin:$PATH GOROOT=$cache/sdk/usr/lib/go-1.19 GOPATH=$go HOME=$cache/home \
            GOPROXY=off GOFLAGS='' CGO_ENABLED=0 nice -n 10 make WHAT="$wanted" GOLDFLAGS="-s -w"
    ) >"$cache/build.log" 2>&1 || {
        tail -n 20 "$cache/build.log" >&2
        exit 1
    }
    for program in $programs; do cp "$source/_output/local/go/bin/$program" "$bin/$program.new"; done
    # kubelet last: it says that all are there.
    for program in $programs; do mv "$bin/$program.new" "$bin/$program"; done
}

# Makes the image of the container that holds a pod's network.
make_images() {
    [ ! -s "$cache/images/pause.tar" ] || return 0
    context=$(mktemp -d)
    trap 'rm -rf "$context"' EXIT
    cp "$cache/root/bin/busybox" "$context"
    cat >"$context/Dockerfile" <<'END'
FROM scratch
COPY busybox /bin/sh
COPY busybox /bin/sleep
CMD ["/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 86400 & wait $!; done"]
END
    docker build --quiet --tag kube-pause:local "$context" >&2
    docker save kube-pause:local --output "$cache/images/pause.tar.new"
    mv "$cache/images/pause.tar.new" "$cache/images/pause.tar"
    docker image rm kube-pause:local >/dev/null
}

main
