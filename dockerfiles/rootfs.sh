set -eu
export LC_ALL=C

# What bin/{{ release }}, its env.sh and OTP's os_mon call, and what one reaches for inside a container.
tools="sh awk basename cat chmod cp cut date dd df dirname echo env false getent grep head hostname id ln ls
  mkdir mktemp mv nproc od printf pwd readlink realpath rm sed seq sleep sort stat stty tail tee timeout touch tr true uname
  uniq wc{% for each in programs %} {{ each }}{% endfor %}"

# Of Debian's packages this is never read where a release runs, or is the container's own.
unused='^/(app|boot|dev|proc|rootfs|run|sys|tmp|var/(cache|log)|var/lib/(apt|dpkg|systemd))(/|$)
^/usr/share/(bash-completion|bug|doc|doc-base|info|lintian|locale|man|menu|zsh)(/|$)
^/etc/(hostname|hosts|mtab|resolv\.conf|ld\.so\.cache)$'

# Keeps the paths that are there and of use. Each gets one spelling: where /lib is a link, /lib/x is /usr/lib/x.
plain() {
  if [ -L /lib ]; then sed -E 's,^/(bin|sbin|lib[^/]*)/,/usr/\1/,'; else cat; fi \
    | grep '^/' | grep -vE "$unused" | sort -u \
    | while IFS= read -r path; do if [ -e "$path" ] || [ -L "$path" ]; then echo "$path"; fi; done
}

# Finds a program as PATH would, also one that the shell has built in.
program() {
  for directory in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    if [ -x "$directory/$1" ]; then echo "$directory/$1" && return; fi
  done
}

# The packages that the files on standard input belong to.
owners() {
  plain >/tmp/owned
  awk 'FILENAME == "/tmp/owned" { wanted[$0]; next }
    FNR == 1 { package = FILENAME; sub(".*/", "", package); sub("[.]list$", "", package) }
    { path = $0; if (!(path in wanted) && path ~ "^/(bin|sbin|lib[^/]*)/") path = "/usr" path }
    path in wanted { print package }' /tmp/owned /var/lib/dpkg/info/*.list | sort -u
}

# What the files listed in $1 need: a link its target, machine code its libraries, a script its interpreter.
needs() {
  xargs --no-run-if-empty --delimiter='\n' --arg-file="$1" sh -c 'find "$@" -maxdepth 0 -type l -printf "%h/\t%l\n"' sh \
    | awk -F '\t' '{ print $2 ~ "^/" ? $2 : $1 $2 }' \
    | xargs --no-run-if-empty --delimiter='\n' realpath --no-symlinks --canonicalize-missing
  xargs --no-run-if-empty --delimiter='\n' --arg-file="$1" sh -c 'find "$@" -maxdepth 0 -type f -print0' sh >/tmp/regular
  # With /bin/sh there are always several, so that ldd says which file it speaks of.
  xargs --no-run-if-empty --null --arg-file=/tmp/regular grep --null --files-with-matches --text '^.ELF' \
    | xargs --no-run-if-empty --null ldd /bin/sh 2>/dev/null \
    | awk '/^\/.*:$/ { file = $0 }
      /=> not found/ { print file " " $1 " is not there: runner.packages should name its package" >"/dev/stderr" }
      /=> \// { print $3 }
      $1 ~ "^/" && /[(]0x/ { print $1 }'
  xargs --no-run-if-empty --null --arg-file=/tmp/regular awk '
    FNR == 1 && /^#!/ {
      sub("^#![ \t]*", "")
      word = 1
      if ($1 ~ "/env$") for (word = 2; $word ~ "^-" || $word ~ "="; word++);
      print $word
    }
    { nextfile }' | sort -u | while IFS= read -r name; do program "${name##*/}"; done >/tmp/interpreters
  cat /tmp/interpreters
  # Perl, say, is more than one file.
  owners </tmp/interpreters | xargs --no-run-if-empty dpkg-query --listfiles
}

# Takes the files listed in $1, and all that they need in turn.
take() {
  plain <"$1" >/tmp/new
  while [ -s /tmp/new ]; do
    sort -u -o /tmp/taken /tmp/taken /tmp/new
    needs /tmp/new >/tmp/needed
    plain </tmp/needed | comm -13 /tmp/taken - >/tmp/new
  done
}

# The files below those of the paths that are there.
below() {
  for path; do
    if [ -e "$path" ]; then find "$path" ! -type d; fi
  done
}

: >/tmp/taken
{
  for tool in $tools; do program "$tool"; done
  below /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.conf /etc/ld.so.conf.d /etc/os-release /etc/debian_version \
    /etc/localtime /etc/timezone /usr/share/zoneinfo /etc/ssl/certs /usr/share/ca-certificates \
    /etc/terminfo /lib/terminfo /usr/share/terminfo /usr/share/common-licenses
  # What the C library opens when it is asked to: the locale, names of hosts, and the encodings that are common beside
  # UTF-8, which it has built in; libc6 in runner.packages brings all.
  find /lib/ /usr/lib/ \( -path '*/locale/C.*/*' -o -name 'libnss_dns.so.*' -o -name 'libnss_files.so.*' \
    -o -name 'libgcc_s.so.*' -o -path '*/gconv/gconv-modules.cache' -o -path '*/gconv/UTF-*.so' \
    -o -path '*/gconv/ISO8859-1.so' -o -path '*/gconv/ISO8859-15.so' -o -path '*/gconv/CP1252.so' \) ! -type d
{% if asked %}
  # The packages of runner.packages, and whatever their installation has added or changed.
  dpkg-query --listfiles {{ asked | join(" ") }}
  find / -xdev -cnewer /tmp/before
{% endif %}
} >/tmp/wanted
take /tmp/wanted
find /app >/tmp/release
needs /tmp/release >/tmp/wanted
take /tmp/wanted
if grep -q '/libcrypto[.]so' /tmp/taken; then
  below /etc/ssl/openssl.cnf /usr/lib/ssl/openssl.cnf /usr/lib/ssl/certs /usr/lib/*/ossl-modules /usr/lib/*/engines-* \
    >/tmp/wanted
  take /tmp/wanted
fi

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
