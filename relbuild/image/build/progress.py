"""What buildx reports while it builds: lines become events, events add up to a build, and a build has a timeline.

``--progress rawjson`` prints BuildKit's SolveStatus (github.com/moby/buildkit, client/graph.go) as JSON objects, over
several lines each in some versions and one line each in others, and the client's own lines between them.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

# The lines of output that a step keeps, at most.
KEPT = 20_000
# A line longer than this (in characters) is cut: a step may print anything.
LONGEST = 4096
# Control sequences (ECMA-48) and control characters of what runs in the build must not reach the user's terminal.
CONTROL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
# BuildKit reports a step that failed with the whole of its command, as Go quotes it (solver/llbsolver/ops/exec.go).
COMMAND = re.compile(r'(?<=process )".*"(?= did not complete successfully)')
# A step's name (frontend/dockerfile/dockerfile2llb): `[build 5/7] RUN …`, `[linux/arm64 build 5/7] RUN …`; in a
# Dockerfile of one stage `[5/7] RUN …`.
NAME = re.compile(
    r"\[(?P<platform>\S+/\S+ )?(?:(?P<stage>[^\s/]+) +)?(?P<number>\d+)/\d+\] (?P<instruction>.*)", re.DOTALL
)
STAGE = re.compile(r"^FROM .* AS (\S+)\s*$", re.MULTILINE | re.IGNORECASE)
# The step that BuildKit begins each build with, and that no two builds share.
FIRST = "[internal] load build definition"
# A secret shorter than this isn't hidden: half of every line would be.
SHORTEST_SECRET = 4
HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Vertex:
    """The state of a step; times are seconds since the epoch, by the engine's clock."""

    id: str
    name: str = ""
    started: float | None = None
    completed: float | None = None
    cached: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """How much of something a step has transferred so far, in bytes; ``total`` is 0 where it isn't known."""

    vertex: str
    id: str
    current: int
    total: int


@dataclass(frozen=True, slots=True)
class OutputLine:
    """A line that a step printed."""

    vertex: str
    line: str


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A line of the client's own, such as the error it ends with."""

    line: str


Event = Vertex | Transfer | OutputLine | ClientLine


def mask(values: Iterable[str]) -> Callable[[str], str]:
    """Return a function that hides the secrets, and each line of a secret that has several, in a line of text."""
    parts = {part.strip() for value in values for part in (value, *value.splitlines())}
    # The longest first: of two secrets one may begin with the other.
    secrets = sorted((part for part in parts if len(part) >= SHORTEST_SECRET), key=len, reverse=True)
    if not secrets:
        return str
    pattern = re.compile("|".join(map(re.escape, secrets)))
    return lambda text: pattern.sub(HIDDEN, text)


class ProgressReader:
    """Makes events of lines; ``mask`` is applied to everything that can be shown."""

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self._mask = mask
        self._json: list[str] = []
        self._partial: dict[tuple[str, int], bytes] = {}

    def read(self, line: str) -> tuple[Event, ...]:
        """Return the events of one line; none for a line in the middle of an object."""
        line = line.rstrip("\r\n")
        if self._json:
            self._json.append(line)
            return self._object("\n".join(self._json)) if line == "}" else ()
        if line == "{":
            self._json = [line]
            return ()
        if line.startswith("{"):
            return self._object(line)
        return (ClientLine(self._clean(line)),) if line.strip() else ()

    def _object(self, text: str) -> tuple[Event, ...]:
        self._json = []
        try:
            status = json.loads(text)
            return tuple(self._status(status)) if isinstance(status, dict) else ()
        except (ValueError, TypeError, KeyError, AttributeError):
            return tuple(ClientLine(self._clean(line)) for line in text.splitlines())

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
        """Cut output into lines; the last one waits for its end, else a secret could be cut in two."""
        *lines, rest = (self._partial.get((vertex, stream), b"") + data).split(b"\n")
        if len(rest) > 4 * LONGEST:
            lines, rest = [*lines, rest], b""
        self._partial[vertex, stream] = rest
        return [self._line(vertex, line) for line in lines]

    def _line(self, vertex: str, line: bytes) -> OutputLine:
        return OutputLine(vertex, self._clean(line.decode(errors="replace")))

    def _rest(self, vertex: str) -> list[Event]:
        keys = [key for key in self._partial if key[0] == vertex]
        rests = [self._partial.pop(key) for key in keys]
        return [self._line(vertex, rest) for rest in rests if rest]

    def _clean(self, text: str) -> str:
        # What a carriage return overwrites is a progress bar's past.
        text = text.rstrip("\r").rpartition("\r")[2]
        # The exit code follows the command, which may be a long script that nobody wants to read here.
        return CONTROL.sub("", COMMAND.sub("…", self._mask(text)))[:LONGEST]


