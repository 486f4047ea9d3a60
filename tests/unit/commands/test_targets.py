"""A target's name as a place: for ps, logs, run, migrate, and every verb of the release."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from relbuild.commands import oneoff, places
from relbuild.commands.logs import Lines, logs
from relbuild.commands.ps import ps
from relbuild.commands.run import Boot, run
from relbuild.commands.session import Session
from relbuild.commands.variables import Environment
from relbuild.deploy import compose
from relbuild.endpoint import DEFAULT
from relbuild.engine.facts import ImageFacts, Listed
from relbuild.engine.runner import DryRunner
from relbuild.errors import UsageError
from relbuild.image import labels
from relbuild.release.place import Place

CONFIG = """
release: shop
targets:
  production: {engine: host}
  swarm: {engine: swarm}
  cluster: {engine: kubernetes, context: prod, namespace: web}
"""
MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0"]
end
"""


def container(name: str, role: str, revision: int, state: str = "running") -> dict[str, Any]:
    given = {
        "io.relbuild.deployment": "shop",
        compose.ROLE_LABEL: role,
        compose.REVISION_LABEL: str(revision),
        labels.RELEASE: "shop",
        "org.opencontainers.image.version": "1.0.0",
        "com.docker.compose.project": f"shop-{revision}",
    }
    return {
        "Id": f"id-{name}",
        "Name": f"/{name}",
        "Image": "sha256:1",
        "State": {"Status": state},
        "Config": {"Labels": given, "Image": "shop:1.0", "Env": ["A=1"]},
        "HostConfig": {"NetworkMode": "shop"},
        "NetworkSettings": {"Networks": {"shop": {}}},
    }


class FakeEngine:
    """An engine with these containers."""

    def __init__(self, *containers: dict[str, Any]) -> None:
        self._containers = {each["Name"][1:]: each for each in containers}

    def containers(self, *_labels: str, stopped: bool = False) -> tuple[Listed, ...]:
        return tuple(
            Listed(each["Id"], name, "shop:1.0", "running", "Up", 0, {}, ()) for name, each in self._containers.items()
        )

    def inspected(self, kind: str, name: str) -> Any:
        named = {**self._containers, **{each["Id"]: each for each in self._containers.values()}}
        if kind == "image":
            return {"Id": "sha256:1", "Config": {}}
        return named.get(name)

    def image(self, name: str) -> ImageFacts:
        return ImageFacts("sha256:1", (name,), (), {labels.RELEASE: "shop", labels.BUILT_BY: "1"}, 0)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "relbuild.yml").write_text(CONFIG)
    (tmp_path / "mix.exs").write_text(MIX)
    return tmp_path


def session_of(project: Path, engine: FakeEngine) -> tuple[Session, DryRunner]:
    runner, nothing = DryRunner(), None
    found: Any = engine
    display: Any = nothing
    return Session(project, None, DEFAULT, runner, lambda _: found, print, print, display, dry_run=True), runner


WEB, WORKER = container("shop-7-web-1", "web", 7), container("shop-7-worker-1", "worker", 7)
OLD = container("shop-6-web-1", "web", 6)


def test_a_verb_runs_in_a_serving_copy_of_the_newest_revision(project: Path) -> None:
    session, _ = session_of(project, FakeEngine(WORKER, OLD, WEB))
    _, place = places.place_of_target(session, "production")
    assert place == Place("container", "shop-7-web-1")


def test_a_cluster_is_a_deployment(project: Path) -> None:
    session, _ = session_of(project, FakeEngine())
    _, place = places.place_of_target(session, "cluster")
    assert shlex.join(place.logs(())) == "kubectl --context prod --namespace web logs deployment/shop"


def test_ps_lists_the_copies(project: Path) -> None:
    session, _ = session_of(project, FakeEngine(WORKER, OLD, WEB))
    listed = ps(session, "production", stopped=False).containers
    assert [(each.name, each.id, each.version, each.state) for each in listed] == [
        ("shop-7-worker-1", "id-shop-7-worker-1", "1.0.0", "running"),
        ("shop-7-web-1", "id-shop-7-web-1", "1.0.0", "running"),
    ]


def test_logs_are_those_of_all_copies(project: Path) -> None:
    session, runner = session_of(project, FakeEngine(WORKER, WEB))
    logs(session, "production", Lines(follow=True, tail=5))
    assert runner.commands == ["docker compose --project-name shop-7 logs --follow --tail 5"]


def test_run_starts_a_container_beside_the_copies(project: Path) -> None:
    session, runner = session_of(project, FakeEngine(WEB))
    run(session, None, "production", Environment({"B": "2"}), Boot(name="try"))
    assert runner.commands == [
        "docker run --rm --interactive --name try --init --stop-timeout 30 --read-only --tmpfs /tmp"
        " --label io.relbuild.container=shop --env A --env B --network shop --volumes-from id-shop-7-web-1 shop:1.0"
    ]


@pytest.mark.parametrize("on", ["swarm", "cluster", "container:web"])
def test_run_needs_a_host(project: Path, on: str) -> None:
    session, _ = session_of(project, FakeEngine())
    with pytest.raises(UsageError) as raised:
        run(session, None, on, Environment(), Boot())
    assert raised.value.problems[0].hint


def test_an_unknown_target_is_reported_with_the_nearest(project: Path) -> None:
    session, _ = session_of(project, FakeEngine())
    with pytest.raises(UsageError) as raised:
        places.find(session, "prodution", "rpc", Environment())
    assert str(raised.value.problems[0].hint).startswith("did you mean production? those there are: production, swarm")


def test_a_migration_at_a_target_has_its_lock(project: Path) -> None:
    session, _ = session_of(project, FakeEngine(WEB))
    context = oneoff.target_context(session, "production")
    assert context.opened is not None
    assert (context.target, context.opened.key, context.image) == ("container shop-7-web-1", "production", "shop:1.0")
