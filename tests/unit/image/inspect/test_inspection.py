"""An inspected image: what its layers hold, and its text and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from relbuild.image import labels
from relbuild.image.build.progress import TimedStep, Timeline
from relbuild.image.filesystem import LayerFacts
from relbuild.image.inspect.difference import compare
from relbuild.image.inspect.report import to_data, to_text
from relbuild.output import laid_out

Files = dict[str, bytes]
TIMELINE = Timeline((TimedStep("[build 1/1] RUN mix release", 0.5, 3.0, cached=False),), 4.0)


def test_layers_by_what_they_are_there_for(made: Callable[..., Any], shop_layers: tuple[Files, ...]) -> None:
    assert made().inspection.parts == ("base", "otp", "dependencies", "project")
    base, release, dependencies, project = shop_layers
    image = made([base, {}, {"etc/passwd": b"x"}, {**release, **dependencies, **project}], {}).inspection
    assert image.parts == ("base", "empty", "system", "release")
    minimal = {labels.BUILT_BY: "relbuild", labels.RELEASE: "shop", labels.ROOT: "/app"}
    assert made(label=minimal).inspection.parts[0] == "system"


@pytest.mark.parametrize(
    ("instruction", "made_by"),
    [
        ("RUN /bin/sh -c apt-get update     && true # buildkit", "RUN apt-get update && true"),
        ("RUN |1 A=b c /bin/sh -c make # buildkit", "RUN make"),
        ("COPY /layers/otp/ / # buildkit", "COPY /layers/otp/ /"),
        ("/bin/sh -c #(nop) ADD file:1 in / ", "ADD file:1 in /"),
        ("/bin/sh -c apt-get update", "RUN apt-get update"),
        ("Imported from -", "Imported from -"),
        ("", ""),
    ],
)
def test_instructions_as_one_would_write_them(instruction: str, made_by: str) -> None:
    assert LayerFacts("", None, 0, None, 0, instruction).made_by == made_by


def text_of(image: Any, timeline: Timeline | None = None, width: int | None = None) -> str:
    return laid_out(to_text(image, timeline, None), width)


def test_the_text(made: Callable[..., Any]) -> None:
    text = text_of(made().inspection, TIMELINE)
    assert text.splitlines()[:10] == [
        "image     shop:0.1.0",
        f"id        sha256:{'1' * 64}",
        "created   2026-01-02T03:04:05Z",
        "platform  linux/amd64",
        "size      18.2 kB uncompressed, 6.0 kB compressed",
        "release   shop 0.1.0 in /app",
        "elixir    1.18.3",
        "otp       27.3.4 (ERTS 15.2.7)",
        "base      debian:trixie-slim (Debian GNU/Linux 13 (trixie))",
        "command   /app/bin/shop start, as 10001:10001",
    ]
    assert "\nenvironment\n  required\n    URL  config/runtime.exs:3  say where\n" in text
    assert "\n  APPLICATION  VERSION    SIZE  FROM     LAYER\n" in text
    assert "\n  jason        1.4.1    3.1 kB  hex          3\n" in text
    assert "\nbuild\n  START   TIME  STEP\n  0.5 s  3.0 s  [build 1/1] RUN mix release\n  4.0 s in total" in text


@pytest.mark.parametrize("width", [60, 80])
def test_the_text_fits_into_the_terminal(made: Callable[..., Any], width: int) -> None:
    long = {labels.BUILT_BY: "relbuild", "long": "word " * 30, "longer": "x" * 200}
    text = text_of(made(label=long).inspection, TIMELINE, width)
    assert max(map(len, text.splitlines())) <= width


def test_what_is_not_known_is_reported_so(made: Callable[..., Any]) -> None:
    text = text_of(made(label={}, command=(), user="").inspection)
    assert "command   none, as root" in text
    assert "environment\n  unknown: the image has no contract label\n" in text
    assert "build\n  unknown: only the machine that built the image knows how" in text
    assert made(label={}).inspection.environment is None
    assert made(label={labels.BUILT_BY: "relbuild"}).inspection.environment.empty


def test_the_json_is_a_contract(made: Callable[..., Any]) -> None:
    image = made().inspection
    data = json.loads(json.dumps(to_data(image, TIMELINE, compare(image, image, lambda one, other: True))))
    assert list(data) == [
        *("reference", "id", "created", "platform", "size", "packed", "user", "command", "release", "versions", "base"),
        *("layers", "applications", "files", "labels", "environment", "build", "against"),
    ]
    assert data["layers"][1] == {
        "diff_id": image.layers[1].diff_id,
        "digest": image.layers[1].digest,
        "size": image.layers[1].size,
        "packed": image.layers[1].packed,
        "files": 3,
        "instruction": "COPY /layers/1/ /",
        "part": "otp",
    }
    assert data["applications"][1] == {
        "name": "jason",
        "version": "1.4.1",
        "origin": "hex",
        "size": image.applications[1].size,
        "files": 2,
        "layer": 3,
        "applications": ["decimal", "elixir", "kernel"],
        "locked": {"package": "jason", "repository": "hexpm", "checksum": "b" * 64},
    }
    assert data["files"]["largest"][0] == {"path": "/usr/lib/libc.so.6", "size": 9000, "layer": 1}
    assert data["build"] == {
        "seconds": 4.0,
        "steps": [
            {"title": "[build 1/1] RUN mix release", "start": 0.5, "seconds": 3.0, "cached": False, "own": False}
        ],
    }
    against = data["against"]
    assert (against["shared_layers"], against["size"], against["files"]) == ([1, 2, 3, 4], 0, {"count": 0, "most": []})
    assert to_data(image, None, None)["build"] is None
