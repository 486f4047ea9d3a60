#!/bin/sh
# Functions of the script that collects the rootfs: what files need in turn.
# Part of the Dockerfile written by relbuild.

# What the files listed in $1 need: a link its target, machine code its libraries, a script its interpreter.
needs() {
  xargs --no-run-if-empty --delimiter='\n' --arg-file="$1" \
    sh -c 'find "$@" -maxdepth 0 -type l -printf "%h/\t%l\n"' sh \
    | awk -F '\t' '{ print $2 ~ "^/" ? $2 : $1 $2 }' \
    | xargs --no-run-if-empty --delimiter='\n' realpath --no-symlinks --canonicalize-missing
  xargs --no-run-if-empty --delimiter='\n' --arg-file="$1" \
    sh -c 'find "$@" -maxdepth 0 -type f -print0' sh >/tmp/regular
  # With /bin/sh there are always several, so that ldd says which file it speaks of.
  xargs --no-run-if-empty --null --arg-file=/tmp/regular grep --null --files-with-matches --text '^.ELF' \
    | xargs --no-run-if-empty --null ldd /bin/sh 2>/dev/null \
    | awk '/^\/.*:$/ { file = $0 }
      /=> not found/ { print file " " $1 " is not there: runner.packages should name its package" >"/dev/stderr" }
      /=> \// { print $3 }
      $1 ~ "^/" && /[(]0x/ { print $1 }'
  # shellcheck disable=SC2016 # awk's own
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
