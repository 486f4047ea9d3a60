"""The engine's HTTP API: its framings, its refusals, and connections that end; against a socket of the test's own."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relbuild.endpoint import Endpoint
from relbuild.engine.api import Api, ApiError, _address
from relbuild.engine.docker import Engine
from relbuild.errors import CommandFailed, EngineError, PassingFault

CHUNKED = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"a": \r\n3;x=y\r\n 1}\r\n0\r\n\r\n'
SIZED = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'
UNTIL_THE_END = b'HTTP/1.0 200 OK\r\n\r\n{"a": 1}'
CLOSING = b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 8\r\n\r\n{"a": 1}'

Serve = Callable[..., "tuple[Endpoint, list[bytes]]"]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Give a function that answers each connection with its answers, one a request, and then closes it."""
    listening = socket.socket(socket.AF_UNIX)
    answering: list[threading.Thread] = []

    def start(*connections: list[bytes]) -> tuple[Endpoint, list[bytes]]:
        asked: list[bytes] = []
        listening.bind(str(tmp_path / "docker.sock"))
        listening.listen()

        def answer() -> None:
            with contextlib.suppress(OSError):  # the client, or the test, may be content with less
                for answers in connections:
                    connection, _ = listening.accept()
                    with connection:
                        for each in answers:
                            asked.append(connection.recv(65536).partition(b"\r\n")[0])
                            connection.sendall(each)

        answering.append(threading.Thread(target=answer, daemon=True))
        answering[-1].start()
        return Endpoint(host=f"unix://{tmp_path}/docker.sock"), asked

    yield start
    # A wait for connections that a signal interrupts goes on with whatever socket has its number by then.
    with contextlib.suppress(OSError):
        listening.shutdown(socket.SHUT_RDWR)
    for each in answering:
        each.join(10)
    listening.close()


@pytest.mark.parametrize("answer", [CHUNKED, SIZED, UNTIL_THE_END, CLOSING])
def test_every_framing_of_an_answer(serve: Serve, answer: bytes) -> None:
    endpoint, asked = serve([answer])
    assert Api(endpoint).get("/images/shop:1.0/json", filters={"label": ["a=b"]}, all=True) == {"a": 1}
    assert asked == [b"GET /images/shop:1.0/json?filters=%7B%22label%22%3A+%5B%22a%3Db%22%5D%7D&all=True HTTP/1.1"]


@pytest.mark.parametrize("closing", [UNTIL_THE_END, CLOSING, SIZED])
def test_a_connection_that_was_closed_is_opened_again(serve: Serve, closing: bytes) -> None:
    endpoint, asked = serve([SIZED, closing], [CHUNKED])
    api = Api(endpoint)
    assert [api.get(f"/{number}") for number in range(3)] == [{"a": 1}] * 3
    assert [line.split()[1] for line in asked if line] == [b"/0", b"/1", b"/2"]


def test_a_refusal_is_in_the_engines_words(serve: Serve) -> None:
    body = json.dumps({"message": "this node is not a swarm manager"}).encode()
    endpoint, _ = serve([b"HTTP/1.1 503 Unavailable\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)])
    with pytest.raises(ApiError, match="this node is not a swarm manager") as refused:
        Api(endpoint).get("/services")
    assert refused.value.status == 503


@pytest.mark.parametrize(
    "answers",
    [[], [b""], [SIZED[:-1]], [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx"], [b"what?\r\n\r\n"]],
)
def test_half_an_answer_is_no_answer(serve: Serve, answers: list[bytes]) -> None:
    endpoint, _ = serve(answers, [])
    with pytest.raises(EngineError, match="no Docker Engine answers at unix://"):
        Engine(endpoint).image("shop")


def test_what_is_not_there(serve: Serve) -> None:
    missing = b'HTTP/1.1 404 Not Found\r\nContent-Length: 26\r\n\r\n{"message": "No such one"}'
    endpoint, _ = serve([missing] * 3)
    engine = Engine(endpoint)
    assert (engine.image("shop"), engine.archive("web", "/app/bin")) == (None, None)
    with pytest.raises(CommandFailed, match="there is no container web at unix://"):
        engine.container("web")


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ("ssh: connect to host web1 port 22: Connection timed out", PassingFault, "Connection timed out"),
        ("ssh: Could not resolve hostname web1: Temporary failure in name resolution", PassingFault, "Temporary"),
        ("command [ssh -o ConnectTimeout=30] has exited with exit status 255, stderr=root@web1: Permission denied.",
         EngineError, "ssh://web1: root@web1: Permission denied."),
        ("ssh: connect to host web1 port 22: Connection refused", EngineError, "Connection refused"),
        ("bash: docker: command not found", EngineError, "command not found"),
    ],
)  # fmt: skip
def test_why_an_ssh_host_can_not_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, kind: type[EngineError], message: str
) -> None:
    """The words are ssh's and the docker client's own; a program that says them stands for the client."""
    client = tmp_path / "docker"
    client.write_text(f"#!/bin/sh\necho 'a banner' >&2\necho '{said}' >&2\nexit 1\n")
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises((EngineError, PassingFault)) as failed:
        Engine(Endpoint(host="ssh://web1")).image("shop")
    assert (failed.type, message in str(failed.value)) == (kind, True)


@pytest.mark.parametrize(
    ("endpoint", "environment", "config", "address"),
    [
        (Endpoint(), {}, None, "unix:///var/run/docker.sock"),
        (Endpoint(), {"DOCKER_HOST": "tcp://a:1"}, '{"currentContext": "c"}', "tcp://a:1"),
        (Endpoint(host="ssh://b"), {"DOCKER_HOST": "tcp://a:1"}, None, "ssh://b"),
        (Endpoint(context="c"), {"DOCKER_HOST": "tcp://a:1"}, None, None),
        (Endpoint(context="default"), {"DOCKER_HOST": "tcp://a:1"}, None, "tcp://a:1"),
        (Endpoint(), {"DOCKER_CONTEXT": "c"}, None, None),
        (Endpoint(), {}, '{"currentContext": "c"}', None),
        (Endpoint(), {}, '{"currentContext": "default"}', "unix:///var/run/docker.sock"),
        (Endpoint(), {}, "{", "unix:///var/run/docker.sock"),
        (Endpoint(), {}, "[]", "unix:///var/run/docker.sock"),
    ],
)
def test_the_address_is_the_clients_own(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    endpoint: Endpoint,
    environment: dict[str, str],
    config: str | None,
    address: str | None,
) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONTEXT", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    if config is not None:
        (tmp_path / "config.json").write_text(config)
    assert _address(endpoint) == address
