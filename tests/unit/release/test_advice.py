"""Why a command failed, from what docker, kubectl and Elixir write."""

from __future__ import annotations

import subprocess

import pytest

from relbuild.release.advice import (
    NODE_VARIABLES,
    exec_refused,
    no_answer,
    no_cluster,
    node_of,
    not_started,
    unanswered,
)

HELP = ("", "Run 'docker run --help' for more information")


@pytest.mark.parametrize(
    ("code", "tail", "reason"),
    [
        (125, ("docker: Error response from daemon: no room.", *HELP), "no room"),
        (125, ("docker: Error response from daemon: no.", "See 'docker run --help'."), "no"),
        (125, ("unknown flag: --bogus", "", "Usage:  docker run [OPTIONS]", *HELP), "unknown flag: --bogus"),
        (127, ('docker: exec: "/app/a": no such file', *HELP), 'exec: "/app/a": no such file'),
        # A release's own: its code, and what it writes.
        (125, (), None),
        (125, ("docker: I am a release",), None),
        (1, ("docker: no", *HELP), None),
    ],
)
def test_a_container_that_did_not_start_is_distinguished_from_a_release_that_failed(
    code: int, tail: tuple[str, ...], reason: str | None
) -> None:
    found = not_started(code, tail)
    assert (found and found.message) == (reason and f"docker can't start the container: {reason}")


@pytest.mark.parametrize(
    ("said", "reason", "hint"),
    [
        (
            "driver failed programming external connectivity on endpoint web (0a1b2c): Bind for 0.0.0.0:4000 failed: "
            "port is already allocated",
            "Bind for 0.0.0.0:4000 failed: port is already allocated",
            "docker ps shows the container that uses port 4000; publish another port: -p OTHER:4000",
        ),
        (
            "failed to set up networking: driver failed programming external connectivity on endpoint web "
            "(0a1b2c): failed to bind host port 127.0.0.1:5432/tcp: address already in use",
            "failed to set up networking: failed to bind host port 127.0.0.1:5432/tcp: address already in use",
            "docker ps shows the container that uses port 5432; publish another port: -p OTHER:5432",
        ),
        (
            "driver failed programming external connectivity on endpoint a (0a): Error starting userland proxy: listen "
            "tcp4 0.0.0.0:80: bind: address already in use",
            "Error starting userland proxy: listen tcp4 0.0.0.0:80: bind: address already in use",
            "docker ps shows the container that uses port 80; publish another port: -p OTHER:80",
        ),
        (
            'Conflict. The container name "/web" is already in use by container "0a1b". You have to remove (or rename) '
            "that container to be able to reuse that name",
            'Conflict. The container name "/web" is already in use by container "0a1b". You have to remove (or rename) '
            "that container to be able to reuse that name",
            "remove that container (docker rm --force web), or choose another --name",
        ),
        (
            "network backend not found",
            "network backend not found",
            "create it (docker network create backend), or name another: docker network ls lists them",
        ),
        (
            "failed to create task for container: error setting rlimits for ready process: operation not permitted",
            "failed to create task for container: error setting rlimits for ready process: operation not permitted",
            "the engine can't raise the limit of open files so far: give a lower --nofile, or leave it out",
        ),
    ],
)
def test_what_docker_can_not_start_has_a_next_action(said: str, reason: str, hint: str) -> None:
    found = not_started(125, (f"docker: Error response from daemon: {said}.", *HELP))
    assert found is not None
    assert (found.message, found.hint) == (f"docker can't start the container: {reason}", hint)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("Error response from daemon: Container 59a98d is restarting, wait until it is running", "restarting"),
        ("Error response from daemon: Container 59a98d is paused, unpause the container before exec", "paused"),
        ("Error response from daemon: container 59a98d is not running", "not running"),
        ("Error response from daemon: No such container: 59a98d", "gone"),
        # A release's own words, of another container.
        ("Error response from daemon: Container 11aa22 is restarting, wait until the container is running", None),
        ("** (RuntimeError) no", None),
    ],
)
def test_a_container_that_left_between_look_and_exec_is_told_from_a_command_that_failed(
    said: str, status: str | None
) -> None:
    assert exec_refused("59a98d", ("a line before", said)) == status
    assert exec_refused("59a98d", (said, "a line after")) is None
    assert exec_refused("59a98d", ()) is None


@pytest.mark.parametrize(
    ("last", "away"),
    [
        ("The connection to the server 127.0.0.1:9 was refused - did you specify the right host or port?", True),
        ("Unable to connect to the server: dial tcp: lookup k8s.invalid on 10.0.0.53:53: no such host", True),
        ("Unable to connect to the server: net/http: TLS handshake timeout", True),
        ("Unable to connect to the server: EOF", True),
        ("Unable to connect to the server: tls: failed to verify certificate: x509: unknown authority", False),
        ("Error in configuration: context was not found for specified context: prod", False),
        ("error: could not connect to the node", False),
    ],
)
def test_a_cluster_that_does_not_answer(last: str, away: bool) -> None:
    """The lines are those of kubectl 1.20 and 1.34."""
    tail = ('E1123 20:28:50 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list"', last)
    assert no_cluster(tail) == (last if away else None)
    assert no_cluster(()) is None


@pytest.mark.parametrize(
    "line",
    [
        "--rpc-eval : RPC failed with reason :nodedown",
        "--rpc-eval : RPC failed with reason :noconnection",
        "--rpc-eval : Cannot run --rpc-eval if the node is not alive (set --name or --sname)",
        "Could not contact remote node shop@1f, reason: :nodedown. Aborting...",
        'Could not connect to "shop"',
        "In order to use --remsh, you need to name the current node using --name or --sname. Aborting...",
    ],
)
def test_a_node_that_does_not_answer(line: str) -> None:
    """The lines are those of Elixir 1.14, 1.18 and 1.20."""
    assert no_answer(("a line before", line))
    assert not no_answer(("** (RuntimeError) no", ""))


def test_the_running_systems_node_is_read_from_its_process() -> None:
    release = {
        "RELEASE_COMMAND": "start",
        "RELEASE_DISTRIBUTION": "none",
        "RELEASE_NODE": "shop",
        "PATH": "/usr/bin:/bin",
    }
    with subprocess.Popen(("sleep", "60"), env=release) as system:
        shown = subprocess.run(("sh", "-c", NODE_VARIABLES), capture_output=True, text=True).stdout
        system.kill()
    assert "RELEASE_COMMAND=start\nRELEASE_DISTRIBUTION=none\nRELEASE_NODE=shop\n\n" in shown
    other = "RELEASE_COMMAND=rpc\nRELEASE_NODE=x\n\n"
    assert node_of(f"{other}RELEASE_NODE=shop\nRELEASE_COMMAND=start_iex\n") == {
        "RELEASE_NODE": "shop",
        "RELEASE_COMMAND": "start_iex",
    }
    assert node_of(other) == node_of("") == {}


def test_why_there_is_no_answer() -> None:
    none = {"RELEASE_DISTRIBUTION": "none"}
    by_image = unanswered("web", "pid", none, {})
    assert by_image.message == "web runs without a node (RELEASE_DISTRIBUTION=none): pid can't reach it"
    assert by_image.hint == (
        "remove RELEASE_DISTRIBUTION=none from rel/env.sh.eex, and build the image again; relbuild eval needs no node"
    )
    assert "from its environment; " in str(unanswered("web", "pid", {}, none).hint)
    other = unanswered("web", "rpc", {"RELEASE_NODE": "shop@1f"}, {})
    assert other.message == "the system in web did not answer (shop@1f)"
