"""The scripts of the build: each has one purpose, which fits on a screen, and shellcheck finds nothing in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from relbuild import templates
from relbuild.image.dockerfile.render import SIGNATURE, dockerfile_scripts

SCRIPTS = sorted((templates.DIRECTORY / "scripts").iterdir())
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
# The paths of sourced files are those of the build, and variables of theirs are used in the file that sources them.
NOT_HERE = "SC1091,SC2034,SC2154"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script(script: Path) -> None:
    text = script.read_text()
    assert SIGNATURE in "".join(text.splitlines(keepends=True)[:6])
    assert len(text.splitlines()) <= 50
    assert max(map(len, text.splitlines())) <= 120
    if script.suffix == ".sh":
        found = subprocess.run(
            (SHELLCHECK, "--shell", "sh", "--exclude", NOT_HERE, script), capture_output=True, text=True
        )
        assert found.stdout + found.stderr == ""


def test_scripts_that_a_script_calls_come_with_it() -> None:
    assert set(dockerfile_scripts("RUN . /scripts/collect-rootfs.sh && sh /scripts/finish-release.sh a")) == {
        "collect-rootfs.sh",
        "cookie.sh",
        "finish-release.sh",
        "node.sh",
        "rootfs-needs.sh",
        "rootfs-paths.sh",
        "secrets.sh",
    }


def test_every_script_is_called(pytestconfig: pytest.Config) -> None:
    golden = pytestconfig.rootpath / "tests" / "golden"
    called = {name for path in golden.glob("*/Dockerfile") for name in dockerfile_scripts(path.read_text())}
    # runner.packages on a minimal base is in no golden project.
    assert called | {"install-asked.sh"} == {script.name for script in SCRIPTS}
