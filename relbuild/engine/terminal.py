"""The terminal relbuild was started on: handed over to a program, and put back as it was."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

# Show the cursor, leave the alternate screen, end bracketed paste and mouse reports, plain text: what a full-screen
# program or a line editor that was cut off leaves behind (xterm's control sequences).
RESET = b"\033[?25h\033[?1049l\033[?2004l\033[?1000l\033[?1006l\033[0m\r\n"


def attended() -> bool:
    """Tell whether a person sits in front of it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Put the terminal's modes back when the program it is handed to has ended, however it ended."""
    if not attended():
        yield
        return
    import termios

    modes = termios.tcgetattr(0)
    try:
        yield
    finally:
        left = termios.tcgetattr(0)
        if left != modes:  # the docker client puts them back itself, unless it was killed
            termios.tcsetattr(0, termios.TCSADRAIN, modes)
            os.write(1, RESET)
