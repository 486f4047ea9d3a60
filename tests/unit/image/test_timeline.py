"""What is kept of a build's steps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from relbuild.image import timeline
from relbuild.image.progress import Build, Reader, Vertex
from relbuild.image.timeline import Ran, Timeline

TOLD = [
    Vertex("1", "[internal] load build definition", 100.0, 100.01),
    Vertex("2", "[internal] load build context", 100.0, 100.2),
    Vertex("3", "[build 1/2] COPY lib/ lib/", 100.5, 100.5, cached=True),
    Vertex("4", "[toolchain 1/1] FROM docker.io/library/debian:trixie-slim@sha256:" + "0" * 64, 100.5, 100.5),
    Vertex("5", "[build 2/2] RUN --mount=type=cache,target=/x mix release", 101.0, None),
    Vertex("5", "[build 2/2] RUN --mount=type=cache,target=/x mix release", 101.0, 104.5),
    Vertex("6", "[runner 2/2] COPY --link --from=build /a /a", 104.6, 104.7),
    Vertex("7", "exporting to image", 104.7, 105.7),
    Vertex("8", "[never 1/1] RUN begun"),
]
KEPT = Timeline(
    (
        Ran("[internal] load build context", 0.0, 0.2, cached=False, own=True),
        Ran("[toolchain 1/1] FROM debian:trixie-slim", 0.5, 0.0, cached=False),
        Ran("[build 1/2] COPY lib/ lib/", 0.5, 0.0, cached=True),
        Ran("[build 2/2] RUN mix release", 1.0, 3.5, cached=False),
        Ran("[runner 2/2] COPY --from=build /a /a", 4.6, 0.1, cached=False),
        Ran("exporting to image", 4.7, 1.0, cached=False, own=True),
    ),
    5.7,
)


def build(*events: Vertex) -> Build:
    state = Build()
    for event in events:
        state = state.after(event)
    return state


def test_steps_come_stage_by_stage_with_their_times() -> None:
    assert timeline.of(build(*TOLD)) == KEPT
    assert not KEPT.cached
    assert Timeline((KEPT.steps[0], KEPT.steps[2]), 1.0).cached


def test_a_step_that_is_told_again_from_the_cache_is_one() -> None:
    again = Vertex("9", "[build 2/2] RUN --mount=type=cache,target=/x mix release", 104.9, 104.9, cached=True)
    first = Vertex("0", "[build 2/2] RUN --mount=type=cache,target=/x mix release", 100.2, 100.2, cached=True)
    assert timeline.of(build(first, *TOLD, again)) == KEPT


def test_it_is_read_as_it_was_written() -> None:
    assert timeline.from_data(json.loads(json.dumps(timeline.to_data(KEPT)))) == KEPT


@pytest.mark.parametrize("data", [{}, {"version": 2}, {"version": 1, "seconds": 1, "steps": [{}]}, {"version": 1}])
def test_what_is_of_another_form_is_left_alone(data: dict[str, Any]) -> None:
    assert timeline.from_data(data) is None


def test_plain_progress_tells_no_times() -> None:
    reader, state = Reader(), Build()
    for line in ("#1 [build 1/1] RUN true", "#1 DONE 2.0s"):
        for event in reader.read(line):
            state = state.after(event)
    assert (timeline.of(state), timeline.of(Build())) == (None, None)


@pytest.mark.parametrize(
    "golden", sorted((Path(__file__).parents[2] / "golden").glob("*/Dockerfile")), ids=lambda path: path.parent.name
)
def test_every_stage_has_its_place(golden: Path) -> None:
    stages = re.findall(r"^FROM .* AS (\S+)$", golden.read_text(), re.MULTILINE)
    assert stages == [stage for stage in timeline.STAGES if stage in stages]
