"""A build: when the engine has its image, and what remains of one that fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from relbuild.commands import build
from relbuild.commands.session import Session
from relbuild.config import Config
from relbuild.endpoint import Endpoint
from relbuild.engine.docker import Engine
from relbuild.engine.files import ProjectTree
from relbuild.engine.runner import PLAIN, DryRunner, Handling, Outcome
from relbuild.errors import CommandFailed
from relbuild.image.plan.plan import make_plan
from relbuild.mix.project import read_project
from relbuild.progress import Display

MIX_EXS = """defmodule A.MixProject do
  use Mix.Project
  def project, do: [app: :a, version: "1.0.0"]
end
"""
EXPORT = {"digest": "e", "name": "exporting to image", "started": "2026-01-02T03:04:05Z"}
COMPILED = {**EXPORT, "digest": "c", "name": "[build 1/1] RUN x", "completed": "2026-01-02T03:04:05Z"}
EXPORTED = {**EXPORT, "completed": "2026-01-02T03:04:06Z"}
FAILED = {**EXPORTED, "error": "no space left on device"}


class Client(DryRunner):
    """A buildx that says these things about its steps, and ends with this exit code."""

    def __init__(self, said: list[str], *vertices: Mapping[str, str], ends: int = 0) -> None:
        super().__init__()
        self._said, self._vertices, self._ends = said, vertices, ends

    def lines(
        self,
        argv: tuple[str, ...],
        each: Callable[[str], None],
        *,
        env: Mapping[str, str] | None = None,
    ) -> Outcome:
        for vertex in self._vertices:
            each(json.dumps({"vertexes": [vertex]}))
            self._said.append(vertex["name"])
        self._said.append("ended")
        return Outcome(self._ends)


@pytest.mark.parametrize(
    ("vertices", "said"),
    [
        ((COMPILED, EXPORT, EXPORTED), ["[build 1/1] RUN x", "exporting to image", "has it", "exporting to image"]),
        ((EXPORTED, EXPORTED), ["has it", "exporting to image", "exporting to image"]),
        ((COMPILED, EXPORT, FAILED), ["[build 1/1] RUN x", "exporting to image", "exporting to image"]),
        ((COMPILED,), ["[build 1/1] RUN x"]),
    ],
)
def test_that_the_engine_has_the_image_is_said_once_and_before_the_end(
    vertices: tuple[Mapping[str, str], ...], said: list[str], tmp_path: Path
) -> None:
    told: list[str] = []
    session = Session(
        Path(), None, Endpoint(), Client(told, *vertices), Engine, warn=print, note=print, progress=Display
    )
    (tmp_path / "mix.exs").write_text(MIX_EXS)
    project = read_project(ProjectTree(tmp_path))
    build.run(session, ("docker",), tmp_path / "Dockerfile", (), project, lambda: told.append("has it"))
    assert told == [*said, "ended"]


@pytest.mark.parametrize(
    ("vertices", "removed"), [((COMPILED, EXPORTED), True), ((COMPILED, EXPORT, FAILED), False), ((COMPILED,), False)]
)
def test_an_image_that_was_there_before_its_build_failed_is_taken_away(
    vertices: tuple[Mapping[str, str], ...], removed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    commands: list[tuple[str, ...]] = []

    class Failing(Client):
        def captured(
            self, argv: tuple[str, ...], *, env: Mapping[str, str] | None = None, handling: Handling = PLAIN
        ) -> Outcome:
            commands.append(argv)
            return Outcome(0)

    session = Session(
        tmp_path, None, Endpoint(), Failing([], *vertices, ends=1), Engine, warn=print, note=print, progress=Display
    )
    (tmp_path / "mix.exs").write_text(MIX_EXS)
    tree = ProjectTree(tmp_path)
    plan = make_plan(read_project(tree), Config(), tree)
    with pytest.raises(CommandFailed):
        build.build(session, build.Request(plan))
    assert [argv[:3] for argv in commands] == [("docker", "image", "rm")] * removed
