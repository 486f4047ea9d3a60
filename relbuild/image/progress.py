"""What buildx says while it builds: lines become events, and events add up to the state of the build.

``--progress rawjson`` prints BuildKit's SolveStatus (github.com/moby/buildkit, client/graph.go) as JSON objects, over
several lines each in some versions and one line each in others, and the client's own words between them. A client older
than buildx 0.13 takes the unknown mode for ``plain``, so plain's lines are understood too.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import Any

from relbuild.values import dataclass

# What a step keeps of its output, in lines: what explains a failure stands at the end.
KEPT = 400
# A line longer than this (in characters) is cut: nobody reads on, and a step may print anything.
LONGEST = 4096
# Control sequences (ECMA-48) and control characters of what runs in the build must not reach the user's terminal.
CONTROL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
# BuildKit tells of a step that failed with the whole of its command, as Go quotes it (solver/llbsolver/ops/exec.go).
COMMAND = re.compile(r'(?<=process )".*"(?= did not complete successfully)')
PLAIN = re.compile(r"#(\d+) (.*)")
PLAIN_DONE = re.compile(r"DONE ([\d.]+)s")
PLAIN_OUTPUT = re.compile(r"[\d.]+ (.*)")


@dataclass(frozen=True, slots=True)
class Vertex:
    """What is known of a step at this moment; times are seconds since the epoch, by the engine's clock."""

    id: str
    name: str = ""
    started: float | None = None
    completed: float | None = None
    cached: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """How much of something a step has moved so far, in bytes; ``total`` is 0 where it isn't known."""

    vertex: str
    id: str
    current: int
    total: int


@dataclass(frozen=True, slots=True)
class Output:
    """A line that a step printed."""

    vertex: str
    line: str


@dataclass(frozen=True, slots=True)
class Words:
    """A line of the client's own, such as the error it ends with."""

    line: str


Event = Vertex | Transfer | Output | Words


class Reader:
    """Makes events of lines; ``mask`` is applied to everything that can be shown."""

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self._mask = mask
        self._json: list[str] = []
        self._partial: dict[tuple[str, int], bytes] = {}
        self._named: set[str] = set()

    def read(self, line: str) -> tuple[Event, ...]:
        """Return what one line says; none for one in the middle of an object."""
        line = line.rstrip("\r\n")
        if self._json:
            self._json.append(line)
            return self._object("\n".join(self._json)) if line == "}" else ()
        if line == "{":
            self._json = [line]
            return ()
        return self._object(line) if line.startswith("{") else self._plain(line)

    def _object(self, text: str) -> tuple[Event, ...]:
        self._json = []
        try:
            status = json.loads(text)
            return tuple(self._status(status)) if isinstance(status, dict) else ()
        except (ValueError, TypeError, KeyError, AttributeError):
            return tuple(Words(self._clean(line)) for line in text.splitlines())

    def _status(self, status: Mapping[str, Any]) -> list[Event]:
        events: list[Event] = []
        for log in status.get("logs") or ():
            events += self._output(str(log["vertex"]), int(log.get("stream", 1)), _decoded(log.get("data") or ""))
        for each in status.get("vertexes") or ():
            vertex = self._vertex(each)
            if vertex.completed is not None:
                events += self._rest(vertex.id)
            events.append(vertex)
        for each in status.get("statuses") or ():
            current, total = int(each.get("current") or 0), int(each.get("total") or 0)
            events.append(Transfer(str(each["vertex"]), str(each["id"]), current, total))
        return events

    def _vertex(self, each: Mapping[str, Any]) -> Vertex:
        return Vertex(
            id=str(each["digest"]),
            name=self._clean(str(each.get("name", ""))),
            started=_seconds(each.get("started")),
            completed=_seconds(each.get("completed")),
            cached=bool(each.get("cached")),
            error=self._clean(str(each.get("error", ""))),
        )

    def _output(self, vertex: str, stream: int, data: bytes) -> list[Event]:
        """Cut output into lines; the last is kept back until its end has come, else a secret could be cut in two."""
        *lines, rest = (self._partial.get((vertex, stream), b"") + data).split(b"\n")
        if len(rest) > 4 * LONGEST:
            lines, rest = [*lines, rest], b""
        self._partial[vertex, stream] = rest
        return [self._line(vertex, line) for line in lines]

    def _line(self, vertex: str, line: bytes) -> Output:
        return Output(vertex, self._clean(line.decode(errors="replace")))

    def _rest(self, vertex: str) -> list[Event]:
        keys = [key for key in self._partial if key[0] == vertex]
        rests = [self._partial.pop(key) for key in keys]
        return [self._line(vertex, rest) for rest in rests if rest]

    def _plain(self, line: str) -> tuple[Event, ...]:
        found = PLAIN.fullmatch(line)
        if found is None:
            return (Words(self._clean(line)),) if line.strip() else ()
        vertex, text = f"#{found[1]}", self._clean(found[2])
        if vertex == "#0":  # which builder it is: no step
            return ()
        if vertex not in self._named:
            self._named.add(vertex)
            return (Vertex(vertex, text, started=0.0),)
        if done := PLAIN_DONE.fullmatch(text):
            return (Vertex(vertex, started=0.0, completed=float(done[1])),)
        if text == "CACHED":
            return (Vertex(vertex, started=0.0, completed=0.0, cached=True),)
        if text.startswith(("ERROR: ", "CANCELED")):
            return (Vertex(vertex, started=0.0, completed=0.0, error=text.removeprefix("ERROR: ")),)
        if output := PLAIN_OUTPUT.fullmatch(text):
            return (Output(vertex, output[1]),)
        return ()

    def _clean(self, text: str) -> str:
        # What a carriage return overwrites is a progress bar's past.
        text = text.rstrip("\r").rpartition("\r")[2]
        # The exit code stands behind the command, which may be a long script that nobody wants to read here.
        return CONTROL.sub("", COMMAND.sub("…", self._mask(text)))[:LONGEST]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the build; ``intervals`` are when it ran, by the engine's clock, in seconds since the epoch."""

    id: str
    name: str = ""
    intervals: tuple[tuple[float, float | None], ...] = ()
    cached: bool = False
    error: str = ""
    output: tuple[str, ...] = ()
    transfers: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it ran, up to now as far as its ends are known."""
        return sum(end - start for start, end in self.intervals if end is not None)

    @property
    def running(self) -> bool:
        """Whether it has begun and not ended."""
        return any(end is None for _, end in self.intervals)

    @property
    def done(self) -> bool:
        """Whether it has begun and ended, well or not."""
        return bool(self.intervals) and not self.running

    @property
    def internal(self) -> bool:
        """Whether it is BuildKit's own: nobody wrote it into the Dockerfile."""
        # COPY --link is two steps of the same name, one of them with LINK: the merge.
        return self.name.startswith(("[internal]", "[auth]", "resolve image config")) or "] LINK " in self.name

    @property
    def cancelled(self) -> bool:
        """Whether it was ended because another step had failed."""
        return self.error.startswith("CANCELED") or "context canceled" in self.error

    @property
    def exported(self) -> bool:
        """Whether the engine has the image now; what the builder does after this step is its own affair."""
        return self.name == "exporting to image" and self.done and not self.error

    @property
    def title(self) -> str:
        """Its name without what only BuildKit needs."""
        name = " ".join(re.sub(r"@sha256:[0-9a-f]{64}", "", self.name).split())
        name = re.sub(r"(?<=[A-Z]) (?:--(?:mount|link|network|security|chown|chmod)(?:=\S*)? )+", " ", name)
        # Of a script BuildKit shows its first line, which is `set -eu`: what it is called tells more.
        name = re.sub(r"(?<=\] RUN )<<-?(['\"]?)(\w+)\1 \(.*\)$", r"\2", name)
        return name.replace("docker.io/library/", "")


