"""What is said of a command that failed."""

from __future__ import annotations

import pytest

from relbuild.release.advice import left, no_cluster, refusal

HELP = ("", "Run 'docker run --help' for more information")


@pytest.mark.parametrize(
    ("code", "tail", "told"),
    [
        (125, ("docker: Error response from daemon: no room.", *HELP), ("no room", None)),
        (125, ("docker: Error response from daemon: no.", "See 'docker run --help'."), ("no", None)),
        (125, ("unknown flag: --bogus", "", "Usage:  docker run [OPTIONS]", *HELP), ("unknown flag: --bogus", None)),
        (127, ('docker: exec: "/app/a": no such file', *HELP), ('exec: "/app/a": no such file', None)),
        (
            125,
            ("docker: Error response from daemon: Bind for 0.0.0.0:80: port is already allocated.", *HELP),
            (
                "Bind for 0.0.0.0:80: port is already allocated",
                "the port is taken on that machine: publish it under another, -p HOST:PORT",
            ),
        ),
        # A release's own: its code, and what it writes.
        (125, (), None),
        (125, ("docker: I am a release",), None),
        (1, ("docker: no", *HELP), None),
    ],
)
def test_a_container_that_did_not_start_is_told_from_a_release_that_failed(
    code: int, tail: tuple[str, ...], told: tuple[str, str | None] | None
) -> None:
    assert refusal(code, tail) == told


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
    assert left("59a98d", ("a line before", said)) == status
    assert left("59a98d", (said, "a line after")) is None
    assert left("59a98d", ()) is None


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
