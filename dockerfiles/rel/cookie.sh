# A cookie of this container's own, when RELEASE_COOKIE gives none.
if [ -z "${RELEASE_COOKIE:-}" ]; then
  cookie_file="${RELEASE_TMP:-/tmp}/$RELEASE_NAME.cookie"
  if [ ! -s "$cookie_file" ]; then
    RELEASE_COOKIE="$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
    # The first to link its cookie into place wins, and everyone reads that one.
    if (umask 077 && mkdir -p "${cookie_file%/*}" && printf %s "$RELEASE_COOKIE" >"$cookie_file.$$") 2>/dev/null; then
      ln "$cookie_file.$$" "$cookie_file" 2>/dev/null || true
      rm -f "$cookie_file.$$"
    fi
  fi
  if [ -s "$cookie_file" ]; then RELEASE_COOKIE="$(cat "$cookie_file")"; fi
  export RELEASE_COOKIE
  unset cookie_file
fi
