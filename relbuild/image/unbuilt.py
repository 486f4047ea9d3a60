"""What has scripts that build something, and is built by nothing: a web app beside the one that Phoenix makes."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator

from relbuild.errors import ProjectError
from relbuild.facts import Tree
from relbuild.image.sources import NOT_SOURCE_DIRECTORIES
from relbuild.mix.assets import package_managers
from relbuild.mix.assets.package_managers import Package
from relbuild.mix.project import Project

# What is tried, shown or told there is no part of the release, and Elixir's own directories have none.
_OTHERS = frozenset({"bench", "demo", "demos", "e2e", "example", "examples", "site", "spec", "tests", "website"})
_ELIXIR = frozenset({"config", "lib", "priv", "rel"})
_SKIPPED = NOT_SOURCE_DIRECTORIES | _OTHERS | _ELIXIR
_BUILDS = re.compile(r"build|bundle|compile|deploy")


def notes(tree: Tree, parts: tuple[Project, ...], known: Collection[str]) -> tuple[str, ...]:
    """Return a note on each package.json in a directory of the applications whose scripts nothing runs.

    ``parts`` are the project and what the release has of its applications, ``known`` the directories of those that the
    build is concerned with already.
    """
    found = [
        package.path
        for part in parts
        for package in _packages(tree, part.path)
        if package.directory not in known and any(_BUILDS.search(script) for script in package.scripts)
    ]
    if not found:
        return ()
    one = len(found) == 1
    return (
        f"{', '.join(found)}: nothing in the build runs {'its' if one else 'their'} scripts; `assets:` in "
        "relbuild.yml takes commands that do",
    )


def _packages(tree: Tree, directory: str) -> Iterator[Package]:
    """Yield those in the directories of an application, none of which is looked through: it may hold anything."""
    for name in tree.list(directory):
        inside = name.removesuffix("/")
        if inside == name or inside in _SKIPPED or name.startswith("."):
            continue
        try:
            package = package_managers.read_packages(tree, posixpath.join(directory, inside))
        except ProjectError:
            # Nothing of it is built: what is wrong with it is nobody's fault here.
            continue
        if package is not None:
            yield package
