"""When each step of a build ran: what is kept of it, for whoever inspects the image later."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from relbuild.image.progress import Build, Step
from relbuild.values import dataclass

# The form of `to_data`; what has another is left alone.
VERSION = 1
# The stages of relbuild's Dockerfile in their order, for those that start at one time.
STAGES = (
    "fresh",
    "toolchain",
    "manifests",
    "deps",
    "node",
    "build",
    "configuration",
    "foreign",
    "otp",
    "native",
    "base",
    "packages",
    "runtime",
    "runner",
)
# A step of BuildKit's own that took less (in seconds) tells nothing.
SHORT = 0.05
_STEP = re.compile(r"\[(?:\S+/\S+ )?(?P<stage>\S+) +(?P<number>\d+)/\d+\] ")


@dataclass(frozen=True, slots=True)
class Ran:
    """A step: when it started, in seconds since the build did, and how long it ran, pauses left out.

    `own` says that it is BuildKit's own, not the Dockerfile's.
    """

    title: str
    start: float
    seconds: float
    cached: bool
    own: bool = False

    @property
    def end(self) -> float:
        """When it ended, if it never paused."""
        return self.start + self.seconds


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps of a build, stage by stage, and how long it took from the first to the last."""

    steps: tuple[Ran, ...]
    seconds: float

    @property
    def cached(self) -> bool:
        """Whether every step of the Dockerfile's was taken from the cache."""
        return all(step.cached for step in self.steps if not step.own)


def of(build: Build) -> Timeline | None:
    """Return a build's timeline; None where the docker client told no times."""
    steps = [step for step in build.steps.values() if step.intervals and step.name]
    begun = min((step.intervals[0][0] for step in steps), default=0.0)
    if begun <= 0.0:  # the lines of plain progress say how long a step took, not when
        return None
    ended = max(end or start for step in steps for start, end in step.intervals)
    found = [_ran(step, begun) for step in steps]
    kept = [step for step in _once(found) if not step.own or step.seconds >= SHORT]
    return Timeline(_ordered(kept), round(ended - begun, 3))


def _once(steps: Sequence[Ran]) -> list[Ran]:
    """Return the steps without what BuildKit tells again of one that it has cached: such a one has another digest."""
    longest: dict[str, Ran] = {}
    for step in steps:
        if not step.own and step.seconds >= longest.setdefault(step.title, step).seconds:
            longest[step.title] = step
    return [step for step in steps if step.own or longest[step.title] is step]


def _ordered(steps: Sequence[Ran]) -> tuple[Ran, ...]:
    """Return the steps stage by stage, the stages by when they started; BuildKit tells those it has cached at once."""
    begun: dict[str, float] = {}
    for step in steps:
        stage, _ = _place(step)
        begun[stage] = min(begun.get(stage, step.start), step.start)

    def key(step: Ran) -> tuple[float, int, str, int, float]:
        stage, number = _place(step)
        rank = STAGES.index(stage) if stage in STAGES else len(STAGES)
        return round(begun[stage], 1), rank, stage, number, step.start

    return tuple(sorted(steps, key=key))


def _place(step: Ran) -> tuple[str, int]:
    """Return a step's stage and its number in it."""
    found = _STEP.match(step.title)
    return (found["stage"], int(found["number"])) if found is not None else (f"{step.start:09.3f}", 0)


def _ran(step: Step, begun: float) -> Ran:
    own = step.internal or not step.name.startswith("[")
    start = round(step.intervals[0][0] - begun, 3)
    return Ran(step.title, start, 0.0 if step.cached else round(step.seconds, 3), step.cached, own)


def to_data(timeline: Timeline) -> dict[str, Any]:
    """Return the timeline as JSON takes it."""
    return {
        "version": VERSION,
        "seconds": timeline.seconds,
        "steps": [asdict(step) for step in timeline.steps],
    }


def from_data(data: Mapping[str, Any]) -> Timeline | None:
    """Return the timeline that was kept; None where it is of another form."""
    try:
        if data["version"] != VERSION:
            return None
        steps = tuple(
            Ran(
                str(each["title"]),
                float(each["start"]),
                float(each["seconds"]),
                bool(each["cached"]),
                bool(each["own"]),
            )
            for each in data["steps"]
        )
        return Timeline(steps, float(data["seconds"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
