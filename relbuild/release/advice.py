"""What to say when a release's own command failed, over what it said itself."""

from __future__ import annotations

from collections.abc import Mapping

# The verbs that speak to the running node.
SPEAKS_TO_NODE = ("rpc", "remote", "pid", "stop", "restart")
# Kernel.CLI's words for --rpc-eval and --remsh.
NO_ANSWER = ("could not contact remote node", "could not connect to", ":nodedown", ":noconnection")
NO_NODE = "if the node is not alive"


def on_failure(name: str, verb: str, env: Mapping[str, str], tail: tuple[str, ...]) -> str | None:
    """Return why a verb got no answer from a container's running system and what to change; None where unknown."""
    if verb not in SPEAKS_TO_NODE:
        return None
    said = "\n".join(tail).lower()
    if env.get("RELEASE_DISTRIBUTION") == "none" or NO_NODE in said:
        return (
            f"{name} runs without a node (RELEASE_DISTRIBUTION=none), so {verb} can't reach it: start it with "
            "RELEASE_DISTRIBUTION=sname, in its environment or in rel/env.sh.eex; eval works without a node"
        )
    if any(words in said for words in NO_ANSWER):
        return (
            f"the system in {name} did not answer: it may still boot, or run with another cookie or another name than "
            "this command is given (RELEASE_COOKIE, RELEASE_NODE); relbuild logs shows what it says"
        )
    return None
