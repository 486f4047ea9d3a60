"""What doctor finds in the engine, from what the engine and buildx say."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands import machine
from relbuild.commands.machine import GIB, Builder
from relbuild.endpoint import DEFAULT
from relbuild.engine.facts import EngineFacts
from relbuild.engine.runner import Outcome, missing
from relbuild.errors import EngineError
from relbuild.image.findings import Finding

NOW = 1_800_000_000.0
GOOD = EngineFacts("web1", "28.0.1", "amd64", True, 8, 16 * GIB, NOW, "/var/lib/docker")
# docker buildx inspect, of buildx 0.13.
INSPECTED = """Name:          default
Driver:        docker
Last Activity: 2026-11-23 20:48:35 +0000 UTC

Nodes:
Name:             default
Endpoint:         default
Status:           running
BuildKit version: v0.17.3
Platforms:        linux/amd64, linux/amd64/v2, linux/arm64
Labels:
 org.mobyproject.buildkit.worker.snapshotter:          overlayfs
"""
SEVERAL = """Name:   remote
Driver: docker-container
Nodes:
Name:      remote0
Platforms: linux/amd64*, linux/386
"""


def statuses(found: Any) -> list[tuple[str, str]]:
    return [(each.check, each.status) for each in found]


def test_an_engine_that_is_well() -> None:
    assert list(machine.engine(GOOD, "the default Docker context", NOW + 2)) == [
        Finding("engine", "ok", "Docker Engine 28.0.1 at the default Docker context: linux/amd64, 8 CPUs, 16.0 GiB"),
        Finding("store", "ok", "containerd's image store"),
    ]


@pytest.mark.parametrize(
    ("facts", "check", "status", "said"),
    [
        (replace(GOOD, memory=GIB), "memory", "warning", "the engine has 1.0 GiB"),
        (replace(GOOD, containerd=False), "store", "note", "Docker's older image store"),
        (replace(GOOD, time=NOW + 90), "clock", "warning", "the engine's clock is 90 s ahead of this machine's"),
        (replace(GOOD, time=NOW - 11), "clock", "warning", "the engine's clock is 11 s behind this machine's"),
    ],
)
def test_an_engine_that_is_not(facts: EngineFacts, check: str, status: str, said: str) -> None:
    [found] = [each for each in machine.engine(facts, "here", NOW) if each.check == check]
    assert (found.status, found.message.startswith(said), bool(found.hint)) == (status, True, True)


@pytest.mark.parametrize(("free", "status"), [(5 * GIB, "ok"), (5 * GIB - 1, "warning"), (GIB - 1, "failed")])
def test_room_on_the_disk(free: int, status: str) -> None:
    found = machine.disk("/var/lib/docker", free)
    assert (found.status, bool(found.hint)) == (status, status != "ok")


def test_what_buildx_says_of_its_builder() -> None:
    assert Builder.of(INSPECTED) == Builder("default", "docker", ("linux/amd64", "linux/amd64/v2", "linux/arm64"))
    assert Builder.of(SEVERAL) == Builder("remote", "docker-container", ("linux/amd64", "linux/386"))
    assert Builder.of("") == Builder("", "", ())


def test_another_builder_than_the_engine_s_and_a_platform_that_it_cannot_run() -> None:
    own = Builder.of(INSPECTED)
    assert statuses(machine.builder(own, ("linux/amd64", "linux/arm64"))) == [("builder", "ok")]
    assert statuses(machine.builder(Builder.of(SEVERAL), ())) == [("builder", "note")]
    _, missing = machine.builder(own, ("linux/s390x",))
    assert missing.status == "failed"
    assert missing.hint is not None
    assert "--install s390x" in missing.hint


def test_proxies_that_builds_do_not_get() -> None:
    both = ("HTTP_PROXY", "HTTPS_PROXY")
    assert list(machine.proxies(both, both)) == []
    [found] = machine.proxies(both, ("HTTP_PROXY",))
    assert found.message == "HTTPS_PROXY is set here, and builds and containers don't get it"
    assert found.hint is not None
    assert '{"proxies": {"default": {"httpsProxy": …}}}' in found.hint


def test_the_proxies_that_are_set_here_and_in_docker_s_configuration(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in machine.PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("NO_PROXY", "localhost")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert machine._proxies_here() == ("HTTPS_PROXY", "NO_PROXY")
    assert machine._proxies_of_builds() == ()
    (tmp_path / "config.json").write_text('{"proxies": {"default": {"httpsProxy": "http://proxy:3128"}}}')
    assert machine._proxies_of_builds() == ("HTTPS_PROXY",)
    (tmp_path / "config.json").write_text("{")
    session: Any = SimpleNamespace(
        engine=SimpleNamespace(require_builds=lambda: None, about=lambda: GOOD),
        endpoint=DEFAULT,
        runner=Client(Outcome(1)),
    )
    broken = [each for each in machine.find(session) if each.check == "docker"]
    assert [each.status for each in broken] == ["warning"]
    assert broken[0].message.startswith(f"{tmp_path}/config.json:1:1: can't read docker's configuration: ")


class Client:
    """A docker client: what each of its calls gives."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)

    def captured(self, argv: tuple[str, ...]) -> Outcome:
        return self.outcomes.pop(0)


def found_by(*outcomes: Outcome, engine: Any = None) -> list[tuple[str, str]]:
    answers = SimpleNamespace(require_builds=lambda: None, about=lambda: GOOD)
    session: Any = SimpleNamespace(engine=engine or answers, endpoint=DEFAULT, runner=Client(*outcomes))
    return [each for each in statuses(machine.find(session)) if each[0] not in ("clock", "proxy")]


def test_the_client() -> None:
    version = Outcome(0, "github.com/docker/buildx v0.19.2 1fc5647\n")
    well = [("engine", "ok"), ("store", "ok")]
    assert found_by(version, Outcome(0, INSPECTED)) == [*well, ("buildx", "ok"), ("builder", "ok")]
    assert found_by(Outcome(1)) == [*well, ("buildx", "failed")]
    for old in ("v0.12.1 30feaa1", "0.9.0+ds1 1"):
        assert found_by(Outcome(0, f"github.com/docker/buildx {old}\n")) == [*well, ("buildx", "failed")]
    assert found_by(version, Outcome(1)) == [*well, ("buildx", "ok"), ("builder", "failed")]


def test_no_client() -> None:
    class Missing:
        def captured(self, argv: tuple[str, ...]) -> Outcome:
            raise missing(argv[0])

    answers = SimpleNamespace(require_builds=lambda: None, about=lambda: GOOD)
    session: Any = SimpleNamespace(engine=answers, endpoint=DEFAULT, runner=Missing())
    [found] = [each for each in machine.find(session) if each.check == "docker"]
    assert (found.status, found.message) == ("failed", "docker isn't on the PATH")


def test_no_engine() -> None:
    def refuse() -> None:
        raise EngineError("no Docker Engine answers", hint="start it")

    assert found_by(engine=SimpleNamespace(require_builds=refuse)) == [("engine", "failed")]
