"""The one door for subprocesses; a dry run is one more implementation of it."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import FrameType, TracebackType
from typing import Protocol, Self

from relbuild.engine.streams import Feed, copy_through, read_all, restored_terminal, write
from relbuild.errors import CommandFailed, EngineError, Interrupted, TimedOut

# Seconds that a client has after a signal to cancel its build or to stop its container, before it is killed.
GRACE = 10.0
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a subprocess ended: its exit code, what it printed where that was captured, its last lines on stderr.

    ``signal`` is the number of the signal that relbuild received and ended it for.
    """

    exit_code: int
    stdout: str = ""
    tail: tuple[str, ...] = ()
    raw: bytes = field(default=b"", compare=False, repr=False)
    signal: int | None = None


@dataclass(frozen=True, slots=True)
class Handling:
    """How a command is treated while it runs, and how it is ended when it doesn't end by itself.

    ``feed`` comes before relbuild's own stdin, of which nothing is passed on without ``stdin``. ``terminal`` hands the
    terminal over. ``timeout`` is in seconds, and so is ``grace``: how long the command may take to stop after SIGTERM.
    ``undo`` is an argv that ends what the command started elsewhere: it runs after a timeout or a signal.
    ``ends_by_signal`` is for a command that people end with Ctrl-C: its own exit code counts then.

    Lines on stderr from the first one on that ``hold`` matches are kept back, and printed at the end unless
    ``explained`` returns something for the exit code and the last lines: relbuild's own message then.
    """

    stdin: bool = True
    feed: bytes = b""
    terminal: bool = False
    timeout: float | None = None
    undo: tuple[str, ...] | None = None
    grace: float = GRACE
    ends_by_signal: bool = False
    hold: re.Pattern[bytes] | None = None
    explained: Callable[[int, tuple[str, ...]], object] | None = None


PLAIN = Handling()


