"""Why a command in a place failed: what docker, kubectl and Elixir write, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from relbuild.errors import Problem

# The verbs that connect to the node of the running system.
NODE_VERBS = ("rpc", "remote", "pid", "stop", "restart")
# Kernel.CLI's words for --rpc-eval and --remsh, and IEx's.
NO_ANSWER = re.compile(
    r"could not contact remote node|could not connect to|:nodedown|:noconnection|the node is not alive"
    r"|name the current node",
    re.IGNORECASE,
)
# Prints of each process the variables of a release's node, the processes separated by empty lines.
NODE_VARIABLES = (
    "for each in /proc/[0-9]*/environ; do"
    " tr '\\0' '\\n' <\"$each\" | grep -E '^RELEASE_(COMMAND|DISTRIBUTION|NODE)=' && echo; done 2>/dev/null"
)

# docker run's codes when it could not start the container, which a release may exit with, too; the client's last line
# distinguishes them. https://docs.docker.com/engine/containers/run/#exit-status
NOT_STARTED = (125, 126, 127)
SEE_HELP = re.compile(r"(See|Run) 'docker run --help'")
# The first line that docker or kubectl writes when it gives up: what follows is its message and no program's output.
GIVES_UP = re.compile(
    rb"docker: |Error response from daemon: |unknown (?:shorthand )?flag: |invalid argument "
    rb"|Unable to connect to the server: |The connection to the server "
)
ENDPOINT = re.compile(r"driver failed programming external connectivity on endpoint \S+(?: \(\w+\))?: ")
PORT = re.compile(r":(?P<port>\d+)(?:/\w+)?(?: failed)?: (?:port is already allocated|.*address already in use)")
NAME = re.compile(r'container name "/?(?P<name>[^"]+)" is already in use')
NETWORK = re.compile(r"network (?P<name>\S+) not found")
# The engine's answers to docker exec (daemon/exec.go): the container was running when relbuild looked.
NO_EXEC = re.compile(
    r"Error response from daemon: (?:[Cc]ontainer (\S+) is (restarting|paused|not running)|No such container)"
)
# kubectl's words for a server that doesn't answer; those for one that it doesn't trust begin alike.
NO_CLUSTER = re.compile(
    r"The connection to the server \S+ was refused"
    r"|Unable to connect to the server: (?:dial |net/http: |context deadline exceeded|EOF$)"
)


def not_started(exit_code: int, tail: tuple[str, ...]) -> Problem | None:
    """Return why docker run did not start its container, and what to do; None where it did start it."""
    if exit_code not in NOT_STARTED or not tail or not SEE_HELP.match(tail[-1]):
        return None
    reason = next((line for line in tail if line.startswith(("docker: ", "unknown "))), tail[0])
    reason = reason.removeprefix("docker: ").removeprefix("Error response from daemon: ").rstrip(".")
    reason = ENDPOINT.sub("", reason)
    return Problem(f"docker can't start the container: {reason}", hint=_to_start(reason))


def _to_start(reason: str) -> str | None:
    if found := PORT.search(reason):
        port = found["port"]
        return f"docker ps shows the container that uses port {port}; publish another port: -p OTHER:{port}"
    if found := NAME.search(reason):
        name = found["name"]
        return f"remove that container (docker rm --force {name}), or choose another --name"
    if found := NETWORK.search(reason):
        name = found["name"]
        return f"create it (docker network create {name}), or name another: docker network ls lists them"
    if "rlimit" in reason.lower():
        return "the engine can't raise the limit of open files so far: give a lower --nofile, or leave it out"
    return None


def exec_refused(container: str, tail: tuple[str, ...]) -> str | None:
    """Return the status of a container, by its id, in which docker exec started nothing; None where it did."""
    refused = NO_EXEC.match(tail[-1]) if tail else None
    if refused is None or refused[1] not in (container, None):
        return None
    return refused[2] or "gone"


def no_cluster(tail: tuple[str, ...]) -> str | None:
    """Return kubectl's message when it reached no cluster; None where it did."""
    return next((line for line in tail if NO_CLUSTER.match(line)), None)


def no_answer(tail: tuple[str, ...]) -> bool:
    """Return whether a verb got no answer from the node of the running system."""
    return any(NO_ANSWER.search(line) for line in tail)


def node_of(printed: str) -> dict[str, str]:
    """Return the variables of the process that started the system, from what NODE_VARIABLES prints."""
    processes = [dict(line.partition("=")[::2] for line in each.splitlines()) for each in printed.split("\n\n")]
    started = [each for each in processes if each.get("RELEASE_COMMAND", "").startswith(("start", "daemon"))]
    return started[0] if started else {}


def unanswered(where: str, verb: str, node: Mapping[str, str], given: Mapping[str, str]) -> Problem:
    """Return why a verb got no answer there, and what to do.

    ``node`` are the variables of the running system, ``given`` those that the container was started with.
    """
    if "none" in (node.get("RELEASE_DISTRIBUTION"), given.get("RELEASE_DISTRIBUTION")):
        source = "its environment" if "RELEASE_DISTRIBUTION" in given else "rel/env.sh.eex, and build the image again"
        return Problem(
            f"{where} runs without a node (RELEASE_DISTRIBUTION=none): {verb} can't reach it",
            hint=f"remove RELEASE_DISTRIBUTION=none from {source}; relbuild eval needs no node",
        )
    name = f" ({node['RELEASE_NODE']})" if "RELEASE_NODE" in node else ""
    return Problem(
        f"the system in {where} did not answer{name}",
        hint="it may still be booting, or this command has another cookie or node name (RELEASE_COOKIE, RELEASE_NODE): "
        "relbuild logs shows its output",
    )
