"""What ends a command's effect elsewhere when relbuild can't any more: it was killed, or its terminal went away.

``docker run`` and ``docker exec`` leave what they started running when the client is killed, and a SIGKILL to relbuild
kills no child. So a small process waits beside it: when relbuild ends without a word, it acts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from types import TracebackType
from typing import Self

# Seconds before each try: what was being started when relbuild was killed may only be there a moment later.
TRIES = (0.0, 1.0, 3.0)


class Watchdog:
    """Runs an argv if relbuild dies inside the ``with``; outside of it there is no process."""

    def __init__(self, undo: tuple[str, ...] | None) -> None:
        self._undo = undo
        self._pid = 0
        self._pipe = -1

    def __enter__(self) -> Self:
        if self._undo is None:
            return self
        reading, self._pipe = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _watch(reading, self._undo)
            finally:
                os._exit(0)
        os.close(reading)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._undo is None:
            return
        os.write(self._pipe, b".")
        os.close(self._pipe)
        os.waitpid(self._pid, 0)


def _watch(reading: int, undo: tuple[str, ...]) -> None:
    """Wait for relbuild's word that all is well; act when the pipe closes without one."""
    os.setsid()  # a Ctrl-C or a hang-up of the terminal must not end this one
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # whoever reads relbuild's output to its end waits for no one else
        os.dup2(nothing, stream)
    os.closerange(3, reading)
    os.closerange(reading + 1, 1024)
    if os.read(reading, 1):
        return
    for pause in TRIES:
        time.sleep(pause)
        subprocess.run(undo, check=False, restore_signals=True)
