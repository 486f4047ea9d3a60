"""When the image of an earlier build is taken: when all that the build is made from is as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from relbuild import config
from relbuild.commands.build import Request
from relbuild.commands.session import Session
from relbuild.commands.unchanged import Inputs
from relbuild.endpoint import Endpoint
from relbuild.engine.docker import Engine, ImageFacts
from relbuild.engine.files import ProjectTree
from relbuild.engine.runner import DryRunner
from relbuild.image.plan import make_plan
from relbuild.mix.project import read
from relbuild.progress import Display

MIX_EXS = """defmodule A.MixProject do
  use Mix.Project
  def project, do: [app: :a, version: "1.0.0"]
end
"""
BUILT = "sha256:built"


class Images(Engine):
    """An engine that has these images, by their names."""

    def __init__(self, images: dict[str, str]) -> None:
        super().__init__(Endpoint())
        self._images = images

    def image(self, reference: str) -> ImageFacts | None:
        known = self._images.get(reference)
        return None if known is None else ImageFacts(id=known, tags=(), digests=(), labels={}, size=1)


class Bench:
    """A project with its engine, and what a build of it takes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images = {BUILT: BUILT, "debian:trixie-slim": "sha256:base"}
        self.settings = "toolchain: debian\ndebian: trixie\n"
        self.platforms: tuple[str, ...] = ()
        self.secrets: dict[str, str] = {}
        self.endpoint = Endpoint()
        self.write("mix.exs", MIX_EXS)
        self.write("lib/a.ex", "defmodule A do\nend\n")

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def inputs(self) -> Inputs:
        engine = Images(self.images)
        session = Session(
            self.root, None, self.endpoint, DryRunner(), lambda _: engine, warn=print, note=print, progress=Display
        )
        tree = ProjectTree(self.root)
        plan = make_plan(read(tree), config.parse(self.settings.encode(), "relbuild.yml"), tree)
        return Inputs(session, Request(plan, self.secrets, platforms=self.platforms))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return Bench(tmp_path / "project")


def test_equal_inputs_give_the_image_that_they_have_given(bench: Bench) -> None:
    inputs = bench.inputs()
    assert inputs.image() is None
    inputs.keep(BUILT)
    assert bench.inputs().image() == BUILT
    bench.write("_build/prod/x", "compiled here")
    bench.write(".env", "SECRET=1")
    assert bench.inputs().image() == BUILT


@pytest.mark.parametrize(
    "change",
    [
        lambda bench: bench.write("lib/a.ex", "defmodule B do\nend\n"),
        lambda bench: bench.write("lib/b.ex", ""),
        lambda bench: bench.write("mix.exs", MIX_EXS.replace("1.0.0", "1.0.1")),
        lambda bench: setattr(bench, "settings", "toolchain: debian\ndebian: trixie\nrunner: {packages: [file]}\n"),
        lambda bench: setattr(bench, "settings", "toolchain: debian\ndebian: trixie\nbuilder: {ignore: [x]}\n"),
        lambda bench: setattr(bench, "platforms", ("linux/arm64",)),
        lambda bench: setattr(bench, "secrets", {"TOKEN": "env=TOKEN"}),
        lambda bench: setattr(bench, "endpoint", Endpoint(host="tcp://127.0.0.1:2375")),
        lambda bench: bench.images.update({"debian:trixie-slim": "sha256:newer"}),
        lambda bench: bench.images.pop("debian:trixie-slim"),
        lambda bench: bench.images.pop(BUILT),
    ],
)
def test_any_other_input_is_built(change: Callable[[Bench], object], bench: Bench) -> None:
    bench.inputs().keep(BUILT)
    change(bench)
    assert bench.inputs().image() is None


@pytest.mark.parametrize("name", ["SOURCE_DATE_EPOCH", "DOCKER_DEFAULT_PLATFORM", "BUILDX_BUILDER"])
def test_what_docker_reads_in_its_environment(name: str, bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name, raising=False)
    bench.inputs().keep(BUILT)
    monkeypatch.setenv(name, "1")
    assert bench.inputs().image() is None


def test_a_build_in_whose_course_a_file_was_written_says_nothing(bench: Bench) -> None:
    inputs = bench.inputs()
    bench.write("lib/a.ex", "defmodule B do\nend\n")
    inputs.keep(BUILT)
    assert bench.inputs().image() is None
    bench.write("lib/a.ex", "defmodule A do\nend\n")
    assert bench.inputs().image() is None


def test_a_base_that_a_registry_has_to_be_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "many")
    bench.inputs().keep(BUILT)
    assert bench.inputs().image() is None


def test_notes_that_were_cut_off(bench: Bench, tmp_path: Path) -> None:
    bench.inputs().keep(BUILT)
    (file,) = (tmp_path / "cache" / "relbuild" / "built").iterdir()
    for text in ("", "{", "[]", "{}", '{"inputs": 1, "image": 2}', "\udcff"):
        file.write_bytes(text.encode(errors="surrogateescape"))
        assert bench.inputs().image() is None


def test_a_cache_that_cannot_be_written(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    inputs = bench.inputs()
    inputs.keep(BUILT)
    assert bench.inputs().image() is None
