"""relbuild's own streams and terminal: copied to and from a subprocess in threads, handed over, and restored."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

CHUNK = 65536
# Seconds: a program's child may hold its streams open when it has ended, as an ssh master connection does.
LATE = 5.0
# How many lines at the end of stderr are kept for messages.
KEPT = 40
# Show the cursor, leave the alternate screen, end bracketed paste and mouse reports, plain text: what a full-screen
# program or a line editor that was cut off leaves behind (xterm's control sequences).
RESET = b"\033[?25h\033[?1049l\033[?2004l\033[?1000l\033[?1006l\033[0m\r\n"


class Feed(threading.Thread):
    """Writes bytes to a subprocess's stdin, then what relbuild reads from its own."""

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


class Replay:
    """The part of a growing log that was shown; with ``keep`` stdout isn't written but kept, for a result as JSON."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._shown = [0, 0]
        self.stdout = b""

    def show(self, stdout: bytes, stderr: bytes) -> None:
        """Write what is new in the whole log of each stream."""
        for index, (content, to) in enumerate(((stdout, sys.stdout), (stderr, sys.stderr))):
            new = content[self._shown[index] :]
            self._shown[index] = max(len(content), self._shown[index])
            if to is sys.stdout:
                self.stdout += new
            if new and not (to is sys.stdout and self._keep):
                to.flush()
                to.buffer.write(new)
                to.buffer.flush()


def read_all(stream: IO[bytes] | None) -> Callable[[], bytes]:
    """Read a stream in a thread; return a function that waits for the end and returns the content."""
    kept: list[bytes] = []
    if stream is None:
        return lambda: b""
    reading = threading.Thread(target=lambda: kept.append(stream.read()), daemon=True)
    reading.start()

    def content() -> bytes:
        reading.join(LATE)
        return b"".join(kept)

    return content


@dataclass(frozen=True, slots=True)
class Copied:
    """What came on a stream: its last lines, and the bytes that were not copied."""

    tail: tuple[str, ...] = ()
    held: bytes = b""


def copy_through(stream: IO[bytes] | None, hold: re.Pattern[bytes] | None = None) -> Callable[[], Copied]:
    """Copy a stream to relbuild's stderr as it comes; return a function that waits for its end.

    From the first line on that ``hold`` matches nothing is copied: a client writes such a line when it gives up.
    """
    if stream is None:
        return Copied
    kept: deque[bytes] = deque(maxlen=KEPT)
    held: list[bytes] = []
    sys.stderr.flush()

    def copy() -> None:
        starts_line = True
        while chunk := os.read(stream.fileno(), CHUNK):
            kept.append(chunk)
            passed = len(chunk)
            if held:
                passed = 0
            elif hold is not None and (found := _first_line(hold, chunk, starts_line)) is not None:
                passed = found
            if passed < len(chunk):
                held.append(chunk[passed:])
            starts_line = chunk.endswith(b"\n")
            write(chunk[:passed])

    copying = threading.Thread(target=copy, daemon=True)
    copying.start()

    def copied() -> Copied:
        copying.join(LATE)
        lines = b"".join(kept).decode(errors="replace").splitlines()
        return Copied(tuple(lines[-KEPT:]), b"".join(held))

    return copied


def write(content: bytes) -> None:
    """Write to relbuild's stderr; where nobody reads it, go on: the program would stand still otherwise."""
    with contextlib.suppress(OSError):
        view = memoryview(content)
        while view:
            view = view[os.write(2, view) :]


def _first_line(pattern: re.Pattern[bytes], chunk: bytes, starts_line: bool) -> int | None:
    """Return where the first line begins that the pattern matches."""
    at = 0 if starts_line else chunk.find(b"\n") + 1
    while starts_line or at:
        if pattern.match(chunk, at):
            return at
        starts_line, at = False, chunk.find(b"\n", at) + 1
    return None


def attended() -> bool:
    """Return whether relbuild was started on a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextlib.contextmanager
def restored_terminal() -> Iterator[None]:
    """Restore the terminal's modes when the program that had it has ended, however it ended."""
    if not attended():
        yield
        return
    import termios

    modes = termios.tcgetattr(0)
    try:
        yield
    finally:
        left = termios.tcgetattr(0)
        if left != modes:  # the docker client restores them itself, unless it was killed
            termios.tcsetattr(0, termios.TCSADRAIN, modes)
            os.write(1, RESET)
