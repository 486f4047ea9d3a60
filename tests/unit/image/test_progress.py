"""buildx's progress, read: lines become events, events become a build."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.image.masking import mask
from relbuild.image.progress import Build, Output, Reader, Step, Transfer, Vertex, Words

START, END = "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:07.623456789Z"
# date -u -d 2026-01-02T03:04:05 +%s
BEGUN = 1767323045.123456


def log(vertex: str, data: bytes, stream: int = 1) -> dict[str, Any]:
    return {"logs": [{"vertex": vertex, "stream": stream, "data": base64.b64encode(data).decode(), "timestamp": END}]}


def read(*statuses: Any, reader: Reader | None = None, indent: int | None = None) -> list[Any]:
    reader = reader or Reader()
    text = "\n".join(each if isinstance(each, str) else json.dumps(each, indent=indent) for each in statuses)
    return [event for line in text.splitlines(keepends=True) for event in reader.read(line)]


def built(*events: Any) -> Build:
    build = Build()
    for event in events:
        build = build.after(event)
    return build


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
        Output("a", "one"),
        Output("a", "two"),
        Transfer("a", "s", 5, 9),
        Output("a", "three"),
        Vertex("a", "[1/2] RUN x", started=BEGUN, completed=BEGUN + 2.5, error="exit code: 3"),
        Words("Dockerfile:7"),
        Words("ERROR: failed to solve"),
    ]


def test_events_add_up_to_the_build() -> None:
    step = Step(
        "a",
        "[1/2] RUN x",
        intervals=((BEGUN, BEGUN + 2.5),),
        error="exit code: 3",
        output=("one", "two", "three"),
        transfers={"s": (5, 9)},
    )
    build = built(*read(*STATUSES))
    assert build == Build({"a": step}, ("Dockerfile:7", "ERROR: failed to solve"))
    assert (build.failed, step.seconds, step.running, step.done) == (step, 2.5, False, True)


def test_a_step_that_runs_again_has_several_intervals() -> None:
    told = [Vertex("a", "n", 1.0), Vertex("a", "n", 1.0, 2.0), Vertex("a", "n", 5.0), Vertex("a", "n", 5.0, 5.5, True)]
    assert built(*told[:3]).steps["a"].running
    assert built(*told).steps["a"] == Step("a", "n", ((1.0, 2.0), (5.0, 5.5)), cached=True)
    assert built(*told).steps["a"].seconds == 1.5


def test_the_step_that_failed_is_not_one_that_was_cancelled_for_it() -> None:
    build = built(
        Vertex("a", "first", 1.0, 2.0, error="process did not complete: context canceled"),
        Vertex("b", "second", 1.0, 2.0, error="exit code: 1"),
    )
    assert build.failed == build.steps["b"]
    assert build.steps["a"].cancelled


def test_plain_progress_of_a_client_that_has_no_other() -> None:
    lines = """#0 building with "default" instance using docker driver

#1 [internal] load build definition from Dockerfile
#1 transferring dockerfile: 286B done
#1 DONE 0.1s

#5 [a 2/2] RUN echo hello
#5 CACHED

#6 [b 1/1] RUN false
#6 0.423 going
#6 0.931 [1/2] a line like a step's name
#6 ERROR: process "/bin/sh -c false" did not complete successfully: exit code: 1
------
 > [b 1/1] RUN false:
"""
    build = built(*read(lines))
    assert build == Build(
        {
            "#1": Step("#1", "[internal] load build definition from Dockerfile", ((0.0, 0.1),)),
            "#5": Step("#5", "[a 2/2] RUN echo hello", ((0.0, 0.0),), cached=True),
            "#6": Step(
                "#6",
                "[b 1/1] RUN false",
                ((0.0, 0.0),),
                error="process … did not complete successfully: exit code: 1",
                output=("going", "[1/2] a line like a step's name"),
            ),
        },
        ("------", " > [b 1/1] RUN false:"),
    )


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
        "exporting to image": "exporting to image",
    }
    assert {name: Step("a", name).title for name in titles} == titles


def test_a_long_script_does_not_stand_before_how_it_ended() -> None:
    """As BuildKit tells it: the command is quoted as Go does it, and its end would be cut off."""
    script = r"/bin/sh -c set -eu\nsay \"process\" \\n\nentries() { :; }\n" * 200
    error = f'process "{script}" did not complete successfully: exit code: 137'
    told = "process … did not complete successfully: exit code: 137"
    finished = {"digest": "a", "name": "[1/1] RUN X", "started": START, "completed": END}
    assert read(
        {"vertexes": [{**finished, "error": error}]},
        f"ERROR: failed to solve: {error}",
        "#7 [1/1] RUN X",
        f"#7 ERROR: {error}",
    ) == [
        Vertex("a", "[1/1] RUN X", BEGUN, BEGUN + 2.5, error=told),
        Words(f"ERROR: failed to solve: {told}"),
        Vertex("#7", "[1/1] RUN X", 0.0),
        Vertex("#7", started=0.0, completed=0.0, error=told),
    ]


def test_output_can_not_steer_the_terminal() -> None:
    said = b"\x1b[2J\x1b]0;title\x07red \x1b[31mtext\x1b[0m\tok\x07\n10%\r50%\r100%\r\n"
    assert read(log("a", said)) == [Output("a", "red text\tok"), Output("a", "100%")]


def test_secrets_are_masked_wherever_they_stand() -> None:
    reader = Reader(mask(["hunter22", "line one\nline two\n", "abc"]))
    assert read(
        log("a", b"key=hunt"),
        log("a", b"er22!\nline two; abc\nrest hunter22"),
        {
            "vertexes": [
                {"digest": "a", "name": "RUN hunter22", "started": START, "completed": END, "error": "hunter22"}
            ]
        },
        "ERROR: hunter22",
        "#7 [1/1] RUN hunter22",
        reader=reader,
    ) == [
        Output("a", "key=***!"),
        Output("a", "***; abc"),
        Output("a", "rest ***"),
        Vertex("a", "RUN ***", BEGUN, BEGUN + 2.5, error="***"),
        Words("ERROR: ***"),
        Vertex("#7", "[1/1] RUN ***", 0.0),
    ]


@given(st.lists(st.binary(max_size=12), max_size=8))
def test_however_output_is_cut_it_gives_the_same_lines(chunks: list[bytes]) -> None:
    whole = b"".join(chunks) + b"\n"
    reader, cut = Reader(), Reader()
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
    reader = Reader()
    reader.read(broken)
    reader.read("}")
    assert read({"vertexes": [{"digest": "a", "name": "n"}]}, reader=reader) == [Vertex("a", "n")]


def test_a_step_that_prints_without_end_is_kept_in_bounds() -> None:
    reader = Reader()
    build = built(*read(*[log("a", b"x" * 30_000)] * 5, *[log("b", b"line\n" * 900)], reader=reader))
    assert len(build.steps["b"].output) == 400
    assert sum(map(len, build.steps["a"].output)) <= 5 * 4096
