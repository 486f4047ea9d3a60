#!/bin/sh
# Functions of the scripts that collect and write the rootfs: which paths are of use, and whose they are.
# Part of the Dockerfile written by relbuild.

export LC_ALL=C

# Of Debian's packages this is never read where a release runs, or is the container's own.
unused='^/(app|boot|dev|proc|rootfs|run|scripts|sys|tmp|var/(cache|log)|var/lib/(apt|dpkg|systemd))(/|$)
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

# The files below those of the paths that are there.
below() {
  for path; do
    if [ -e "$path" ]; then find "$path" ! -type d; fi
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