@dataclass(slots=True)
class Step:
    """One step of the build; ``intervals`` are when it ran, by the engine's clock, in seconds since the epoch."""

    id: str
    name: str = ""
    intervals: list[tuple[float, float | None]] = field(default_factory=list)
    cached: bool = False
    error: str = ""
    output: list[str] = field(default_factory=list)
    transfers: dict[str, tuple[int, int]] = field(default_factory=dict)

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
        """Whether it has begun and ended, successfully or not."""
        return bool(self.intervals) and not self.running

    @property
    def ended(self) -> float:
        """When it ended, by the engine's clock, in seconds since the epoch; infinite where that isn't known."""
        return max((math.inf if end is None else end for _, end in self.intervals), default=math.inf)

    @property
    def internal(self) -> bool:
        """Whether it is BuildKit's own, and no instruction of the Dockerfile."""
        # COPY --link is two steps of the same name, one of them with LINK: the merge.
        return self.name.startswith(("[internal]", "[auth]", "resolve image config", "LINK ")) or "] LINK " in self.name

    @property
    def cancelled(self) -> bool:
        """Whether it was ended because another step had failed."""
        return self.error.startswith("CANCELED") or "context canceled" in self.error

    @property
    def exported(self) -> bool:
        """Whether the engine has the image now; what BuildKit does after this step is its own affair."""
        return self.name == "exporting to image" and self.done and not self.error

    @property
    def title(self) -> str:
        """Its name without what only BuildKit needs."""
        name = " ".join(re.sub(r"@sha256:[0-9a-f]{64}", "", self.name).split())
        name = re.sub(r"(?<=[A-Z]) (?:--(?:mount|link|network|security|chown|chmod)(?:=\S*)? )+", " ", name)
        # Of a script BuildKit shows its first line, which is `set -eu`: the heredoc's name says more.
        name = re.sub(r"(^|\] )RUN <<-?(['\"]?)(\w+)\2 \(.*\)$", r"\1RUN \3", name)
        return name.replace("docker.io/library/", "")

    def add(self, vertex: Vertex, earliest: float) -> None:
        """Add what BuildKit reports of the step; a run of it that ended before ``earliest`` was another build's.

        BuildKit may run a step again, then it has several intervals.
        """
        self.name = self.name or vertex.name
        self.cached = self.cached or vertex.cached
        if vertex.started is None:
            self.error = vertex.error or self.error
            return
        start, end = max(vertex.started, earliest), vertex.completed
        if end is not None and end < earliest:
            self.cached, end = True, start
        last = self.intervals[-1] if self.intervals else None
        if last is None or (last[0] != start and last[1] is not None):
            self.intervals.append((start, end))
            self.error = vertex.error
        else:
            self.intervals[-1] = (start, end)
            self.error = vertex.error or self.error


class Build:
    """A build as far as it has come: its steps in the order they were reported, and the client's own lines.

    BuildKit runs each step once, whichever builds need it, and reports it as the first of them did: under that build's
    stage, and with its times. Here such a step has the name of this build's own instruction, and this build's start is
    its earliest time. ``stages`` are the Dockerfile's; with none every name is this build's.
    """

    def __init__(self, stages: Iterable[str] = ()) -> None:
        self.steps: dict[str, Step] = {}
        self.lines: list[str] = []
        self.started: float | None = None
        self.stages = tuple(stages)
        # The steps of other builds that do the work of one of this build's, by their ids.
        self._doubles: dict[str, str] = {}
        # The steps that this build has brought: BuildKit reports them before it runs any.
        self._own: list[str] = []

    def add(self, event: Event) -> None:
        """Add one more event."""
        if isinstance(event, ClientLine):
            self.lines.append(event.line)
        elif isinstance(event, Vertex):
            self._add_vertex(event)
        elif isinstance(event, OutputLine):
            step = self._step(event.vertex)
            step.output.append(event.line)
            del step.output[:-KEPT]
        else:
            self._step(event.vertex).transfers[event.id] = event.current, event.total

    def step_of(self, event: Event) -> Step | None:
        """Return the step that an event is about; None for a line of the client's."""
        if isinstance(event, ClientLine):
            return None
        vertex = event.id if isinstance(event, Vertex) else event.vertex
        return self.steps.get(self._doubles.get(vertex, vertex))

    @property
    def failed(self) -> Step | None:
        """The step that made the build fail: the first to fail, and not one that was only cancelled because of it."""
        failed = [step for step in self.steps.values() if step.error]
        return min(failed, key=lambda step: (step.cancelled, step.ended), default=None)

    def _add_vertex(self, vertex: Vertex) -> None:
        if vertex.name.startswith(FIRST) and vertex.started is not None and self.started is None:
            self.started = vertex.started
        if not self._step(vertex.id).name:
            if vertex.started is None:
                self._own.append(vertex.id)
            elif (own := self._same_instruction(vertex.name)) is not None:
                self._doubles[vertex.id] = own
                self.steps[own].output += self.steps.pop(vertex.id).output
        step = self._step(vertex.id)
        if vertex.id in self._doubles.values() and step.done and vertex.cached:
            return  # the double's result, for which this build has waited
        step.name = step.name or self._named(vertex.name)
        step.add(vertex, self.started or 0.0)

    def _step(self, vertex: str) -> Step:
        own = self._doubles.get(vertex, vertex)
        return self.steps.setdefault(own, Step(own))

    def _same_instruction(self, name: str) -> str | None:
        """Return the id of the step of this build's own, not begun yet, that does the same; the one so named first."""
        wanted = NAME.fullmatch(name)
        if wanted is None:
            return None
        waiting = [self.steps[own] for own in self._own if not self.steps[own].intervals]
        same = [
            step
            for step in waiting
            if (found := NAME.fullmatch(step.name))
            and (found["platform"], found["instruction"]) == (wanted["platform"], wanted["instruction"])
        ]
        return min(same, key=lambda step: step.name != name).id if same else None

    def _named(self, name: str) -> str:
        """Return a step's name without the stage of another Dockerfile."""
        found = NAME.fullmatch(name)
        return found["instruction"] if found and self.stages and found["stage"] not in self.stages else name


