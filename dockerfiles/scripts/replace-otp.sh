#!/bin/sh
# Replaces the machine code of ERTS and OTP in /layers by that of the platform that the image is for, from /foreign.
# Part of the Dockerfile written by relbuild.
set -eu
export LC_ALL=C
if [ "$TARGETPLATFORM" = "$BUILDPLATFORM" ]; then exit 0; fi

# Machine code below a directory.
machine_code() {
  find "$1" -type f -exec grep --files-with-matches --text "$(printf '^\177ELF')" {} + || true
}

own="$(find /layers -mindepth 1 -maxdepth 1 ! -name otp | while IFS= read -r part; do machine_code "$part"; done)"
if [ -n "$own" ]; then
  echo "machine code for $BUILDPLATFORM, not for $TARGETPLATFORM: \
builder: {emulate: true} in relbuild.yml builds on each platform" >&2
  echo "$own" | sed 's,^/layers/[^/]*/app/,  ,' >&2
  exit 1
fi

# ERTS and the drivers of OTP's applications have the same place in both; the versions must be the same.
root="$(erl -noinput -eval 'io:put_chars(code:root_dir()), halt().')"
machine_code /layers/otp | while IFS= read -r file; do
  foreign="/foreign$root/${file#/layers/otp/app/}"
  if [ ! -e "$foreign" ]; then
    echo "$TARGETPLATFORM has another Erlang/OTP than $BUILDPLATFORM: there is no ${foreign#/foreign}" >&2
    exit 1
  fi
  cat "$foreign" >"$file"
  touch --date=@0 "$file"
done
