"""buildx's progress: lines become events, events become a build; also while other builds run on the engine."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.image.build.progress import (
    KEPT,
    ClientLine,
    OutputLine,
    ProgressReader,
    Step,
    TimedStep,
    Timeline,
    Transfer,
    Vertex,
    from_data,
    mask,
    stages,
    timeline,
    to_data,
)
from tests.unit.image.build.conftest import built, read, recorded

START, END = "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:07.623456789Z"
# date -u -d 2026-01-02T03:04:05 +%s
BEGUN = 1767323045.123456


def log(vertex: str, data: bytes, stream: int = 1) -> dict[str, Any]:
    return {"logs": [{"vertex": vertex, "stream": stream, "data": base64.b64encode(data).decode(), "timestamp": END}]}


STATUSES = (
    {"vertexes": [{"digest": "a", "name": "[1/2] RUN x"}]},
    {"vertexes": [{"digest": "a", "name": "[1/2] RUN x", "started": START}]},
    log("a", b"one\ntw"),
    log("a", b"o\nthree"),
    {"statuses": [{"id": "s", "vertex": "a", "name": "transferring", "current": 5, "total": 9, "timestamp": END}]},
    {"vertexes": [{"digest": "a", "name": "[1/2] RUN x", "started": START, "completed": END, "error": "exit code: 3"}]},
    "Dockerfile:7",
    "ERROR: failed to solve",
)


@pytest.mark.parametrize("indent", [None, 2])
def test_what_buildx_says(indent: int | None) -> None:
    assert read(*STATUSES, indent=indent) == [
        Vertex("a", "[1/2] RUN x"),
        Vertex("a", "[1/2] RUN x", started=BEGUN),
        OutputLine("a", "one"),
        OutputLine("a", "two"),
        Transfer("a", "s", 5, 9),
        OutputLine("a", "three"),
        Vertex("a", "[1/2] RUN x", started=BEGUN, completed=BEGUN + 2.5, error="exit code: 3"),
        ClientLine("Dockerfile:7"),
        ClientLine("ERROR: failed to solve"),
    ]


def test_events_add_up_to_the_build() -> None:
    step = Step(
        "a",
        "[1/2] RUN x",
        intervals=[(BEGUN, BEGUN + 2.5)],
        error="exit code: 3",
        output=["one", "two", "three"],
        transfers={"s": (5, 9)},
    )
    build = built(*read(*STATUSES))
    assert (build.steps, build.lines) == ({"a": step}, ["Dockerfile:7", "ERROR: failed to solve"])
    assert (build.failed, step.seconds, step.running, step.done) == (step, 2.5, False, True)


def test_a_step_that_runs_again_has_several_intervals() -> None:
    events = [Vertex("a", "n", 1.0), Vertex("a", "n", 1.0, 2.0), Vertex("a", "n", 5.0), Vertex("a", "n", 5.0, 5.5)]
    assert built(*events[:3]).steps["a"].running
    assert built(*events).steps["a"] == Step("a", "n", [(1.0, 2.0), (5.0, 5.5)])
    assert built(*events).steps["a"].seconds == 1.5


def test_a_step_that_succeeds_the_second_time_has_not_failed() -> None:
    """As when the build that ran it first was cancelled."""
    cancelled = Vertex("a", "n", 1.0, 2.0, error="context canceled")
    build = built(Vertex("a", "n", 1.0), cancelled, Vertex("a", "n", 3.0), Vertex("a", "n", 3.0, 4.0))
    assert (build.failed, build.steps["a"].error) == (None, "")


def test_the_step_that_failed_is_not_one_that_was_cancelled_for_it() -> None:
    build = built(
        Vertex("a", "first", 1.0, 2.0, error="process did not complete: context canceled"),
        Vertex("b", "second", 1.0, 2.0, error="exit code: 1"),
    )
    assert build.failed == build.steps["b"]
    assert build.steps["a"].cancelled


FIRST = (Vertex("d", "[internal] load build definition from Dockerfile", 100.0, 100.1),)


def test_a_step_that_another_build_runs_began_with_this_build() -> None:
    running = (Vertex("a", "[deps 1/2] RUN x", 20.0), Vertex("a", "[deps 1/2] RUN x", 20.0, 104.0))
    ended = (Vertex("b", "[deps 2/2] RUN y", 20.0, 99.0),)
    build = built(*FIRST, *running, *ended)
    assert build.steps["a"] == Step("a", "[deps 1/2] RUN x", [(100.0, 104.0)])
    assert build.steps["b"] == Step("b", "[deps 2/2] RUN y", [(100.0, 100.0)], cached=True)


def test_a_step_under_another_builds_name_has_this_builds() -> None:
    """BuildKit reports a step of two builds as the first of them did, with another id if their contexts differ."""
    build = built(
        *FIRST,
        Vertex("a", "[deps 1/2] COPY mix.exs ./"),
        Vertex("b", "[deps 2/2] RUN mix deps.get"),
        OutputLine("y", "Fetching jason"),
        Vertex("x", "[fetch 3/9] COPY mix.exs ./", 20.0, 21.0),
        Vertex("y", "[fetch 4/9] RUN mix deps.get", 22.0),
        Vertex("y", "[fetch 4/9] RUN mix deps.get", 22.0, 130.0),
        Vertex("z", "[fetch 2/9] RUN apt-get update", 20.0, 21.0),
        Vertex("b", "[deps 2/2] RUN mix deps.get", 130.0, 130.0, cached=True),
        stages=("deps", "build"),
    )
    assert [(step.name, step.intervals, step.cached, step.output) for step in build.steps.values()][1:] == [
        ("[deps 1/2] COPY mix.exs ./", [(100.0, 100.0)], True, []),
        ("[deps 2/2] RUN mix deps.get", [(100.0, 130.0)], False, ["Fetching jason"]),
        ("RUN apt-get update", [(100.0, 100.0)], True, []),
    ]


def test_the_same_instruction_in_two_stages_stays_two_steps() -> None:
    build = built(
        Vertex("a", "[one 1/1] RUN x"),
        Vertex("b", "[two 1/1] RUN x"),
        Vertex("y", "[two 1/1] RUN x", 1.0, 3.0),
        Vertex("x", "[other 1/1] RUN x", 1.0, 2.0),
        stages=("one", "two"),
    )
    assert {step.name: step.seconds for step in build.steps.values()} == {
        "[one 1/1] RUN x": 1.0,
        "[two 1/1] RUN x": 2.0,
    }


# Builds that began while another ran on the engine: one of the same project, one of a project whose stage has another
# name, and one that shares a stage which reads no context. BuildKit 0.13.
@pytest.mark.parametrize(
    ("name", "own", "titles"),
    [
        (
            "same-project",
            ("otherbase", "fin"),
            {
                "[otherbase 1/4] FROM debian:trixie-slim": 0.0,
                "[otherbase 2/4] COPY f /f": 0.0,
                "[otherbase 3/4] RUN echo sharedy && sleep 4": 0.0,
                "[otherbase 4/4] RUN echo sharedx && for i in 1 2 3 4 5 6 7 8 9 10; do echo t$i; sleep 1; done": 8.619,
                "[fin 1/1] RUN echo onlya && sleep 3": 3.608,
            },
        ),
        (
            "merged",
            ("ours", "last"),
            {
                "[ours 2/4] COPY f /f": 0.0,
                "[ours 3/4] RUN echo prepare && sleep 4": 2.528,
                "[ours 4/4] RUN echo compile && for i in 1 2 3 4; do echo t$i; sleep 1; done": 6.053,
                "FROM debian:trixie-slim": 0.0,
                "[last 1/1] RUN echo release && sleep 3": 4.375,
            },
        ),
        (
            "shared",
            ("ours", "last"),
            {
                "RUN echo prepare21289 && sleep 2": 0.0,
                "RUN echo packages21289 && for i in 1 2 3 4 5 6; do echo line $i; sleep 1; done": 5.096,
                "FROM debian:trixie-slim": 0.0,
                "[last 1/1] RUN echo release": 2.459,
            },
        ),
    ],
)
def test_another_build_on_the_engine(name: str, own: tuple[str, ...], titles: dict[str, float]) -> None:
    build = built(*recorded(name), stages=own)
    found = timeline(build)
    assert found is not None
    assert {step.title: step.seconds for step in found.steps if not step.internal} == titles
    last = max(step.start + step.seconds for step in found.steps)
    assert found.seconds == pytest.approx(last, abs=0.002)
    assert all(step.done for step in build.steps.values())
    assert {step.title for step in found.steps if step.cached} == {title for title, took in titles.items() if not took}


def test_the_stages_of_a_dockerfile() -> None:
    assert stages("# syntax\nFROM a:1 AS one\nRUN x\nFROM --platform=x b AS two-2\nFROM scratch\n") == ("one", "two-2")


def test_titles_leave_out_what_only_buildkit_needs() -> None:
    digest = "@sha256:" + "a" * 64
    titles = {
        f"[a 1/2] FROM docker.io/library/debian:trixie-slim{digest}": "[a 1/2] FROM debian:trixie-slim",
        "[b 4/9] RUN --mount=type=cache,id=x,target=/src  mix   compile": "[b 4/9] RUN mix compile",
        "[c 5/7] COPY --link --from=build /a/ /": "[c 5/7] COPY --from=build /a/ /",
        "[deps 3/4] RUN --mount=type=cache,id=x,target=/src     <<'FETCH' (set -eu...)": "[deps 3/4] RUN FETCH",
        "[linux/arm64 otp 1/1] RUN <<OTP (set -eu...)": "[linux/arm64 otp 1/1] RUN OTP",
        "[d 1/2] COPY <<'ELIXIR' /tmp/config.exs": "[d 1/2] COPY <<'ELIXIR' /tmp/config.exs",
        "[d 2/2] RUN echo '<<A (b)'": "[d 2/2] RUN echo '<<A (b)'",
        "RUN --mount=type=cache,id=x,target=/src     <<'FETCH' (set -eu...)": "RUN FETCH",
        "[2/3] RUN true": "[2/3] RUN true",
        "exporting to image": "exporting to image",
    }
    assert {name: Step("a", name).title for name in titles} == titles


def test_a_long_script_is_left_out_of_its_error() -> None:
    """BuildKit quotes the command as Go does, before the exit code, which would be cut off."""
    script = r"/bin/sh -c set -eu\nsay \"process\" \\n\nentries() { :; }\n" * 200
    error = f'process "{script}" did not complete successfully: exit code: 137'
    short = "process … did not complete successfully: exit code: 137"
    finished = {"digest": "a", "name": "[1/1] RUN X", "started": START, "completed": END}
    assert read(
        {"vertexes": [{**finished, "error": error}]},
        f"ERROR: failed to solve: {error}",
    ) == [
        Vertex("a", "[1/1] RUN X", BEGUN, BEGUN + 2.5, error=short),
        ClientLine(f"ERROR: failed to solve: {short}"),
    ]


def test_output_can_not_steer_the_terminal() -> None:
    said = b"\x1b[2J\x1b]0;title\x07red \x1b[31mtext\x1b[0m\tok\x07\n10%\r50%\r100%\r\n"
    assert read(log("a", said)) == [OutputLine("a", "red text\tok"), OutputLine("a", "100%")]


def test_secrets_are_masked_wherever_they_stand() -> None:
    reader = ProgressReader(mask(["hunter22", "line one\nline two\n", "abc"]))
    assert read(
        log("a", b"key=hunt"),
        log("a", b"er22!\nline two; abc\nrest hunter22"),
        {
            "vertexes": [
                {"digest": "a", "name": "RUN hunter22", "started": START, "completed": END, "error": "hunter22"}
            ]
        },
        "ERROR: hunter22",
        reader=reader,
    ) == [
        OutputLine("a", "key=***!"),
        OutputLine("a", "***; abc"),
        OutputLine("a", "rest ***"),
        Vertex("a", "RUN ***", BEGUN, BEGUN + 2.5, error="***"),
        ClientLine("ERROR: ***"),
    ]


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_however_output_is_cut_it_gives_the_same_lines(chunks: list[bytes]) -> None:
    whole = b"".join(chunks) + b"\n"
    reader, cut = ProgressReader(), ProgressReader()
    assert read(log("a", whole), reader=reader) == read(
        *(log("a", chunk) for chunk in chunks), log("a", b"\n"), reader=cut
    )


@given(st.lists(st.text(max_size=40), max_size=12))
def test_no_line_is_too_strange(lines: list[str]) -> None:
    build = built(*read(*lines))
    assert build.failed is None or build.failed.error


@pytest.mark.parametrize(
    "broken", ['{"vertexes": [{}]}', '{"logs": 1}', "{", '{"statuses": [{"current": "x"}]}', "[1]"]
)
def test_an_object_that_is_none_of_buildkits(broken: str) -> None:
    reader = ProgressReader()
    reader.read(broken)
    reader.read("}")
    assert read({"vertexes": [{"digest": "a", "name": "n"}]}, reader=reader) == [Vertex("a", "n")]


def test_a_step_that_prints_without_end_is_kept_in_bounds() -> None:
    reader = ProgressReader()
    build = built(*read(*[log("a", b"x" * 30_000)] * 5, *[log("b", b"line\n" * (KEPT + 900))], reader=reader))
    assert len(build.steps["b"].output) == KEPT
    assert sum(map(len, build.steps["a"].output)) <= 5 * 4096


STAGES = ("toolchain", "build", "runner", "never")
EVENTS = [
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
TIMELINE = Timeline(
    (
        TimedStep("[internal] load build context", 0.0, 0.2, cached=False, internal=True),
        TimedStep("[toolchain 1/1] FROM debian:trixie-slim", 0.5, 0.0, cached=False),
        TimedStep("[build 1/2] COPY lib/ lib/", 0.5, 0.0, cached=True),
        TimedStep("[build 2/2] RUN mix release", 1.0, 3.5, cached=False),
        TimedStep("[runner 2/2] COPY --from=build /a /a", 4.6, 0.1, cached=False),
        TimedStep("exporting to image", 4.7, 1.0, cached=False, internal=True),
    ),
    5.7,
)


def test_steps_come_stage_by_stage_with_their_times() -> None:
    assert timeline(built(*EVENTS, stages=STAGES)) == TIMELINE
    assert not TIMELINE.cached
    assert Timeline((TIMELINE.steps[0], TIMELINE.steps[2]), 1.0).cached


def test_a_step_that_is_told_again_from_the_cache_is_one() -> None:
    again = Vertex("9", "[build 2/2] RUN --mount=type=cache,target=/x mix release", 104.9, 104.9, cached=True)
    first = Vertex("0", "[build 2/2] RUN --mount=type=cache,target=/x mix release", 100.2, 100.2, cached=True)
    assert timeline(built(first, *EVENTS, again, stages=STAGES)) == TIMELINE


def test_it_is_read_as_it_was_written() -> None:
    assert from_data(json.loads(json.dumps(to_data(TIMELINE)))) == TIMELINE


@pytest.mark.parametrize("data", [{}, {"version": 1}, {"version": 2, "seconds": 1, "steps": [{}]}, {"version": 2}])
def test_what_is_of_another_form_is_left_alone(data: dict[str, Any]) -> None:
    assert from_data(data) is None


def test_a_build_without_steps_has_no_timeline() -> None:
    assert timeline(built()) is None
    assert timeline(built(Vertex("a", "[1/1] RUN x"))) is None
