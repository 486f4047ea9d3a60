"""Runs a script of the build by a plain sh, with the paths that it has in a build stage below a directory."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from relbuild import templates

SCRIPTS = templates.DIRECTORY / "scripts"
PLACES = re.compile(r"(?<![\w$}.])/(cache|layers|manifests\.sha256|release|scripts|src|tmp)\b")


def run(
    name: str, root: Path, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script, and those that it calls, and return what it printed; raise when it fails."""
    directory = root / "scripts"
    directory.mkdir(exist_ok=True)
    (root / "tmp").mkdir(exist_ok=True)
    for script in SCRIPTS.iterdir():
        (directory / script.name).write_text(PLACES.sub(rf"{root}/\1", script.read_text()))
    return subprocess.run(
        ("sh", str(directory / name), *arguments),
        cwd=cwd,
        env={**os.environ, **(env or {})},
        check=True,
        capture_output=True,
        text=True,
    )
