"""What relbuild plan says, and where it has it from."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from relbuild.commands import explanation
from relbuild.commands.plan import Planned
from relbuild.config import Config, parse
from relbuild.errors import ProjectError
from relbuild.image.plan.plan import Plan, make_plan
from relbuild.image.plan.tags import image_tags
from relbuild.init.change import Overlay
from relbuild.mix import project
from relbuild.output import laid_out

MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0", elixir: "~> 1.18", releases: [RELEASES]]
end
"""


class Nothing:
    """An empty directory."""

    def read(self, path: str) -> bytes | None:
        return None

    def list(self, directory: str) -> tuple[str, ...]:
        return ()


def plan(files: Mapping[str, str], config: str = "", release: str | None = None) -> Plan:
    tree = Overlay(Nothing(), files)
    return make_plan(project.read_project(tree), parse(config.encode()) if config else Config(), tree, release)


def explained(made: Plan) -> list[str]:
    """Return the lines of a plan as relbuild plan prints them."""
    return laid_out(tuple(explanation.blocks(made)), None).splitlines()


def said(row: str, files: Mapping[str, str], config: str = "", release: str | None = None) -> str:
    """Return what is said in that row."""
    made = plan(files, config, release)
    [line] = [line for line in explained(made) if line.startswith(f"{row} ")]
    return line.removeprefix(row).lstrip()


@pytest.mark.parametrize(
    ("config", "release", "default", "expected"),
    [
        ("", "web", "", "web  (mix.exs:3; --release chooses it, not wrk)"),
        ("release: wrk\n", "web", "", "web  (mix.exs:3; --release chooses it, not wrk)"),
        ("release: web\n", None, "", "web  (mix.exs:3; relbuild.yml:1 chooses it, not wrk)"),
        ("", None, "default_release: :wrk, ", "wrk  (mix.exs:3; mix.exs:3 chooses it, not web)"),
        ("", "wrk", "default_release: :wrk, ", "wrk  (mix.exs:3; --release chooses it, not web)"),
        ("release: web\n", None, "default_release: :wrk, ", "web  (mix.exs:3; relbuild.yml:1 chooses it, not wrk)"),
    ],
)
def test_the_release_names_who_chose_it(config: str, release: str | None, default: str, expected: str) -> None:
    mix = MIX.replace("RELEASES", "web: [], wrk: []").replace("releases:", f"{default}releases:")
    assert said("release", {"mix.exs": mix}, config, release) == expected


def test_a_version_that_cant_be_a_tag_is_told_before_it_is_refused() -> None:
    files = {"mix.exs": MIX.replace("RELEASES", "").replace("1.0.0", "1.0.0+abc")}
    assert said("image", files) == "shop  (named as the release)"
    why = "version '1.0.0+abc' can't be an image's tag: a tag is letters, digits, '_', '.' and '-'"
    note = f"mix.exs:3: {why}; name one: relbuild image -t shop:1.0.0-abc"
    made = plan(files)
    assert explained(made)[-2:] == ["notes", f"  {note}"]
    assert Planned(made).data()["notes"] == [note]
    with pytest.raises(ProjectError, match=re.escape(why)):
        image_tags(made, ())
    assert image_tags(made, (":1",)) == ("shop:1",)