def stages(dockerfile: str) -> tuple[str, ...]:
    """Return the names of a Dockerfile's stages."""
    return tuple(STAGE.findall(dockerfile))


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data)
    except binascii.Error:
        return b""


def _seconds(time: str | None) -> float | None:
    return datetime.fromisoformat(time).timestamp() if time else None


# The form of a timeline's data; another form isn't read.
VERSION = 2
# A step of BuildKit's own that took less (in seconds) is left out.
SHORT = 0.05


@dataclass(frozen=True, slots=True)
class TimedStep:
    """A step: when it started, in seconds since the build did, and how long it ran, pauses left out.

    `internal` steps are BuildKit's own.
    """

    title: str
    start: float
    seconds: float
    cached: bool
    internal: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps of a build, stage by stage, and how long it took from the first to the last."""

    steps: tuple[TimedStep, ...]
    seconds: float

    @property
    def cached(self) -> bool:
        """Whether every instruction was cached; an image that a stage starts from is, or is pulled."""
        return all(step.cached for step in self.steps if not step.internal and "] FROM " not in step.title)


def timeline(build: Build) -> Timeline | None:
    """Return a build's timeline; None for a build without steps."""
    steps = [step for step in build.steps.values() if step.intervals and step.name]
    if not steps:
        return None
    begun = min(step.intervals[0][0] for step in steps)
    ended = max(end or start for step in steps for start, end in step.intervals)
    timed = [_timed(step, begun) for step in steps]
    kept = [step for step in _once(timed) if not step.internal or step.seconds >= SHORT]
    return Timeline(_ordered(kept, build.stages), round(ended - begun, 3))


def _timed(step: Step, begun: float) -> TimedStep:
    # BuildKit's own steps are in lower case: "exporting to image", "importing cache manifest from …".
    internal = step.internal or step.name[:1].islower()
    start = round(step.intervals[0][0] - begun, 3)
    return TimedStep(step.title, start, 0.0 if step.cached else round(step.seconds, 3), step.cached, internal)


def _once(steps: Sequence[TimedStep]) -> list[TimedStep]:
    """Return the steps without those that BuildKit reports once more, with another digest, when it has cached them."""
    longest: dict[str, TimedStep] = {}
    for step in steps:
        if not step.internal and step.seconds >= longest.setdefault(step.title, step).seconds:
            longest[step.title] = step
    return [step for step in steps if step.internal or longest[step.title] is step]


def _ordered(steps: Sequence[TimedStep], stages: Sequence[str]) -> tuple[TimedStep, ...]:
    """Return the steps stage by stage, the stages by when they started; BuildKit reports cached ones all at once."""
    begun: dict[str, float] = {}
    for step in steps:
        stage, _ = _place(step)
        begun[stage] = min(begun.get(stage, step.start), step.start)

    def key(step: TimedStep) -> tuple[float, int, str, int, float]:
        stage, number = _place(step)
        rank = stages.index(stage) if stage in stages else len(stages)
        return round(begun[stage], 1), rank, stage, number, step.start

    return tuple(sorted(steps, key=key))


def _place(step: TimedStep) -> tuple[str, int]:
    """Return a step's stage and its number in it."""
    found = NAME.fullmatch(step.title)
    return (found["stage"] or "", int(found["number"])) if found is not None else (f"{step.start:09.3f}", 0)


def to_data(timeline: Timeline) -> dict[str, Any]:
    """Return the timeline as JSON has it."""
    return {
        "version": VERSION,
        "seconds": timeline.seconds,
        "steps": [asdict(step) for step in timeline.steps],
    }


def from_data(data: Mapping[str, Any]) -> Timeline | None:
    """Return a timeline that was saved; None for one of another form."""
    try:
        if data["version"] != VERSION:
            return None
        return Timeline(tuple(_timed_step(each) for each in data["steps"]), float(data["seconds"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _timed_step(data: Mapping[str, Any]) -> TimedStep:
    start, seconds = float(data["start"]), float(data["seconds"])
    return TimedStep(str(data["title"]), start, seconds, bool(data["cached"]), bool(data["internal"]))
