"""Bytes on their way between relbuild's streams and a subprocess's, each way in a thread of its own."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

CHUNK = 65536
# Seconds: a program's child may hold its streams open when it has ended, as an ssh master connection does.
LATE = 5.0
# How much of stderr's end is kept for a message to quote.
KEPT = 40


class Feed(threading.Thread):
    """Writes bytes to a subprocess's stdin, then what comes on relbuild's own."""

    def __init__(self, stdin: IO[bytes], first: bytes, *, own: bool) -> None:
        super().__init__(daemon=True)
        self._stdin = stdin
        self._first = first
        self._own = own

    def run(self) -> None:
        # The program may end before it has read all of it.
        with contextlib.suppress(BrokenPipeError, ValueError, OSError), self._stdin as stdin:
            stdin.write(self._first)
            stdin.flush()
            while self._own and (chunk := os.read(0, CHUNK)):
                stdin.write(chunk)
                stdin.flush()


def read_all(stream: IO[bytes] | None) -> Callable[[], bytes]:
    """Read a stream to its end meanwhile; return what waits for that and gives its content."""
    kept: list[bytes] = []
    if stream is None:
        return lambda: b""
    reading = threading.Thread(target=lambda: kept.append(stream.read()), daemon=True)
    reading.start()

    def content() -> bytes:
        reading.join(LATE)
        return b"".join(kept)

    return content


def copy_through(stream: IO[bytes] | None) -> Callable[[], tuple[str, ...]]:
    """Copy a stream to relbuild's stderr as it comes; return what waits for its end and gives the last lines."""
    if stream is None:
        return lambda: ()
    kept: deque[bytes] = deque(maxlen=KEPT)
    sys.stderr.flush()

    def copy() -> None:
        while chunk := os.read(stream.fileno(), CHUNK):
            kept.append(chunk)
            with contextlib.suppress(OSError):  # nobody reads our stderr: go on, or the program would stand still
                view = memoryview(chunk)
                while view:
                    view = view[os.write(2, view) :]

    copying = threading.Thread(target=copy, daemon=True)
    copying.start()

    def tail() -> tuple[str, ...]:
        copying.join(LATE)
        return tuple(b"".join(kept).decode(errors="replace").splitlines()[-KEPT:])

    return tail
