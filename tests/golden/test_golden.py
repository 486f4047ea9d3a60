"""Every project of this folder gives the plan, Dockerfile and .dockerignore that lie beside it."""

from __future__ import annotations

import difflib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECTS = sorted(path.parent for path in HERE.glob("*/project"))
DISTILLED = [path for path in PROJECTS if (path / "project" / "rel" / "config.exs").exists()]
HADOLINT = Path(sys.executable).parent / "hadolint"
CONFIG = HERE.parents[1] / ".hadolint.yaml"


def relbuild(project: Path, *arguments: str) -> str:
    ran = subprocess.run(
        (sys.executable, "-m", "relbuild", *arguments), cwd=project / "project", capture_output=True, text=True
    )
    return ran.stdout if ran.returncode == 0 else f"exit {ran.returncode}\n{ran.stderr}"


def test_there_are_projects() -> None:
    assert PROJECTS


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
@pytest.mark.parametrize(("verb", "file"), [("plan", "plan.txt"), ("dockerfile", "Dockerfile")])
def test_golden(project: Path, verb: str, file: str, pytestconfig: pytest.Config) -> None:
    actual = relbuild(project, verb)
    golden = project / file
    if pytestconfig.getoption("--recapture"):
        golden.write_text(actual)
    expected = golden.read_text()
    difference = "\n".join(
        difflib.unified_diff(expected.splitlines(), actual.splitlines(), str(golden), "now", lineterm="")
    )
    assert actual == expected, f"{difference}\nmake golden recaptures it, when this is what is wanted"


@pytest.mark.parametrize("project", DISTILLED, ids=lambda path: path.name)
def test_conversions(project: Path, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """What is told and the difference are golden; with it the project is planned, and nothing of Distillery is left."""
    call = (sys.executable, "-m", "relbuild", "convert")
    shutil.copytree(project / "project", tmp_path, dirs_exist_ok=True)
    converted = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True)
    actual = converted.stderr + converted.stdout
    golden = project / "convert.txt"
    if pytestconfig.getoption("--recapture"):
        golden.write_text(actual)
    assert actual == golden.read_text()
    subprocess.run(("git", "apply"), input=converted.stdout, text=True, cwd=tmp_path, check=True)
    planned = subprocess.run((*call[:3], "plan"), cwd=tmp_path, capture_output=True, text=True)
    assert (planned.returncode, "istillery" in planned.stdout + planned.stderr) == (0, False), planned.stderr


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_hadolint_finds_nothing(project: Path) -> None:
    dockerfile = project / "Dockerfile"
    if dockerfile.read_text().startswith("exit "):
        return
    found = subprocess.run((HADOLINT, "--config", CONFIG, "--no-color", dockerfile), capture_output=True, text=True)
    assert found.stdout + found.stderr == ""
