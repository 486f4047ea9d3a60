"""Trying an image out: the commands of its trial run one after the other, beside whatever else is done."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, wait

from relbuild.engine.runner import Runner
from relbuild.image.verify.trial import Boot, TrialContainer, watched

# How long it has to stay up where nothing in it can be run, in seconds.
STAYS = 2.0
# How much of an output is kept, in characters: its beginning and its end.
KEPT = 200_000


class Trial:
    """A trial that runs until ``result`` returns; its container is removed after the ``with`` block."""

    def __init__(
        self, runner: Runner, container: TrialContainer, *, values: Mapping[str, str], stop_timeout: int
    ) -> None:
        self._runner = runner
        self._container = container
        self._values = values
        self._stop_timeout = stop_timeout
        self._pool = ThreadPoolExecutor(1)
        self._boot = self._pool.submit(self._try)

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Interrupted, or a fault. The thread waits for the container's end; there may only be one in a moment.
        while kind is not None and not self._boot.done():
            self._run(self._container.remove)
            wait((self._boot,), timeout=1.0)
        self._pool.shutdown()

    def result(self) -> Boot:
        """Return what came of it, when it has ended."""
        while True:
            try:
                return self._boot.result(1.0)  # in pieces, so that an interrupt is heard meanwhile
            except TimeoutError:
                if self._boot.done():
                    return self._boot.result()

    def _try(self) -> Boot:
        container = self._container
        try:
            code, output = self._run(container.start)
            if code:
                return Boot(output, code)
            state, sockets = watched(self._run(container.watch)[1])
            if state is None and self._running()[0]:
                time.sleep(STAYS)
                state = "up"
            running, exit_code, out_of_memory = self._running()
            output = self._run(container.logs)[1]
            if not running:
                return Boot(output, exit_code, out_of_memory=out_of_memory)
            begun = time.monotonic()
            self._run(container.stop(self._stop_timeout))
            took = time.monotonic() - begun
            return Boot(output, self._running()[1], state, took, sockets=sockets)
        finally:
            self._run(container.remove)

    def _running(self) -> tuple[bool, int | None, bool]:
        """Return whether the container runs, its exit code, and whether it ran out of memory."""
        match self._run(self._container.inspect)[1].split():
            case [running, code, out_of_memory] if code.isdigit():
                return running == "true", int(code), out_of_memory == "true"
        return False, None, False

    def _run(self, argv: tuple[str, ...]) -> tuple[int, str]:
        """Run a command; return its exit code, and the beginning and the end of its output."""
        first: list[str] = []
        last: list[str] = []
        size = 0

        def keep(line: str) -> None:
            nonlocal size
            size += len(line)
            (first if size < KEPT else last).append(line)
            del last[:-1000]

        outcome = self._runner.lines(argv, keep, env=self._values)
        return outcome.exit_code, "".join((*first, *last))
