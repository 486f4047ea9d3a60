"""What to say when a release's own command failed, over what it said itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

# The verbs that speak to the running node.
SPEAKS_TO_NODE = ("rpc", "remote", "pid", "stop", "restart")
# Kernel.CLI's words for --rpc-eval and --remsh.
NO_ANSWER = ("could not contact remote node", "could not connect to", ":nodedown", ":noconnection")
NO_NODE = "if the node is not alive"

# docker run's codes when it could not start the container, which a release may exit with, too; the client's last line
# tells them apart. https://docs.docker.com/engine/containers/run/#exit-status
NOT_STARTED = (125, 126, 127)
SEE_HELP = re.compile(r"(See|Run) 'docker run --help'")
# What the engine answers docker exec, daemon/exec.go's words: the container was up when relbuild looked.
NO_EXEC = re.compile(
    r"Error response from daemon: (?:[Cc]ontainer (\S+) is (restarting|paused|not running)|No such container)"
)
# kubectl's words for a server that doesn't answer; those for one that it doesn't trust begin alike.
NO_CLUSTER = re.compile(
    r"The connection to the server \S+ was refused"
    r"|Unable to connect to the server: (?:dial |net/http: |context deadline exceeded|EOF$)"
)


def refusal(exit_code: int, tail: tuple[str, ...]) -> tuple[str, str | None] | None:
    """Return why docker run did not start its container, and what to change where that is known; None where it did."""
    if exit_code not in NOT_STARTED or not tail or not SEE_HELP.match(tail[-1]):
        return None
    reason = next((line for line in tail if line.startswith(("docker: ", "unknown "))), tail[0])
    reason = reason.removeprefix("docker: ").removeprefix("Error response from daemon: ").rstrip(".")
    said = reason.lower()
    if "rlimit" in said:
        return reason, "the engine can't raise the limit of open files so far: give a lower --nofile, or leave it out"
    if "port is already allocated" in said or "address already in use" in said:
        return reason, "the port is taken on that machine: publish it under another, -p HOST:PORT"
    return reason, None


def left(container: str, tail: tuple[str, ...]) -> str | None:
    """Return what became of a container, by its id, before docker exec began in it; None where exec began."""
    refused = NO_EXEC.match(tail[-1]) if tail else None
    if refused is None or refused[1] not in (container, None):
        return None
    return refused[2] or "gone"


def no_cluster(tail: tuple[str, ...]) -> str | None:
    """Return kubectl's word on why it reached no cluster; None where it did."""
    return next((line for line in tail if NO_CLUSTER.match(line)), None)


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
