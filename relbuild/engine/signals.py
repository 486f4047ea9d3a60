"""Signals that wait while a subprocess is started, so that relbuild knows the process that it has to end."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Held:
    """Inside the ``with`` a signal waits for ``release``, which raises what the signal's handler raises."""

    def __init__(self) -> None:
        self._come: list[tuple[int, FrameType | None]] = []
        self._handlers: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other thread receives signals
            for each in ENDING:
                self._handlers[each] = signal.signal(each, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def release(self) -> None:
        """Restore the handlers, and call them for the signals that have come."""
        handlers, self._handlers = self._handlers, {}
        for each, handler in handlers.items():
            signal.signal(each, handler)
        while self._come:
            number, frame = self._come.pop(0)
            handler = handlers[signal.Signals(number)]
            if callable(handler):
                handler(number, frame)
            elif handler == signal.SIG_DFL:
                signal.raise_signal(number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._come.append((number, frame))
