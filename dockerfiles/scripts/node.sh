
# Added to env.sh; written by relbuild.
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
