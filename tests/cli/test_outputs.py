"""Files that a verb writes where it is told to: none in a dry run, and told before the work when it can't be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0"]
end
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "mix.exs").write_text(MIX)
    return root


def relbuild(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cwd.parent / "cache")}
    argv = (sys.executable, "-m", "relbuild", *argv)
    return subprocess.run(argv, cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("env", "-o", ".env.example"), "would write .env.example\n"),
        (("dockerfile", "--write"), "would write Dockerfile\nwould write .dockerignore\n"),
        (("init", "--yes"), "+++ b/relbuild.yml"),
        (("image", "--sbom", "bill.json"), "docker buildx build "),
    ],
)
def test_a_dry_run_writes_nothing(project: Path, argv: tuple[str, ...], said: str) -> None:
    ran = relbuild(*argv, "--dry-run", cwd=project)
    assert (ran.returncode, said in ran.stdout, [path.name for path in project.iterdir()]) == (0, True, ["mix.exs"])


WRITING = [("inspect", "--html"), ("sbom", "--output"), ("env", "--output"), ("image", "--sbom")]


@pytest.mark.parametrize(("verb", "option"), WRITING)
def test_an_output_without_a_name(project: Path, verb: str, option: str) -> None:
    """As of a shell's variable that isn't set."""
    ran = relbuild(verb, option, "", cwd=project)
    assert (ran.returncode, ran.stderr) == (2, f"error: {option} is empty\n  name a file, or leave {option} out\n")


@pytest.mark.parametrize(
    ("argv", "option"),
    [
        (("env", "--check"), "--check"),
        (("run", "shop:1", "--env-file"), "--env-file"),
        (("eval", "1", "--on", "image:shop:1", "--env-file"), "--env-file"),
        (("rpc", "--on", "container:shop", "--file"), "--file"),
    ],
)
def test_an_input_without_a_name(project: Path, argv: tuple[str, ...], option: str) -> None:
    ran = relbuild(*argv, "", "--host", "unix:///nowhere/docker.sock", cwd=project)
    assert (ran.returncode, ran.stderr) == (2, f"error: {option} is empty\n  name a file, or leave {option} out\n")


@pytest.mark.parametrize(
    ("file", "reason"),
    [("nowhere/x", "no such file or directory"), ("mix.exs/x", "not a directory"), (".", "is a directory")],
)
@pytest.mark.parametrize(("verb", "option"), WRITING)
def test_an_output_that_can_not_be_written_is_told_at_once(
    project: Path, verb: str, option: str, file: str, reason: str
) -> None:
    ran = relbuild(verb, "--host", "unix:///nowhere/docker.sock", option, file, cwd=project)
    assert (ran.returncode, ran.stderr) == (
        1,
        f"error: can't write {file}: {reason}\n  name a file in a directory that is there and can be written to\n",
    )


def test_a_stream_that_takes_other_characters(project: Path) -> None:
    (project / "config").mkdir()
    (project / "config" / "runtime.exs").write_text('import Config\nconfig :shop, a: System.get_env("A", "…")\n')
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1", "XDG_CACHE_HOME": str(project.parent / "cache")}
    argv = (sys.executable, "-m", "relbuild", "env")
    ran = subprocess.run(argv, cwd=project, env=environment, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "optional\n  A  config/runtime.exs:2  \\u2026\n", "")
