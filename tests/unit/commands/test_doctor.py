"""What doctor finds in a project, and what it ends with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands import doctor, machine
from relbuild.commands.doctor import Diagnosis
from relbuild.commands.session import Session
from relbuild.endpoint import DEFAULT
from relbuild.engine.facts import Manifest
from relbuild.errors import CommandFailed, PassingFault
from relbuild.image.findings import Finding

MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0", elixir: "~> 1.18"]
end
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setattr(machine, "find", lambda session, platforms: iter(()))
    root = tmp_path / "shop"
    root.mkdir()
    (root / "mix.exs").write_text(MIX)
    return root


@pytest.fixture
def diagnosed(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Diagnosis]:
    """Return a function that looks at the project, where the engine has every image and where it has none.

    ``manifest`` is what the registry answers then, or raises.
    """

    def look(*, images: str | None = "amd64", manifest: object = None) -> Diagnosis:
        def answer(_image: object) -> object:
            if isinstance(manifest, Exception):
                raise manifest
            return manifest

        facts = SimpleNamespace(architecture=images) if images else None
        engine: Any = SimpleNamespace(image=lambda name: facts, architecture=lambda: "amd64", manifest=answer)
        nothing: Any = None
        session = Session(project, None, DEFAULT, nothing, lambda _: engine, print, print, nothing)
        return doctor.doctor(session, None)

    return look


def said(diagnosis: Diagnosis, check: str) -> list[tuple[str, str]]:
    return [(each.status, each.message) for each in diagnosis.findings if each.check == check]


@pytest.mark.parametrize(
    ("failed", "code"),
    [
        ((), 0),
        (("images",), 1),
        (("secrets", "images"), 2),
        (("project", "secrets"), 3),
        (("project", "engine"), 4),
        (("buildx",), 4),
    ],
)
def test_it_ends_with_what_an_image_would(failed: tuple[str, ...], code: int) -> None:
    well = Finding("store", "warning", "not a failure")
    assert Diagnosis((well, *(Finding(check, "failed", "no") for check in failed))).exit_code == code


def test_a_project_that_is_well(diagnosed: Callable[..., Diagnosis]) -> None:
    found = diagnosed()
    assert found.exit_code == 0
    assert said(found, "project")[0][0] == "ok"
    assert said(found, "project")[0][1].startswith("shop 1.0.0, Elixir 1.")
    assert [status for status, _ in said(found, "images")] == ["ok", "ok"]
    assert said(found, "lock") == [("note", "the base images' tags are not pinned and may change")]


def test_no_project(diagnosed: Callable[..., Diagnosis], project: Path) -> None:
    (project / "mix.exs").unlink()
    found = diagnosed()
    assert (found.exit_code, said(found, "project")) == (
        0,
        [("note", "there is no mix.exs here: the engine alone is looked at")],
    )


def test_a_project_at_fault_has_its_place(diagnosed: Callable[..., Diagnosis], project: Path) -> None:
    (project / "relbuild.yml").write_text("elixr: 1.18\nrunner: {base: slimm}\n")
    found = diagnosed()
    assert found.exit_code == 3
    assert [message.partition(": ")[0] for _, message in said(found, "project")] == [
        "relbuild.yml:1:1",
        "relbuild.yml:2:16",
    ]


def test_what_git_has(diagnosed: Callable[..., Diagnosis], project: Path) -> None:
    (project / "mix.lock").write_text("%{}\n")
    secret = "PORT=4000\nSECRET_KEY_BASE=k3jF8sLq0pZx7vBn2mWd\n"
    (project / ".env").write_text(secret)
    (project / "config").mkdir()
    for name in (".env.local", ".env.example", ".env.test", ".env.prod.default", "environment"):
        (project / "config" / name).write_text(secret)
    (project / ".envrc").write_text("export SECRET_KEY_BASE=op://vault/shop/key\n")
    assert said(diagnosed(), "git") == []  # no repository
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    for argv in (("init", "--quiet"), ("add", "mix.exs", ".env", ".envrc", "config")):
        subprocess.run(("git", *argv), cwd=project, check=True, env=environment)
    (project / "mix.exs").write_text("not Elixir (")
    assert said(diagnosed(), "git") == [
        ("warning", "mix.lock isn't in git: another machine builds with other versions of the dependencies"),
        (
            "warning",
            "git tracks .env, which looks like it holds secrets: SECRET_KEY_BASE (.env:2), a secret's value",
        ),
        (
            "warning",
            "git tracks config/.env.local, which looks like it holds secrets: SECRET_KEY_BASE (config/.env.local:2), "
            "a secret's value",
        ),
    ]


def test_a_dockerfile(diagnosed: Callable[..., Diagnosis], project: Path) -> None:
    file = project / "Dockerfile"
    file.write_text("FROM scratch\n")
    assert [status for status, _ in said(diagnosed(), "dockerfile")] == ["note"]
    environment = {**os.environ, "XDG_CACHE_HOME": str(project.parent / "cache")}
    argv = (sys.executable, "-m", "relbuild", "dockerfile", "--write", "--force")
    subprocess.run(argv, cwd=project, check=True, env=environment, capture_output=True)
    assert said(diagnosed(), "dockerfile") == []
    file.write_text(file.read_text() + "# changed\n")
    assert said(diagnosed(), "dockerfile") == [("warning", "the written Dockerfile has gone stale")]


def test_files_that_are_directories(diagnosed: Callable[..., Diagnosis], project: Path) -> None:
    (project / "Dockerfile").mkdir()
    assert [status for status, _ in said(diagnosed(), "dockerfile")] == ["failed"]
    (project / "mix.exs").unlink()
    (project / "mix.exs").mkdir()
    assert diagnosed().exit_code == 3


@pytest.mark.parametrize(
    ("requirement", "locked", "warned"),
    [
        ("~> 2.0", "2.1.1", False),
        ("~> 2.0", "2.0.14", True),
        ("~> 1.5", "1.5.5", True),
        ("~> 2.1", None, False),
        ("~> 2.0", None, False),
        ("~> 2.0.0", None, True),
        ("~> 1.5", None, True),
    ],
)
def test_distillery(
    diagnosed: Callable[..., Diagnosis], project: Path, requirement: str, locked: str | None, warned: bool
) -> None:
    (project / "rel").mkdir()
    (project / "rel" / "config.exs").write_text("use Mix.Releases.Config\n")
    (project / "mix.exs").write_text(MIX.replace('"~> 1.18"', f'"~> 1.18", deps: [{{:distillery, "{requirement}"}}]'))
    if locked is not None:
        entry = f'{{:hex, :distillery, "{locked}", "{"a" * 64}", [:mix], [], "hexpm", "{"b" * 64}"}}'
        (project / "mix.lock").write_text(f'%{{\n  "distillery": {entry},\n}}\n')
    found = [each for each in diagnosed().findings if each.check == "distillery"]
    assert [(each.status, each.hint) for each in found] == [
        ("warning", "relbuild convert"),
        *([("warning", "relbuild convert removes it")] if warned else []),
    ]
    assert not any("Distillery" in message for _, message in said(diagnosed(), "project"))


def test_what_the_build_or_the_release_lacks(diagnosed: Callable[..., Diagnosis], project: Path) -> None:
    (project / "config").mkdir()
    (project / "config" / "runtime.exs").write_text('Code.require_file("helper.exs", __DIR__)\n')
    (project / "config" / "helper.exs").write_text("defmodule Helper do\nend\n")
    (project / "lib").mkdir()
    (project / "lib" / "a.ex").write_text("defmodule Shop.A do\n  def env, do: Mix.env()\nend\n")
    found = [each for each in diagnosed().findings if each.check == "project" and each.status in ("failed", "warning")]
    assert [(each.status, each.message, each.hint) for each in found] == [
        (
            "failed",
            "config/runtime.exs:1: Code.require_file of config/helper.exs fails at the start: the release has "
            "config/runtime.exs, and no file beside it",
            "move its content into this file, or into a module in lib/ if it is code",
        ),
        (
            "warning",
            "lib/a.ex:2: Shop.A.env/0 calls Mix.env, which raises UndefinedFunctionError in a release: it doesn't have "
            "Mix",
            "read it at compile time: @env Mix.env(); extra_applications: [:mix] in mix.exs adds Mix to the release",
        ),
    ]
    assert diagnosed().exit_code == 3


def test_secrets_and_a_login_that_are_not_there(
    diagnosed: Callable[..., Diagnosis], project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HEX_ACME_KEY", raising=False)
    settings = "image: registry.example.com/shop\nbuilder: {secrets: [HEX_ACME_KEY]}\n"
    (project / "relbuild.yml").write_text(settings)
    found = diagnosed()
    assert found.exit_code == 2
    [(status, message)] = said(found, "secrets")
    assert (status, "HEX_ACME_KEY" in message) == ("failed", True)
    [login] = [each for each in found.findings if each.check == "registry"]
    assert (login.status, login.hint) == ("warning", "docker login registry.example.com")
    monkeypatch.setenv("HEX_ACME_KEY", "x")
    configuration = project.parent / "docker" / "config.json"
    configuration.parent.mkdir()
    configuration.write_text('{"auths": {"registry.example.com": {"auth": "YTpi"}}}')
    well = diagnosed()
    assert (well.exit_code, [status for status, _ in said(well, "registry")]) == (0, ["ok"])


def test_the_engine_is_asked_for_images_while_it_answers(
    diagnosed: Callable[..., Diagnosis], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another fault of the machine doesn't keep the images from being looked up."""

    def machine_with(check: str) -> None:
        fault = Finding(check, "failed", "no")
        monkeypatch.setattr(machine, "find", lambda session, platforms: iter((fault,)))

    nobody = PassingFault("nobody answers")
    machine_with("platforms")
    found = diagnosed(images=None, manifest=nobody)
    assert (found.exit_code, len(said(found, "network"))) == (75, 2)
    machine_with("engine")
    found = diagnosed(images=None, manifest=nobody)
    assert (found.exit_code, said(found, "network"), said(found, "images")) == (4, [], [])


def test_an_image_of_another_platform(diagnosed: Callable[..., Diagnosis]) -> None:
    found = diagnosed(images="arm64")
    assert found.exit_code == 0
    [first, _] = [each for each in found.findings if each.check == "images"]
    assert first.status == "warning"
    assert " for linux/arm64, and is linux/amd64 itself" in first.message
    assert str(first.hint).startswith("docker pull --platform linux/amd64 ")


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (Manifest("sha256:0", ()), "ok", 0),
        (None, "failed", 1),
        (PassingFault("can't look up: no answer", hint="try again later"), "failed", 75),
        (CommandFailed("refuses: 403"), "failed", 1),
    ],
)
def test_images_that_the_engine_lacks(
    diagnosed: Callable[..., Diagnosis], answer: object, status: str, code: int
) -> None:
    found = diagnosed(images=None, manifest=answer)
    found_statuses = [each for check in ("images", "network") for each, _ in said(found, check)]
    assert (found_statuses, found.exit_code) == ([status, status], code)
