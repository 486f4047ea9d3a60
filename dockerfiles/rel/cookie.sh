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
        echo "no place for a cookie that other commands in this container find: give RELEASE_COOKIE, or a writable /tmp" >&2
        ;;
    esac
  fi
  export RELEASE_COOKIE
  unset cookie_dir cookie_file
fi

# A node for rpc, remote, stop, restart and pid, which no other host reaches: it listens on 127.0.0.1, without epmd. Not
# for a release that names its node, has a library that connects nodes, or flags of the distribution in vm.args.
node_is_own="${RELEASE_DISTRIBUTION:-}${RELEASE_NODE:-}"
for node_library in horde libcluster partisan peerage swarm syn; do
  if ls -d "$RELEASE_ROOT/lib/$node_library"-* >/dev/null 2>&1; then node_is_own=1; fi
done
if echo "${ELIXIR_ERL_OPTIONS:-} ${ERL_AFLAGS:-} ${ERL_FLAGS:-} ${ERL_ZFLAGS:-}" |
  cat - "${RELEASE_VM_ARGS:-$RELEASE_ROOT/releases/$RELEASE_VSN/vm.args}" 2>/dev/null |
  grep -Eq '^[^#]*(-s?name |_dist |epmd|inet_dist_)'; then node_is_own=1; fi
if [ -z "$node_is_own" ]; then
  export RELEASE_DISTRIBUTION=name "RELEASE_NODE=$RELEASE_NAME@127.0.0.1"
  # A port of the container's own, by its cookie: containers in the host's network need different ones.
  node_port="$((20000 + $(printf '%s' "$RELEASE_COOKIE" | od -An -N4 -tu4) % 10000))"
  case "${RELEASE_COMMAND:-}" in
    start* | daemon*) node_listens="-kernel inet_dist_use_interface {127,0,0,1}" ;;
    *) node_listens="-dist_listen false" ;;
  esac
  export ELIXIR_ERL_OPTIONS="${ELIXIR_ERL_OPTIONS:-} -start_epmd false -erl_epmd_port $node_port $node_listens"
  unset node_port node_listens
fi
unset node_is_own node_library
