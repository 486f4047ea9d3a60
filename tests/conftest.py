"""What holds for every test, and what tests of every kind share."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import settings

# No test asserts a time: a busy machine is no fault.
settings.register_profile("relbuild", deadline=None)
settings.load_profile("relbuild")

# Under nohup a hang-up is ignored, and in the background of a script an interrupt, and so by everything that is started
# from there: tests send them to see what they end.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

Response = tuple[int, Mapping[str, str], bytes]
Respond = Callable[[str, Mapping[str, str]], Response]


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], str]]:
    """Return a function that serves on the loopback address: what is requested (path, headers) → status, headers, body.

    It returns the server's ``host:port``.
    """
    servers: list[ThreadingHTTPServer] = []

    def start(respond: Respond) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = respond(self.path, self.headers)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body)

            def do_HEAD(self) -> None:
                self.do_GET()

            def log_message(self, *arguments: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
