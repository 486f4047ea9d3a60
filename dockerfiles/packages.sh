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
{% if runner.minimal and runner.asked_packages %}
# Apart, as all of what they bring along is taken.
cp -R /packages /asked
foreign -o Dir::Cache::Archives=/asked install --no-install-recommends --download-only \
  {{ fetched | join(" ") }} {{ runner.asked_packages | join(" ") }}
for package in /packages/*.deb; do rm "/asked/${package##*/}"; done
rm -rf /asked/lock /asked/partial
{% endif %}
rm -rf /packages/lock /packages/partial /var/lib/apt/lists/*
# The certificates are copied as they are, with the record of the package that they are of.
mkdir -p /certificates/var/lib/dpkg/status.d
cp -a --parents -t /certificates /etc/ssl/certs /usr/share/ca-certificates /usr/share/doc/ca-certificates
dpkg-query --status ca-certificates >/certificates/var/lib/dpkg/status.d/ca-certificates
