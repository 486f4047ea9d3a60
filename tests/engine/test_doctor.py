"""doctor with a real engine, client and builder; in test_own_engine.py with Docker's older image store."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

SHOP = Path(__file__).parents[2] / "examples" / "shop"

# conftest.py's Ran; its module can't be imported by name.
Ran = Any


def test_a_project_that_can_be_built(relbuild: Callable[..., Ran], tmp_path: Path) -> None:
    ran = relbuild("doctor", "-C", str(SHOP), "--json")
    assert ran.exit_code == 0, ran.stdout
    found = {each["check"]: each for each in json.loads(ran.stdout)["data"]["findings"]}
    assert {name: each["status"] for name, each in found.items() if name in ("engine", "buildx", "builder")} == {
        "engine": "ok",
        "buildx": "ok",
        "builder": "ok",
    }
    assert found["engine"]["message"].startswith("Docker Engine ")
    assert found["buildx"]["message"][7].isdigit()
    assert "linux/amd64" in found["builder"]["message"]
    assert found["images"]["message"] == "debian:trixie-slim, as the engine has it"
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_platform_whose_programs_the_builder_can_not_run(relbuild: Callable[..., Ran], tmp_path: Path) -> None:
    """Of a project with machine code all is built on each platform."""
    project = Path(shutil.copytree(Path(__file__).parent / "projects" / "echo", tmp_path / "echo"))
    (project / "relbuild.yml").write_text(
        "toolchain: debian\ndebian: trixie\nplatforms: [linux/amd64, linux/s390x]\nbuilder: {emulate: true}\n"
    )
    ran = relbuild("doctor", cwd=project)
    assert ran.exit_code == 1, ran.stderr
    assert "failed  platforms  programs for linux/s390x don't run on the builder, and the build runs them" in ran.stdout


def test_no_engine(relbuild: Callable[..., Ran]) -> None:
    ran = relbuild("doctor", "-C", str(SHOP), "--host", "unix:///nowhere.sock")
    assert (ran.exit_code, ran.stderr) == (4, "")
    first, mending, *others = ran.stdout.splitlines()
    assert first.startswith("failed  engine ")
    assert "unix:///nowhere.sock: no such file or directory" in first
    assert mending.strip().endswith("or name another engine with --host or --context")
    assert any(re.match(r"ok +project +shop 0\.1\.0, Elixir 1\.18", line) for line in others)
