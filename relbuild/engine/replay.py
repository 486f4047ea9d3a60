"""The output of a container as the engine keeps it, written to relbuild's own streams as far as it wasn't yet."""

from __future__ import annotations

import sys

_STDOUT, _STDERR = 1, 2


def streams(log: bytes) -> dict[int, bytes]:
    """Return what was written to stdout (1) and stderr (2), of a log as the engine's API gives it.

    A header of 8 bytes stands before each piece: the stream, three zeros, the length.
    https://docs.docker.com/reference/api/engine/version/v1.45/#tag/Container/operation/ContainerAttach
    """
    found = {_STDOUT: bytearray(), _STDERR: bytearray()}
    at = 0
    while len(log) - at >= 8:
        length = int.from_bytes(log[at + 4 : at + 8])
        found.get(log[at], found[_STDERR]).extend(log[at + 8 : at + 8 + length])
        at += 8 + length
    return {stream: bytes(content) for stream, content in found.items()}


class Replay:
    """What was shown of a log that grows; with ``keep`` stdout isn't written but kept, for a result as JSON."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self._shown = {_STDOUT: 0, _STDERR: 0}
        self.stdout = b""

    def show(self, log: bytes) -> None:
        """Write what is new in the whole log."""
        for stream, content in streams(log).items():
            new = content[self._shown[stream] :]
            self._shown[stream] = max(len(content), self._shown[stream])
            if stream == _STDOUT:
                self.stdout += new
            if new and not (stream == _STDOUT and self._keep):
                to = sys.stdout if stream == _STDOUT else sys.stderr
                to.flush()
                to.buffer.write(new)
                to.buffer.flush()
