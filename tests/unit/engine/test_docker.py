"""Reads of the engine: its answers, its refusals, and connections that end; against an engine of the test's own."""

from __future__ import annotations

import json
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from relbuild.endpoint import Endpoint
from relbuild.engine.docker import Engine, registry_error
from relbuild.engine.facts import Manifest
from relbuild.errors import CommandFailed, EngineError, PassingFault
from relbuild.image.reference import Reference

Answers = dict[str, "tuple[int, object] | bytes"]
Serve = Callable[[Answers], Engine]
VERSION = {"Version": "26.1.5", "ApiVersion": "1.45", "Arch": "arm64"}


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Give a function that starts an engine with answers by path, each a status with JSON, or raw bytes."""
    servers = []

    def start(answers: Answers) -> Engine:
        every: Answers = {"/version": (200, VERSION), **answers}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                return

            def do_GET(self) -> None:
                path = re.sub(r"^/v[\d.]+", "", self.path)
                answer = every.get(path, (404, {"message": "no such thing"}))
                if isinstance(answer, bytes):
                    self.wfile.write(answer)
                    self.close_connection = True
                    return
                body = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        server = UnixServer(str(tmp_path / "docker.sock"), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return Engine(Endpoint(host=f"unix://{tmp_path}/docker.sock"))

    yield start
    for each in servers:
        each.shutdown()
        each.server_close()


def test_an_answer(serve: Serve) -> None:
    assert serve({}).architecture() == "arm64"


def test_a_closed_connection_is_opened_again(serve: Serve) -> None:
    engine = serve({})
    assert engine.architecture() == "arm64"
    engine.close()
    assert engine.architecture() == "arm64"


def test_a_refusal_has_the_engines_message(serve: Serve) -> None:
    message = "this node is not a swarm manager"
    engine = serve(
        {
            "/services": (503, {"message": message}),
            "/services?filters=%7B%22label%22%3A+%5B%5D%7D": (503, {"message": message}),
        }
    )
    with pytest.raises(EngineError, match=f"can't list services: {message}") as refused:
        engine.services()
    assert (refused.value.exit_code, str(refused.value.problems[0].hint).endswith("refused it")) == (4, True)


def test_an_engine_that_speaks_tls(serve: Serve) -> None:
    engine = serve({"/version": (400, {"message": "Client sent an HTTP request to an HTTPS server."})})
    with pytest.raises(EngineError, match="HTTPS server") as refused:
        engine.architecture()
    assert str(refused.value.problems[0].hint).startswith("the engine speaks TLS: set DOCKER_TLS_VERIFY=1")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"what?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
    ],
)
@pytest.mark.parametrize("path", ["/version", "/images/shop/json"])
def test_half_an_answer_is_no_answer(serve: Serve, path: str, answer: bytes) -> None:
    with pytest.raises(EngineError, match="no Docker Engine answers at unix://"):
        serve({path: answer}).image("shop")


def test_an_old_engine_can_not_build(serve: Serve) -> None:
    engine = serve({"/version": (200, {"Version": "20.10.24", "ApiVersion": "1.41"})})
    with pytest.raises(EngineError, match=r"Docker Engine 20\.10\.24 at unix://.* is too old"):
        engine.require_builds()


def test_what_is_not_there(serve: Serve) -> None:
    engine = serve({})
    assert (engine.image("shop"), engine.archive("web", "/app/bin"), engine.newest_task("web")) == (None, None, None)
    assert engine.service_log("web") == (b"", b"")
    with pytest.raises(CommandFailed, match="there is no container web at unix://"):
        engine.container("web")


def distribution(*platforms: str) -> object:
    parts = [dict(zip(("os", "architecture", "variant"), each.split("/"), strict=False)) for each in platforms]
    return {"Descriptor": {"digest": "sha256:0"}, "Platforms": parts}


def test_a_manifest_has_its_platforms(serve: Serve) -> None:
    answer = distribution("linux/arm64/v8", "linux/amd64", "linux/arm/v7", "unknown/unknown")
    engine = serve({"/distribution/hexpm/elixir:1.18/json": (200, answer)})
    assert engine.manifest(Reference.parse("hexpm/elixir:1.18")) == Manifest(
        "sha256:0", ("linux/amd64", "linux/arm/v7", "linux/arm64")
    )


def test_an_image_that_its_registry_lacks(serve: Serve) -> None:
    assert serve({}).manifest(Reference.parse("registry.example.com/shop:1")) is None


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "unauthorized: authentication required", CommandFailed),
        (403, "denied: requested access is denied", CommandFailed),
        (429, "toomanyrequests: too many", PassingFault),
        (500, "received unexpected HTTP status: 503 Service Unavailable", PassingFault),
        (500, 'Get "https://r.example.com/v2/": dial tcp: lookup r.example.com: no such host', PassingFault),
        (500, "error unmarshalling content: invalid character '<'", CommandFailed),
        (500, 'Get "https://r.example.com/v2/": http: server gave HTTP response to HTTPS client', CommandFailed),
        (500, "tls: failed to verify certificate: x509: certificate signed by unknown authority", CommandFailed),
    ],
)
def test_a_registry_that_refuses(status: int, message: str, kind: type[Exception]) -> None:
    error = registry_error(Reference.parse("r.example.com/shop:1"), status, message)
    assert (type(error), message in str(error), bool(error.problems[0].hint)) == (kind, True, True)
