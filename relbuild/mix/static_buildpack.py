"""The settings of the buildpack for Phoenix's static files: a bash script, which is read and never run."""

from __future__ import annotations

import posixpath
import re

from relbuild import facts
from relbuild.errors import Mark
from relbuild.facts import Known, Tree

FILE = "phoenix_static_buildpack.config"


def setting(tree: Tree, name: str) -> Known[str] | None:
    """Return what the buildpack is told by a name; as in bash, the last assignment counts."""
    found = None
    for number, line in enumerate(facts.read_lines(tree, FILE), 1):
        assignment = re.match(rf"\s*(?:export\s+)?{name}=[\"']?([^\s\"'#;$`()]+)", line)
        if assignment:
            found = Known(assignment[1], Mark(FILE, number))
    return found


def assets_directory(tree: Tree, application: str) -> str | None:
    """Return where the package.json of an application in a directory is, if the settings name it."""
    path, relative = setting(tree, "assets_path"), setting(tree, "phoenix_relative_path")
    base = _directory(relative.value) if relative is not None else ""
    if path is None or base != application:
        return None
    found = _directory(posixpath.join(base, path.value))
    return None if found.startswith(("..", "/")) else found


def _directory(path: str) -> str:
    normal = posixpath.normpath(path)
    return "" if normal == "." else normal
