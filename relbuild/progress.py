"""How a build is shown while it runs: its steps live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import Self

from relbuild.image.progress import Build, Event, Output, Step, Vertex

# How often the running steps' times are renewed, in seconds.
TICK = 0.1
# Ignored by terminals that don't know it; the others show what stands between the two at once.
BEGIN, END = "\033[?2026h", "\033[?2026l"
WIDEST = 8


class Display:
    """Shows nothing of a build; it is left (``with``) before anything else is printed."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, event: Event, build: Build) -> None:
        """Show what has just happened; the build is the one after the event."""

    def failed(self, step: str | None, place: str, tail: tuple[str, ...]) -> None:
        """Show the end of a failed step's output."""


class Lines(Display):
    """One line when a step starts, one when it ends; ``verbose`` adds what it prints."""

    def __init__(self, write: Callable[[str], None], *, verbose: bool = False) -> None:
        self._write = write
        self._verbose = verbose
        self._started: set[str] = set()
        self._ended: set[str] = set()

    def show(self, event: Event, build: Build) -> None:
        if isinstance(event, Vertex):
            self._vertex(build.steps[event.id])
        elif isinstance(event, Output) and self._verbose:
            self._write(f"{_short(build.steps[event.vertex])} | {event.line}\n")

    def _vertex(self, step: Step) -> None:
        if step.internal and not step.error:
            return
        if step.intervals and not step.cached and step.id not in self._started:
            self._started.add(step.id)
            self._write(f"{step.title}\n")
        if step.done and step.id not in self._ended:
            self._ended.add(step.id)
            name = step.title if step.cached else _short(step)
            self._write(f"{name}: {_ended(step)}\n")

    def failed(self, step: str | None, place: str, tail: tuple[str, ...]) -> None:
        # With -v all of it has gone by just now.
        _failed(self._write, step, place, () if self._verbose and step else tail)


class Live(Display):
    """The steps that run, one line each, below those that have ended; redrawn in place, also after a resize."""

    def __init__(
        self,
        write: Callable[[str], None],
        size: Callable[[], tuple[int, int]],
        *,
        colour: bool = True,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._size = size
        self._colour = colour
        self._verbose = verbose
        self._clock = clock
        self._begun = clock()
        self._seen: dict[str, float] = {}
        self._ended: set[str] = set()
        self._build = Build()
        self._drawn: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._ticker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._ticker.join()
        self._write(self._erased())
        if kind is None and self._build.steps and self._build.failed is None:
            self._write(f"{self._summary()}\n")

    def show(self, event: Event, build: Build) -> None:
        with self._lock:
            self._build = build
            if isinstance(event, Vertex):
                step = build.steps[event.id]
                if step.intervals:
                    self._seen.setdefault(step.id, self._clock())
                if step.done and step.id not in self._ended and (step.error or not step.internal):
                    self._ended.add(step.id)
                    self._draw((self._line(_column(step), step.title, _colour(step)),))
            elif isinstance(event, Output) and self._verbose:
                self._draw((self._line("", event.line, "2"),))

    def failed(self, step: str | None, place: str, tail: tuple[str, ...]) -> None:
        _failed(self._write, step, place, tail)

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            with self._lock:
                try:
                    self._draw(())
                except OSError:  # the terminal has gone; the build is told by its own next line
                    return

    def _draw(self, ended: tuple[str, ...]) -> None:
        """Write the lines that stay, then the running steps in place of those drawn before."""
        frame = self._frame()
        lines = "".join(f"{line}\033[K\n" for line in (*ended, *frame))
        self._write(f"{BEGIN}{self._up()}{lines}\033[J{END}")
        self._drawn = frame

    def _frame(self) -> tuple[str, ...]:
        running = [step for step in self._build.steps.values() if step.running]
        # The newest are those one waits for, and a line more than the screen has can't be redrawn.
        room = max(self._size()[1] - 2, 1)
        lines = [self._line(self._elapsed(step), _moving(step), "") for step in running[-room:]]
        return (*lines, self._line("", self._summary(), "2"))

    def _up(self) -> str:
        """Return what moves to where the last frame began; what the terminal has made narrower takes more rows."""
        width = max(self._size()[0], 1)
        rows = sum(max(1, -(-_width(line) // width)) for line in self._drawn)
        return f"\033[{rows}A\r" if rows else "\r"

    def _erased(self) -> str:
        erased, self._drawn = f"{self._up()}\033[J", ()
        return erased

    def _line(self, column: str, text: str, colour: str) -> str:
        line = _fitted(f"{column:>{WIDEST}}  {text}", max(self._size()[0] - 1, 1))
        return f"\033[{colour}m{line}\033[0m" if colour and self._colour else line

    def _elapsed(self, step: Step) -> str:
        # By this machine's clock: the engine's may be another.
        return _time(self._clock() - self._seen.get(step.id, self._clock()))

    def _summary(self) -> str:
        steps = [step for step in self._build.steps.values() if not step.internal]
        done = sum(step.done for step in steps)
        cached = sum(step.cached for step in steps)
        return f"{done} of {len(steps)} steps, {cached} cached, {_time(self._clock() - self._begun)}"


def _failed(write: Callable[[str], None], step: str | None, place: str, tail: tuple[str, ...]) -> None:
    where = f" ({place})" if place else ""
    write(f"\nfailed: {step or 'the build'}{where}\n" + "".join(f"  | {line}\n" for line in tail) + "\n")


def _short(step: Step) -> str:
    """Return ``[build 5/6]`` of ``[build 5/6] RUN mix compile``."""
    return f"{step.title.partition(']')[0]}]" if step.title.startswith("[") else step.title


def _ended(step: Step) -> str:
    if step.cancelled:
        return "cancelled"
    if step.error:
        return f"failed after {_time(step.seconds)}"
    return "cached" if step.cached else f"done in {_time(step.seconds)}"


def _column(step: Step) -> str:
    if step.cancelled:
        return "ended"
    return "failed" if step.error else "cached" if step.cached else _time(step.seconds)


def _colour(step: Step) -> str:
    return "31" if step.error else "36" if step.cached else "32"


def _moving(step: Step) -> str:
    """Return the step with the bytes it has moved, where it moves some."""
    moved = sum(current for current, _ in step.transfers.values())
    total = sum(total for _, total in step.transfers.values())
    if moved < 100_000:
        return step.title
    return f"{step.title}  {moved / 1e6:.1f}{f' of {total / 1e6:.1f}' if total >= moved else ''} MB"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)}:{int(seconds % 60):02} min"


def _width(text: str) -> int:
    """Return how many columns a terminal gives the text, whose only control sequences are colours."""
    plain = text
    while (start := plain.find("\033[")) >= 0:
        plain = plain[:start] + plain[plain.index("m", start) + 1 :]
    return sum(map(_columns, plain))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _fitted(text: str, width: int) -> str:
    """Return the text cut to this many columns."""
    text = text.replace("\t", " ")
    if sum(map(_columns, text)) <= width:
        return text
    kept, used = [], 0
    for character in text:
        used += _columns(character)
        if used > width - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"
