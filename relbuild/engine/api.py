"""The Docker Engine's HTTP API, for reads alone, by the way the docker client itself would take to the engine.

The Docker SDK is not used for it: importing it takes longer than ``docker exec`` does, and it speaks no ssh without a
second ssh implementation. Here a plain socket is dialled where there is one; the docker client dials the rest (ssh,
TLS, contexts), so that reads and writes go to the same engine.
"""

from __future__ import annotations

import io
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlencode

from relbuild.endpoint import Endpoint
from relbuild.engine.dial import Dialled, dial

DEFAULT_SOCKET = "/var/run/docker.sock"
# Seconds without a byte from the engine; `docker system df` and the like take their time on a busy one.
SILENCE = 60.0


class ApiError(Exception):
    """The engine's answer is a refusal."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """Connections to one engine; one is opened when the first read asks for it, and kept."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._open: _Connection | None = None

    def get(self, path: str, /, **query: object) -> Any:
        """Return the JSON at a path; raise ApiError when the engine refuses and OSError when it can't be talked to."""
        return json.loads(self.get_bytes(path, **query))

    def get_bytes(self, path: str, /, **query: object) -> bytes:
        """Return the body at a path; a query's mapping goes as JSON, as the API wants its filters."""
        target = _target(path, query)
        used, answer = self._open is not None, None
        if self._open is not None:
            answer = self._ask(self._open, target)
        if answer is None:  # the engine closes a connection that was idle
            self._open = _connect(self._endpoint)
            answer = self._ask(self._open, target)
        if answer is None:
            raise ConnectionError(self._open_reason(used))
        status, body = answer
        if status >= 400:
            raise ApiError(status, _message(body))
        return body

    @contextmanager
    def stream(self, path: str, /, **query: object) -> Iterator[IO[bytes]]:
        """Give the body at a path to read as it comes, over a connection of its own; raise as ``get`` does."""
        connection = _connect(self._endpoint)
        try:
            connection.send(_request(_target(path, query)))
            head = connection.stream.readline(65536)
            if not head:
                raise ConnectionError(connection.last_words() or "it hung up without an answer")
            status, headers = _status(head), _headers(connection.stream)
            if status >= 400:
                raise ApiError(status, _message(_body(connection.stream, headers)))
            chunked = headers.get("transfer-encoding", "").lower() == "chunked"
            yield io.BufferedReader(_Chunks(connection.stream), 1 << 20) if chunked else connection.stream
        finally:
            connection.hang_up()

    def close(self) -> None:
        """Hang up, where there is a connection that was kept."""
        if self._open is not None:
            self._open.hang_up()
            self._open = None

    def _ask(self, connection: _Connection, target: str) -> tuple[int, bytes] | None:
        """Return the answer, or None when the other side has gone before it began to answer."""
        try:
            connection.send(_request(target))
            head = connection.stream.readline(65536)
        except (BrokenPipeError, ConnectionResetError):
            head = b""
        if not head:
            return None
        status = _status(head)
        headers = _headers(connection.stream)
        body = _body(connection.stream, headers)
        if head.startswith(b"HTTP/1.0") or headers.get("connection", "").lower() == "close":
            self._open = None
        return status, body

    def _open_reason(self, used: bool) -> str:
        said = self._open.last_words() if self._open is not None else ""
        self._open = None
        return said or ("it hung up" if used else "it hung up without an answer")


@dataclass(frozen=True, slots=True)
class _Connection:
    socket: socket.socket
    stream: IO[bytes]
    client: Dialled | None = None

    def send(self, request: bytes) -> None:
        self.socket.sendall(request)

    def hang_up(self) -> None:
        self.stream.close()
        self.socket.close()
        # By which the docker client ends, too.
        self.last_words()

    def last_words(self) -> str:
        """What the docker client said when it could not reach the engine."""
        return self.client.last_words() if self.client is not None else ""


def _request(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: docker\r\nUser-Agent: relbuild\r\n\r\n".encode()


def _target(path: str, query: Mapping[str, object]) -> str:
    words = {key: json.dumps(value) if isinstance(value, dict) else str(value) for key, value in query.items()}
    return quote(path, safe="/:@") + (f"?{urlencode(words)}" if words else "")


def _status(head: bytes) -> int:
    if not re.match(rb"HTTP/1\.[01] \d{3}\b", head):
        raise ConnectionError("what answers there speaks no HTTP")
    return int(head[9:12])


class _Chunks(io.RawIOBase):
    """A chunked body (RFC 9112, section 7.1) as a stream."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._left = 0
        self._over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._over:
            return 0
        if not self._left:
            self._left = int(self._stream.readline(65536).split(b";")[0], 16)
            if not self._left:
                self._over = True
                return 0
        content = self._stream.read(min(self._left, len(buffer)))
        if not content:
            raise ConnectionError("it hung up in the middle of its answer")
        buffer[: len(content)] = content
        self._left -= len(content)
        if not self._left:
            self._stream.readline(65536)
        return len(content)


def _connect(endpoint: Endpoint) -> _Connection:
    host = _address(endpoint)
    client = None
    if host is not None and host.startswith("unix://"):
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connected.settimeout(SILENCE)
        connected.connect(host.removeprefix("unix://"))
    elif host is not None and host.startswith("tcp://") and not os.environ.get("DOCKER_TLS_VERIFY"):
        name, _, port = host.removeprefix("tcp://").rstrip("/").rpartition(":")
        connected = socket.create_connection((name.strip("[]"), int(port)), SILENCE)
    else:
        client = dial((*endpoint.docker, "system", "dial-stdio"))
        connected = client.socket
        connected.settimeout(SILENCE)
    return _Connection(connected, connected.makefile("rb"), client)


def _address(endpoint: Endpoint) -> str | None:
    """Return the address the docker client would use, by its own order of precedence; None where only it knows.

    https://docs.docker.com/engine/manage-resources/contexts/ and the client's cli/command/cli.go.
    """
    if endpoint.host is not None:
        return endpoint.host
    from_environment = os.environ.get("DOCKER_HOST")
    if endpoint.context is None and from_environment:
        return from_environment
    context = endpoint.context or os.environ.get("DOCKER_CONTEXT") or _current_context()
    return (from_environment or f"unix://{DEFAULT_SOCKET}") if context == "default" else None


def _current_context() -> str:
    directory = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")  # noqa: PTH111 (no home: kept as is)
    try:
        settings = json.loads(Path(directory, "config.json").read_bytes())
    except (OSError, ValueError):
        return "default"
    current = settings.get("currentContext") if isinstance(settings, dict) else None
    return current if isinstance(current, str) and current else "default"


def _headers(stream: IO[bytes]) -> dict[str, str]:
    headers = {}
    while line := stream.readline(65536).strip():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    return headers


def _body(stream: IO[bytes], headers: dict[str, str]) -> bytes:
    """Return a message's body by its framing: RFC 9112, section 6."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        parts = []
        while size := int(stream.readline(65536).split(b";")[0], 16):
            parts.append(_exactly(stream, size))
            stream.readline(65536)
        _headers(stream)
        return b"".join(parts)
    if "content-length" in headers:
        return _exactly(stream, int(headers["content-length"]))
    return stream.read()


def _exactly(stream: IO[bytes], size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise ConnectionError("it hung up in the middle of its answer")
    return content


def _message(body: bytes) -> str:
    try:
        said = json.loads(body)
        return str(said["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()
