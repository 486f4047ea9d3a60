
# Added to env.sh; written by relbuild.
# A cookie of this container's own, when RELEASE_COOKIE gives none: kept where every command of the container finds it.
if [ -z "${RELEASE_COOKIE:-}" ]; then
  for cookie_dir in "${RELEASE_TMP:-/tmp}" /tmp /dev/shm; do
    cookie_file="$cookie_dir/$RELEASE_NAME.cookie"
    if [ ! -s "$cookie_file" ]; then
      # The first to link its cookie into place wins, and everyone reads that one.
      (
        umask 077
        mkdir -p "$cookie_dir"
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$cookie_file.$$"
        ln "$cookie_file.$$" "$cookie_file"
      ) 2>/dev/null || true
      rm -f "$cookie_file.$$"
    fi
    if [ -r "$cookie_file" ] && [ -s "$cookie_file" ]; then
      RELEASE_COOKIE="$(cat "$cookie_file")"
      break
    fi
  done
  if [ -z "${RELEASE_COOKIE:-}" ]; then
    RELEASE_COOKIE="$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
    case "${RELEASE_COMMAND:-}" in
      start* | daemon* | rpc | remote | stop | restart | pid)
        echo "no place for a cookie that other commands find: set RELEASE_COOKIE, or mount a writable /tmp" >&2
        ;;
    esac
  fi
  export RELEASE_COOKIE
  unset cookie_dir cookie_file
fi