class Runner(Protocol):
    """Runs an argv; ``env`` is added to relbuild's own environment, so that secrets stay out of the argv."""

    def mark(self) -> str | None:
        """Return a new name for one call, by which what it starts is found again; None in a dry run."""

    def step(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        """Run a step whose output is progress: all of it goes to stderr, the last lines are kept."""

    def lines(
        self,
        argv: tuple[str, ...],
        each: Callable[[str], None],
        *,
        env: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run without input; every line of its output, stdout's and stderr's, goes to ``each``, the last are kept."""

    def attached(
        self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None, handling: Handling = PLAIN
    ) -> Outcome:
        """Run with relbuild's own stdin, stdout and stderr; the last lines of stderr are kept, except a terminal's."""

    def captured(
        self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None, handling: Handling = PLAIN
    ) -> Outcome:
        """Run with relbuild's stdin and stderr, and keep stdout."""


class Subprocesses:
    """The runner that acts; ``announce`` is called with each command before it runs."""

    def __init__(self, announce: Callable[[str], None] | None = None) -> None:
        self._announce = announce

    def mark(self) -> str | None:
        return os.urandom(6).hex()

    def step(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        return self.lines(argv, _to_stderr, env=env)

    def lines(
        self,
        argv: tuple[str, ...],
        each: Callable[[str], None],
        *,
        env: Mapping[str, str] | None = None,
    ) -> Outcome:
        tail: deque[str] = deque(maxlen=40)
        with HeldSignals() as held:
            child = self._start(argv, env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            try:
                held.release()
                for line in child.stdout or ():
                    text = line.decode(errors="replace")
                    tail.append(text.rstrip())
                    each(text)
                return Outcome(_exit_code(child.wait()), tail=tuple(tail))
            except KeyboardInterrupt as interrupt:
                _end(child, signal.SIGINT, signal.SIGTERM)
                raise Interrupted("interrupted") from interrupt
            except BaseException:
                # Also when the reader of our output has gone: nothing may go on unseen.
                _end(child, signal.SIGINT, signal.SIGTERM)
                raise

    def attached(
        self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None, handling: Handling = PLAIN
    ) -> Outcome:
        return self._guarded(argv, env, handling, keep=False)

    def captured(
        self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None, handling: Handling = PLAIN
    ) -> Outcome:
        return self._guarded(argv, env, handling, keep=True)

    def _guarded(
        self, argv: tuple[str, ...], env: Mapping[str, str] | None, handling: Handling, *, keep: bool
    ) -> Outcome:
        with restored_terminal() if handling.terminal else nullcontext(), HeldSignals() as held:
            child = self._start(
                argv,
                env,
                stdin=subprocess.PIPE if handling.feed else None if handling.stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE if keep else None,
                stderr=None if handling.terminal else subprocess.PIPE,
                # A session of its own: only relbuild receives Ctrl-C, and passes it on as SIGTERM, which stops a
                # release. (The VM answers SIGINT with a menu and waits.)
                start_new_session=not handling.terminal,
            )
            if handling.feed and child.stdin is not None:
                Feed(child.stdin, handling.feed, own=handling.stdin).start()
            stdout = read_all(child.stdout)
            stderr = copy_through(child.stderr, handling.hold)
            signalled = self._wait(child, handling, held)
            code, raw, copied = _exit_code(child.returncode), stdout(), stderr()
            if copied.held and not (handling.explained is not None and handling.explained(code, copied.tail)):
                write(copied.held)
            return Outcome(code, raw.decode(errors="replace"), copied.tail, raw, signalled)

    def _wait(self, child: subprocess.Popen[bytes], handling: Handling, held: HeldSignals) -> int | None:
        """Wait for the child's end; end it, and what it started, after a timeout or a signal.

        Return the signal's number for a command that ends by one, None for one that ended by itself.
        """
        try:
            held.release()
            child.wait(handling.timeout)
            return None
        except subprocess.TimeoutExpired as expired:
            self._cut_off(child, handling)
            raise TimedOut.after(expired.timeout) from expired
        except (KeyboardInterrupt, Interrupted) as interrupt:
            self._cut_off(child, handling)
            if handling.ends_by_signal:
                return signal.SIGINT if isinstance(interrupt, KeyboardInterrupt) else interrupt.exit_code - 128
            if isinstance(interrupt, Interrupted):
                raise
            raise Interrupted("interrupted") from interrupt
        except BaseException:
            self._cut_off(child, handling)
            raise

    def _cut_off(self, child: subprocess.Popen[bytes], handling: Handling) -> None:
        _end(child, signal.SIGTERM, grace=handling.grace)
        if handling.undo is not None:
            undo = self._start(
                handling.undo, None, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            undo.wait()

    def _start(
        self, argv: tuple[str, ...], env: Mapping[str, str] | None, **options: object
    ) -> subprocess.Popen[bytes]:
        if self._announce is not None:
            self._announce(shlex.join(argv))
        sys.stdout.flush()
        try:
            return subprocess.Popen(argv, env={**os.environ, **env} if env else None, **options)  # type: ignore[call-overload,no-any-return]
        except FileNotFoundError as error:
            raise missing(argv[0]) from error
        except OSError as error:
            raise CommandFailed(f"can't start {argv[0]}: {error.strerror}") from error
        except ValueError as error:  # a NUL, which the kernel takes for an argument's end
            raise CommandFailed(f"can't start {argv[0]}: {error}") from error


def missing(program: str) -> EngineError:
    """Return the error for a program that isn't there."""
    hints = {
        "docker": "install the Docker client: https://docs.docker.com/engine/install/",
        "kubectl": "install it: https://kubernetes.io/docs/tasks/tools/",
    }
    return EngineError(f"{program} isn't on the PATH", hint=hints.get(program, hints["docker"]))


def _to_stderr(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _end(child: subprocess.Popen[bytes], *signals: signal.Signals, grace: float = GRACE) -> None:
    """Signal the child to cancel its work; kill it when it doesn't, or when relbuild receives another signal."""
    for sign in (*signals, signal.SIGKILL):
        if child.poll() is not None:
            return
        child.send_signal(sign)
        try:
            child.wait(grace)
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

    def mark(self) -> str | None:
        return None

    def step(self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None) -> Outcome:
        self.commands.append(shlex.join(argv))
        return Outcome(0)

    def lines(
        self,
        argv: tuple[str, ...],
        each: Callable[[str], None],
        *,
        env: Mapping[str, str] | None = None,
    ) -> Outcome:
        return self.step(argv)

    def attached(
        self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None, handling: Handling = PLAIN
    ) -> Outcome:
        return self.step(argv, env=env)

    captured = attached


class HeldSignals:
    """Signals that wait while a subprocess is started, so that relbuild knows the process that it has to end.

    ``release`` calls their handlers, and raises what these raise.
    """

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
