"""What has scripts that build something, and is built by nothing: a web app beside the one that Phoenix makes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

from relbuild.errors import ProjectError
from relbuild.image.sources import NOT_SOURCE_DIRECTORIES
from relbuild.mix import javascript
from relbuild.mix.facts import Tree
from relbuild.mix.javascript import Package
from relbuild.mix.project import Project

# What is tried, shown or told there is no part of the release; Elixir's own directories are looked through by Mix.
_OTHERS = frozenset({"bench", "demo", "demos", "e2e", "example", "examples", "site", "spec", "tests", "website"})
_ELIXIR = frozenset({"config", "lib", "priv", "rel"})
_SKIPPED = NOT_SOURCE_DIRECTORIES | _OTHERS | _ELIXIR
_BUILDS = re.compile(r"build|bundle|compile|deploy")
# As deep as the assets of an umbrella's application, and one more.
_MAX_DEPTH = 4


def notes(tree: Tree, parts: tuple[Project, ...], known: Collection[str]) -> tuple[str, ...]:
    """Return a note on each package.json below the project's directory whose scripts nothing runs.

    ``known`` are the directories of those that the build is concerned with already. An umbrella's applications that
    aren't in the release have none to be told of.
    """
    elsewhere = {app.path for app in parts[0].apps} - {part.path for part in parts}
    found = [
        package.path
        for package in _packages(tree, elsewhere)
        if package.directory not in known and any(_BUILDS.search(script) for script in package.scripts)
    ]
    if not found:
        return ()
    one = len(found) == 1
    return (
        f"{', '.join(found)}: nothing in the build runs {'its' if one else 'their'} scripts; `assets:` in "
        "relbuild.yml takes commands that do",
    )


def _packages(tree: Tree, elsewhere: Collection[str]) -> Iterator[Package]:
    pending = [("", 0)]
    while pending:
        inside, depth = pending.pop()
        names = tree.list(inside)
        if inside and "package.json" in names:
            try:
                package = javascript.read(tree, inside)
            except ProjectError:
                # Nothing of it is built: what is wrong with it is nobody's fault here.
                package = None
            if package is not None:
                yield package
        below = [name[:-1] for name in reversed(names) if name.endswith("/")]
        paths = [posixpath.join(inside, name) for name in below if name not in _SKIPPED and not name.startswith(".")]
        pending.extend((path, depth + 1) for path in paths if depth < _MAX_DEPTH and path not in elsewhere)
