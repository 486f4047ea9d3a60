"""How a build is shown while it runs: its steps live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from relbuild.image.build.progress import Build, Event, OutputLine, Step, Vertex

if TYPE_CHECKING:
    from rich.console import Console, Group
    from rich.text import Text

# The width of the column for times and states.
STATE = 8
# Transfers of fewer bytes aren't shown.
SMALL = 100_000


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


class PlainLines(Display):
    """One line when a step starts, one when it ends; ``verbose`` adds its output."""

    def __init__(self, write: Callable[[str], None], *, verbose: bool = False) -> None:
        self._write = write
        self._verbose = verbose
        self._started: set[str] = set()
        self._ended: set[str] = set()

    def show(self, event: Event, build: Build) -> None:
        step = build.step_of(event)
        if step is None:
            return
        if isinstance(event, Vertex):
            self._step(step)
        elif isinstance(event, OutputLine) and self._verbose:
            self._write(f"{_short(step)} | {event.line}\n")

    def _step(self, step: Step) -> None:
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
        # With -v the output has been printed already.
        _show_failure(self._write, step, place, () if self._verbose and step else tail)


class LiveSteps(Display):
    """The steps that run, a line each and renewed in place, below those that have ended."""

    def __init__(self, console: Console, *, verbose: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        from rich.live import Live

        self._console = console
        self._verbose = verbose
        self._clock = clock
        self._begun = clock()
        self._seen: dict[str, float] = {}
        self._ended: set[str] = set()
        self._build = Build()
        self._region = Live(
            console=console,
            get_renderable=self._running,
            refresh_per_second=10,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._region.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._region.stop()
        if kind is None and self._build.steps and self._build.failed is None:
            self._console.print(self._summary(), highlight=False)

    def show(self, event: Event, build: Build) -> None:
        self._build = build
        step = build.step_of(event)
        if step is None:
            return
        if isinstance(event, Vertex):
            if step.intervals:
                # By this machine's clock: the engine's may differ.
                self._seen.setdefault(step.id, self._clock())
            if step.done and step.id not in self._ended and (step.error or not step.internal):
                self._ended.add(step.id)
                self._print(_line(_state(step), step.title, _colour(step)))
        elif isinstance(event, OutputLine) and self._verbose:
            self._print(_line("", event.line, "dim"))

    def failed(self, step: str | None, place: str, tail: tuple[str, ...]) -> None:
        _show_failure(self._console.file.write, step, place, tail)

    def _print(self, line: Text) -> None:
        # print() joins what it is given to a text of its own, without the line's own settings.
        self._console.print(line, no_wrap=True, overflow="ellipsis")

    def _running(self) -> Group:
        from rich.console import Group

        running = [step for step in list(self._build.steps.values()) if step.running]
        # The newest are those one waits for. A line less than the screen has, else it scrolls.
        room = max(self._console.size.height - 2, 1)
        now = self._clock()
        lines = [_line(_time(now - self._seen.get(step.id, now)), _transferred(step)) for step in running[-room:]]
        return Group(*lines, _line("", self._summary(), "dim"))

    def _summary(self) -> str:
        steps = [step for step in list(self._build.steps.values()) if not step.internal]
        done = sum(step.done for step in steps)
        cached = sum(step.cached for step in steps)
        return f"{done} of {len(steps)} steps, {cached} cached, {_time(self._clock() - self._begun)}"


def _line(state: str, text: str, style: str = "") -> Text:
    """Return a line that is cut at the terminal's width."""
    from rich.text import Text

    return Text(f"{state:>{STATE}}  {text}".expandtabs(2), style=style, no_wrap=True, overflow="ellipsis")


def _show_failure(write: Callable[[str], object], step: str | None, place: str, tail: tuple[str, ...]) -> None:
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


def _state(step: Step) -> str:
    if step.cancelled:
        return "stopped"
    return "failed" if step.error else "cached" if step.cached else _time(step.seconds)


def _colour(step: Step) -> str:
    return "red" if step.error else "cyan" if step.cached else "green"


def _transferred(step: Step) -> str:
    """Return the step's title with the bytes it has transferred, if it transfers some."""
    moved = sum(current for current, _ in step.transfers.copy().values())
    total = sum(total for _, total in step.transfers.copy().values())
    if moved < SMALL:
        return step.title
    return f"{step.title}  {moved / 1e6:.1f}{f' of {total / 1e6:.1f}' if total >= moved else ''} MB"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)}:{int(seconds % 60):02} min"
