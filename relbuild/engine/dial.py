"""Talking to somewhere else through a program that passes on what it is sent."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relbuild.engine.runner import GRACE, missing

if TYPE_CHECKING:
    import socket


@dataclass(frozen=True, slots=True)
class Dialled:
    """A program that passes what it is sent on to somewhere else; ``socket`` is its stdin and stdout."""

    socket: socket.socket
    child: subprocess.Popen[bytes]

    def last_words(self) -> str:
        """Return the last line the program said on stderr, having waited for its end."""
        self.socket.close()
        try:
            _, said = self.child.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            _, said = self.child.communicate()
        lines = said.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def dial(argv: tuple[str, ...]) -> Dialled:
    """Start a program to talk to over its stdin and stdout."""
    import socket

    ours, theirs = socket.socketpair()
    with theirs:
        end = theirs.fileno()
        try:
            child = subprocess.Popen(argv, stdin=end, stdout=end, stderr=subprocess.PIPE, start_new_session=True)
        except FileNotFoundError as error:
            raise missing(argv[0]) from error
    return Dialled(ours, child)