@dataclass(frozen=True, slots=True)
class Build:
    """A build as far as it has come: its steps in the order they were told, and the client's own words."""

    steps: Mapping[str, Step] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    def after(self, event: Event) -> Build:
        """Return the build after one more event."""
        if isinstance(event, Words):
            return replace(self, words=(*self.words, event.line)[-KEPT:])
        step = self.steps.get(event.id if isinstance(event, Vertex) else event.vertex)
        if isinstance(event, Vertex):
            step = _told(step or Step(event.id), event)
        elif isinstance(event, Output):
            step = step or Step(event.vertex)
            step = replace(step, output=(*step.output, event.line)[-KEPT:])
        else:
            step = step or Step(event.vertex)
            step = replace(step, transfers={**step.transfers, event.id: (event.current, event.total)})
        return replace(self, steps={**self.steps, step.id: step})

    @property
    def failed(self) -> Step | None:
        """The step that made the build fail; not one that was only cancelled because of it."""
        failed = [step for step in self.steps.values() if step.error]
        return next((step for step in failed if not step.cancelled), failed[0] if failed else None)


def _told(step: Step, vertex: Vertex) -> Step:
    """Return the step with what the event says; BuildKit may run one again, then it has several intervals."""
    intervals = step.intervals
    if vertex.started is not None:
        last = intervals[-1] if intervals else None
        # Of one that went by unseen only the end is told; of plain's lines the end alone has a time.
        again = last is None or (last[0] != vertex.started and last[1] is not None)
        earlier = intervals if again else intervals[:-1]
        intervals = (*earlier, (vertex.started, vertex.completed))
    return replace(
        step,
        name=vertex.name or step.name,
        intervals=intervals,
        cached=step.cached or vertex.cached,
        error=vertex.error or step.error,
    )


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except binascii.Error:
        return b""


def _seconds(time: str | None) -> float | None:
    return datetime.fromisoformat(time).timestamp() if time else None
