set -eu
{% include "architecture.sh" %}
apt-get update
apt-get install --yes --no-install-recommends ca-certificates
foreign() {
  apt-get --yes -o APT::Architecture="$architecture" -o APT::Architectures="$architecture" \
    -o Dir::State::Status=/base/var/lib/dpkg/status -o Dir::Cache::Archives=/packages -o APT::Sandbox::User=root "$@"
}
mkdir -p /packages/partial
foreign update
foreign install --no-install-recommends --download-only {{ fetched | join(" ") }}
rm -rf /packages/lock /packages/partial /var/lib/apt/lists/*
