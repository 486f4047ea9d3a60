"""Ctrl-C and SIGTERM held back while a subprocess is being started, so that none is left without anybody to end it."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM)


class Held:
    """Inside the ``with`` a signal to end waits for ``release``, which raises what it would have raised."""

    def __init__(self) -> None:
        self._come: list[tuple[int, FrameType | None]] = []
        self._handlers: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other thread is given signals
            for each in ENDING:
                self._handlers[each] = signal.signal(each, self._note)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def release(self) -> None:
        """Let signals through again, those that have come first."""
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
