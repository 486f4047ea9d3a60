#!/bin/sh
# Copies what is listed in /tmp/taken to /rootfs.
# Part of the Dockerfile written by relbuild.
set -eu
. /scripts/rootfs-paths.sh

mkdir -p /rootfs/root /rootfs/usr/bin /rootfs/usr/lib /rootfs/usr/lib64 /rootfs/usr/sbin
for link in /bin /sbin /lib*; do
  if [ -L "$link" ]; then cp --no-dereference "$link" /rootfs/; fi
done
sed 's,^/,,' /tmp/taken >/tmp/members
tar --create --directory=/ --no-recursion --verbatim-files-from --files-from=/tmp/members \
  | tar --extract --directory=/rootfs --preserve-permissions
ldconfig -r /rootfs
rm -rf /rootfs/var/cache

# What scanners and bills of materials read, and the packages' licenses.
mkdir -p /rootfs/var/lib/dpkg/status.d
below /var/lib/dpkg/status.d | xargs --no-run-if-empty cp --target-directory=/rootfs/var/lib/dpkg/status.d
find /rootfs ! -type d | sed 's,^/rootfs,,' | owners | while IFS= read -r package; do
  name="${package%:*}"
  dpkg-query --status "$package" >"/rootfs/var/lib/dpkg/status.d/$name"
  mkdir -p "/rootfs/usr/share/doc/$name"
  if [ -e "/usr/share/doc/$name/copyright" ]; then
    cp --dereference "/usr/share/doc/$name/copyright" "/rootfs/usr/share/doc/$name/"
  fi
done

# Nothing here becomes another user, and equal content makes an equal layer.
find /rootfs -type f -perm /6000 -exec chmod ug-s {} +
mkdir -p /rootfs/tmp /rootfs/var/tmp
chmod 1777 /rootfs/tmp /rootfs/var/tmp
find /rootfs -exec touch --no-dereference --date=@0 {} +
