"""A clean build's steps are unlike those of every other build: none can come from an earlier one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from relbuild.endpoint import DEFAULT
from relbuild.image.build import buildx
from relbuild.image.build.buildx import Clean
from relbuild.image.dockerfile.render import FRESH_MOUNT, render_dockerfile
from tests.unit.image.plan.test_sources import plan

GOLDEN = Path(__file__).parents[3] / "golden"
PROJECTS = ("mix-new", "minimal", "phoenix-1-8", "phoenix-npm", "platforms", "platforms-emulated", "platforms-minimal")
# What a clean build takes from earlier ones: the toolchain, and what is as it was downloaded.
KEPT = {"scripts", "toolchain", "foreign", "base", "fresh"}


def made(name: str, *, clean: bool) -> str:
    directory = GOLDEN / name / "project"
    paths = (path for path in sorted(directory.rglob("*")) if path.is_file())
    files = {path.relative_to(directory).as_posix(): path.read_text() for path in paths}
    return render_dockerfile(plan(files, config=files.get("relbuild.yml", "")), clean=clean)


@pytest.mark.parametrize("name", PROJECTS)
def test_the_first_step_of_each_stage_is_given_what_is_new(name: str) -> None:
    stages = re.split(r"^FROM ", made(name, clean=True), flags=re.MULTILINE)[1:]
    fresh: set[str] = set()
    for stage in stages:
        head, _, steps = stage.partition("\n")
        *_, base, _, own = head.split()
        runs = re.findall(r"^RUN [^<]*", steps, re.MULTILINE)
        if base in fresh or (runs and FRESH_MOUNT in runs[0]):
            fresh.add(own)
        elif own not in KEPT:
            assert not runs, f"{own}: {runs[0]}"
    assert {"build", "release"} < fresh


@pytest.mark.parametrize("name", PROJECTS)
def test_an_everyday_build_has_none_of_it(name: str) -> None:
    assert "fresh" not in made(name, clean=False)


def test_no_build_goes_without_a_cache() -> None:
    """Where one does that shares steps with another, BuildKit before 0.19 ends the engine (moby/buildkit #5606)."""
    argv = buildx.build(
        plan({"mix.exs": 'defmodule A do\n  use Mix.Project\n  def project, do: [app: :a, version: "0.1.0"]\nend\n'}),
        DEFAULT,
        dockerfile="D",
        tag="c:1",
        context=".",
        scripts="S",
        cache="shop",
        secrets={},
        clean=Clean(epoch=1),
    )
    assert shlex.join(argv) == (
        "docker buildx build --load --progress rawjson --provenance=false --build-context scripts=S"
        " --build-arg FRESH=c:1 --build-arg SOURCE_DATE_EPOCH=1 --tag c:1 --file D ."
    )
