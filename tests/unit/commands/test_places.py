"""A project's newest image, and which of its containers a verb uses."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands import places
from relbuild.commands.release_image import newest_image
from relbuild.config import Config
from relbuild.engine.facts import ImageFacts, Listed, ListedImage
from relbuild.errors import CommandFailed
from relbuild.image.plan.plan import make_plan
from relbuild.mix.project import read_project
from tests.unit.image.plan.test_plan import DictTree

TREE = DictTree({"mix.exs": 'defmodule A do\n  use Mix.Project\n  def project, do: [app: :a, version: "2.0.0"]\nend\n'})
PLAN = make_plan(read_project(TREE), Config(), TREE)
NAMED = {"Id": "i", "Metadata": {"LastTagTime": "2026-02-03T04:05:06.789012345Z"}}
UNKNOWN = {"Id": "i", "Metadata": {"LastTagTime": "0001-01-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("tagged", "newest"),
    [
        # A clean build has its commit's time, which is before that of an earlier build.
        ({"a:1.0.0": 100.0, "a:2.0.0": 200.0}, "a:2.0.0"),
        ({"a:1.0.0": 300.0, "a:2.0.0": 200.0}, "a:1.0.0"),
        ({"a:1.0.0": 200.0, "a:2.0.0": 200.0}, "a:2.0.0"),
        ({"a:1.0.0": 0.0, "a:2.0.0": 0.0}, "a:1.0.0"),
        ({"a:1.0.0": 0.0}, "a:1.0.0"),
    ],
)
def test_the_newest_image_is_the_one_named_last(tagged: dict[str, float], newest: str) -> None:
    facts = {
        name: replace(ImageFacts.of({"Id": name}), tags=(name,), tagged=seconds) for name, seconds in tagged.items()
    }
    created = {"a:1.0.0": 90, "a:2.0.0": 10}
    engine = SimpleNamespace(
        images=lambda repository: tuple(ListedImage(name, (name,), created[name], {}) for name in tagged),
        image=lambda name: facts[name],
    )
    session: Any = SimpleNamespace(plan=lambda: PLAN, engine=engine, endpoint="here")
    assert newest_image(session) == newest


def test_when_an_image_was_named() -> None:
    assert [ImageFacts.of(each).tagged for each in (NAMED, UNKNOWN, {"Id": "i"})] == [1770091506.789012, 0.0, 0.0]


def listed(name: str, state: str) -> Listed:
    return Listed.of(
        {"Id": name, "Names": [f"/{name}"], "Image": "a:2.0.0", "State": state, "Status": "Exited (1) a minute ago"}
    )


def having(*listed: Listed) -> Any:
    """Return a session whose engine has these containers, the newest first."""

    def containers(*labels: str, stopped: bool = False) -> tuple[Listed, ...]:
        return tuple(each for each in listed if stopped or each.state == "running")

    return SimpleNamespace(plan=lambda: PLAN, engine=SimpleNamespace(containers=containers), endpoint="here")


def test_the_log_is_that_of_the_running_container_or_of_the_newest_that_ended() -> None:
    old, new, up = listed("old", "exited"), listed("new", "exited"), listed("up", "running")
    assert places.logged_container(having(new, old)) == "new"
    assert places.logged_container(having(new, up, old)) == "up"
    with pytest.raises(CommandFailed, match="several containers"):
        places.logged_container(having(up, listed("other", "running")))
    with pytest.raises(CommandFailed, match="no container of the image a is running"):
        places.logged_container(having())


def test_a_container_that_has_ended_is_named_with_its_logs() -> None:
    session = having(listed("web", "exited"))
    with pytest.raises(CommandFailed) as caught:
        places.only_container(session)
    hint = caught.value.problems[0].hint
    assert hint is not None
    assert hint.endswith("; web has ended (Exited (1) a minute ago): relbuild logs shows why")
