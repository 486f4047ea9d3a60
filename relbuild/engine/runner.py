"""The one door for subprocesses; a dry run is one more implementation of it."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Protocol

from relbuild.errors import CommandFailed, EngineError, Interrupted

# A client that was told to stop gets this long (seconds) to cancel the build before it is killed.
GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a subprocess ended: its exit code, what it printed where that was captured, its last lines on stderr."""

    exit_code: int
    stdout: str = ""
    tail: tuple[str, ...] = ()


class Runner(Protocol):
    """Runs an argv; ``env`` is added to relbuild's own environment, so that secrets stay out of the argv."""

    def step(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        """Run a step whose output is progress: all of it goes to stderr, the last lines are kept."""

    def lines(self, argv: tuple[str, ...], each: Callable[[str], None]) -> Outcome:
        """Run without input; every line of its output, stdout's and stderr's, goes to ``each``, the last are kept."""

    def attached(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        """Run with relbuild's own stdin, stdout and stderr."""

    def captured(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        """Run with relbuild's stdin and stderr, and keep stdout."""


class Subprocesses:
    """The runner that acts; ``announce`` is told each command before it runs."""

    def __init__(self, announce: Callable[[str], None] | None = None) -> None:
        self._announce = announce

    def step(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        return self._lines(argv, _to_stderr, env)

    def lines(self, argv: tuple[str, ...], each: Callable[[str], None]) -> Outcome:
        return self._lines(argv, each, None)

    def _lines(self, argv: tuple[str, ...], each: Callable[[str], None], env: Mapping[str, str] | None) -> Outcome:
        tail: deque[str] = deque(maxlen=40)

        def read(stream: IO[bytes]) -> None:
            for line in stream:
                text = line.decode(errors="replace")
                tail.append(text.rstrip())
                each(text)

        outcome = self._run(argv, env, read, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return Outcome(outcome.exit_code, tail=tuple(tail))

    def attached(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        return self._run(argv, env, None)

    def captured(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        kept: list[bytes] = []
        outcome = self._run(argv, env, lambda stream: kept.append(stream.read()), stdout=subprocess.PIPE)
        return Outcome(outcome.exit_code, stdout=b"".join(kept).decode(errors="replace"))

    def _run(
        self,
        argv: tuple[str, ...],
        env: Mapping[str, str] | None,
        read: Callable[[IO[bytes]], None] | None,
        **streams: int,
    ) -> Outcome:
        if self._announce is not None:
            self._announce(shlex.join(argv))
        environment = {**os.environ, **env} if env else None
        sys.stdout.flush()
        try:
            child = subprocess.Popen(argv, env=environment, **streams)  # type: ignore[call-overload]
        except FileNotFoundError as error:
            raise EngineError(
                f"{argv[0]} isn't on the PATH",
                hint="install the Docker client: https://docs.docker.com/engine/install/",
            ) from error
        except OSError as error:
            raise CommandFailed(f"can't start {argv[0]}: {error.strerror}") from error
        try:
            if read is not None:
                read(child.stdout)
            return Outcome(_exit_code(child.wait()))
        except KeyboardInterrupt as interrupt:
            _end(child)
            raise Interrupted("interrupted") from interrupt
        except BaseException:
            # Also when whoever read our output has gone: nothing may go on unseen.
            _end(child)
            raise


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _end(child: subprocess.Popen[bytes]) -> None:
    """Ask the child to cancel its work, and kill it when it doesn't."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if child.poll() is not None:
            return
        child.send_signal(sign)
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue
        except (KeyboardInterrupt, Interrupted):
            continue


def _exit_code(status: int) -> int:
    """Return the code a shell would: 128 + the signal for a child that a signal ended."""
    return status if status >= 0 else 128 - status


class DryRunner:
    """The runner that runs nothing and remembers each command as one can paste it into a shell."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def step(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        self.commands.append(shlex.join(argv))
        return Outcome(0)

    def lines(self, argv: tuple[str, ...], each: Callable[[str], None]) -> Outcome:
        return self.step(argv)

    attached = step
    captured = step
