"""What a build looks like while it runs: on a terminal (pyte is one) and elsewhere."""

from __future__ import annotations

import re
from io import StringIO

import pyte
import pytest
from rich.console import Console, ConsoleDimensions

from relbuild.image.build.progress import Build, ClientLine, Event, OutputLine, Transfer, Vertex
from relbuild.progress import Display, LiveSteps, PlainLines

EVENTS: tuple[Event, ...] = (
    Vertex("i", "[internal] load build context", 1.0),
    Vertex("i", "[internal] load build context", 1.0, 1.2),
    Vertex("a", "[deps 1/2] COPY mix.exs ./", 2.0, 2.0, cached=True),
    Vertex("b", "[deps 2/2] RUN mix deps.get", 2.0),
    Vertex("c", "[runner 2/3] RUN apt-get update", 2.0),
    OutputLine("b", "Fetching jason"),
    Vertex("c", "[runner 2/3] RUN apt-get update", 2.0, 5.5),
    Vertex("b", "[deps 2/2] RUN mix deps.get", 2.0, 70.0, error="exit code: 1"),
    ClientLine("ERROR: failed to solve"),
)


class Screen:
    """A terminal of this size, as rich's console writes to it."""

    def __init__(self, columns: int, lines: int) -> None:
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.Stream(self.screen)
        self.console = Console(file=self, force_terminal=True, _environ={"TERM": "xterm"})  # type: ignore[arg-type]
        self.console.size = ConsoleDimensions(columns, lines)

    def write(self, text: str) -> int:
        # pyte has no line discipline, which gives a terminal its carriage returns.
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def flush(self) -> None:
        return

    def shown(self) -> list[str]:
        return [line.rstrip() for line in self.screen.display if line.strip()]


def show(display: Display, events: tuple[Event, ...]) -> None:
    build = Build()
    for event in events:
        build.add(event)
        display.show(event, build)


def lines(*events: Event, verbose: bool = False) -> str:
    written: list[str] = []
    show(PlainLines(written.append, verbose=verbose), events)
    return "".join(written)


def test_plain_lines_tell_when_a_step_starts_and_ends() -> None:
    assert lines(*EVENTS) == (
        "[deps 1/2] COPY mix.exs ./: cached\n"
        "[deps 2/2] RUN mix deps.get\n"
        "[runner 2/3] RUN apt-get update\n"
        "[runner 2/3]: done in 3.5 s\n"
        "[deps 2/2]: failed after 1:08 min\n"
    )


def test_verbose_lines_have_the_steps_output() -> None:
    assert "[deps 2/2] | Fetching jason\n" in lines(*EVENTS, verbose=True)


def test_the_end_of_a_failed_steps_output() -> None:
    written: list[str] = []
    PlainLines(written.append).failed("[b 1/1] RUN mix compile", "Dockerfile:41", ("one", "two"))
    assert "".join(written) == "\nfailed: [b 1/1] RUN mix compile (Dockerfile:41)\n  | one\n  | two\n\n"


def live(screen: Screen) -> LiveSteps:
    return LiveSteps(screen.console, clock=lambda: 100.0)


def test_a_terminal_shows_what_runs_below_what_has_ended() -> None:
    screen = Screen(60, 12)
    with live(screen) as display:
        show(display, EVENTS[:5])
        display._region.refresh()
        assert screen.shown() == [
            "  cached  [deps 1/2] COPY mix.exs ./",
            "   0.0 s  [deps 2/2] RUN mix deps.get",
            "   0.0 s  [runner 2/3] RUN apt-get update",
            "          1 of 3 steps, 1 cached, 0.0 s",
        ]
        show(display, EVENTS)
    assert screen.shown() == [
        "  cached  [deps 1/2] COPY mix.exs ./",
        "   3.5 s  [runner 2/3] RUN apt-get update",
        "  failed  [deps 2/2] RUN mix deps.get",
    ]


def test_nothing_live_is_left_at_the_end() -> None:
    screen = Screen(60, 12)
    with live(screen) as display:
        show(display, EVENTS[:4])
        show(display, EVENTS[:3])
        show(display, (Vertex("b", "[deps 2/2] RUN mix deps.get", 2.0, 3.0),))
    assert screen.shown() == [
        "  cached  [deps 1/2] COPY mix.exs ./",
        "   1.0 s  [deps 2/2] RUN mix deps.get",
        "1 of 1 steps, 0 cached, 0.0 s",
    ]


@pytest.mark.parametrize("text", ["x" * 300, "商店" * 60, "a\tb" * 50, "[bold]" + "y" * 200])
def test_a_long_line_takes_one_row(text: str) -> None:
    screen = Screen(40, 6)
    with live(screen) as display:
        for _ in range(3):
            show(display, (Vertex("a", f"[1/1] RUN {text}", 1.0),))
            display._region.refresh()
        assert [line[:18] for line in screen.shown()] == ["   0.0 s  [1/1] RU", "          0 of 1 s"]
        show(display, (Vertex("a", f"[1/1] RUN {text}", 1.0, 3.0),))
    assert [line[:18] for line in screen.shown()] == ["   2.0 s  [1/1] RU", "1 of 1 steps, 0 ca"]


def test_no_more_rows_are_drawn_than_the_terminal_has() -> None:
    screen = Screen(40, 5)
    with live(screen) as display:
        show(display, tuple(Vertex(str(number), f"[{number}/9] RUN x", 1.0) for number in range(9)))
        display._region.refresh()
        assert screen.shown() == [
            "   0.0 s  [6/9] RUN x",
            "   0.0 s  [7/9] RUN x",
            "   0.0 s  [8/9] RUN x",
            "          0 of 9 steps, 0 cached, 0.0 s",
        ]


def test_verbose_output_goes_by_above_the_steps() -> None:
    screen = Screen(60, 12)
    with LiveSteps(screen.console, verbose=True, clock=lambda: 1.0) as display:
        show(display, (EVENTS[3], OutputLine("b", "Fetching [jason]")))
        display._region.refresh()
        assert screen.shown()[0] == "          Fetching [jason]"


def test_bytes_that_are_transferred() -> None:
    screen = Screen(70, 8)
    with live(screen) as display:
        show(display, (Vertex("i", "[internal] load build context", 1.0), Transfer("i", "t", 12_300_000, 0)))
        display._region.refresh()
        assert screen.shown()[0] == "   0.0 s  [internal] load build context  12.3 MB"


def test_no_colour_where_none_is_wanted() -> None:
    written = StringIO()
    plain = Console(file=written, force_terminal=True, width=60, _environ={"TERM": "xterm", "NO_COLOR": "1"})
    with LiveSteps(plain, clock=lambda: 1.0) as display:
        show(display, EVENTS)
    assert "failed  [deps 2/2] RUN mix deps.get" in written.getvalue()
    assert not re.search(r"\033\[[0-9;]*3[0-9]m", written.getvalue())
