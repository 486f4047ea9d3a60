"""Trying a release out in containers of its image, all at once."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from relbuild.engine.runner import Runner
from relbuild.image.trials import BOOTED, TRIALS, Boot, Containers, Ran, Trials, parted

T = TypeVar("T")
# How long a command may take, and a start until the applications are up, in seconds.
COMMAND_TIMEOUT = 60.0
BOOT_TIMEOUT = 60.0
# How long it then has to stay up, in seconds: what can't write a file or has no license ends at its first steps.
STAYS = 0.25
# How much longer all of it may take where the platform is emulated.
EMULATED = 5
# What is kept of an output, in lines: its beginning, with what `version` said, and its end.
FIRST, LAST = 50, 200


class Kept:
    """The beginning and the end of an output."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self._last: deque[str] = deque(maxlen=LAST)

    def append(self, line: str) -> None:
        """Take a line up."""
        (self._first if len(self._first) < FIRST else self._last).append(line)

    def text(self) -> str:
        """Return what was kept."""
        return "".join((*self._first, *self._last))


class Trial:
    """A release's trials; they run while something else is done, until ``result`` is asked for."""

    def __init__(
        self,
        runner: Runner,
        containers: Containers,
        *,
        image_env: Mapping[str, str],
        values: Mapping[str, str],
        stop_timeout: int,
    ) -> None:
        self._runner = runner
        self._containers = containers
        self._values = values
        self._patience = EMULATED if containers.foreign is not None else 1
        # While it is held, the release isn't stopped.
        self.held = threading.Lock()
        self._pool = ThreadPoolExecutor()
        # First, as it takes longest.
        self._booted = self._pool.submit(self._boot, containers.boot(image_env), stop_timeout)
        self._commanded = self._pool.submit(self._commands)

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        futures: tuple[Future[object], ...] = (self._commanded, self._booted)  # type: ignore[assignment]
        running = {each for each in futures if not each.done()}
        while kind is not None and running:
            # Interrupted, or a fault. The threads wait for their containers' ends; one may only be there in a moment.
            self._remove(*TRIALS)
            running = wait(running, timeout=1.0).not_done
        self._pool.shutdown()

    @property
    def has_ended(self) -> bool:
        """Whether the start is over, and its container gone."""
        return self._booted.done()

    def result(self) -> Trials:
        """Return what came of the trials, when they have all ended."""
        return Trials(*_waited(self._commanded), _waited(self._booted))

    def _commands(self) -> tuple[Ran, Ran, Ran | None]:
        version, evaluated = parted(self._command("commands", self._containers.commands))
        return version, evaluated, self._command("bare", self._containers.bare) if evaluated.exit_code else None

    def _command(self, trial: str, argv: tuple[str, ...]) -> Ran:
        timer = threading.Timer(COMMAND_TIMEOUT * self._patience, self._remove, (trial,))
        timer.start()
        try:
            kept = Kept()
            outcome = self._runner.lines(argv, kept.append, env=self._values)
            return Ran(outcome.exit_code, kept.text())
        finally:
            timer.cancel()

    def _boot(self, argv: tuple[str, ...], stop_timeout: int) -> Boot:
        """Start the release, wait until it is up, and stop it."""
        kept = Kept()
        up, over = threading.Event(), threading.Event()

        def each(line: str) -> None:
            if BOOTED in line:
                up.set()
            else:
                kept.append(line)

        def run() -> int:
            try:
                return self._runner.lines(argv, each, env=self._values).exit_code
            finally:
                over.set()
                up.set()

        running = self._pool.submit(run)
        # One that starts the VM in a way of its own never says that it is up: it is stopped all the same.
        patience = BOOT_TIMEOUT * self._patience
        silent_for = None if up.wait(patience) else patience
        if over.wait(STAYS):
            return Boot(running.result(), None, kept.text())
        with self.held:
            begun = time.monotonic()
            self._runner.lines(self._containers.stop(stop_timeout), _ignored)
            exit_code = running.result()
        return Boot(exit_code, time.monotonic() - begun, kept.text(), silent_for)

    def _remove(self, *trials: str) -> None:
        self._runner.lines(self._containers.remove(*trials), _ignored)


def _waited(future: Future[T]) -> T:
    """Return a future's result, waiting in pieces, so that an interrupt is heard meanwhile."""
    while True:
        try:
            return future.result(1.0)
        except TimeoutError:
            if future.done():
                return future.result()


def _ignored(_line: str) -> None:
    return
