"""Where a project lies among the directories above it, which of them the build needs, and links that lead out."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relbuild.errors import Mark, ProjectError


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link in the project, by its path there, and where it leads.

    `up` says how many directories above the project's that is; None where no build can see it, as behind an absolute
    path, which BuildKit takes for one inside of the context.
    """

    name: str
    target: str
    up: int | None


@dataclass(frozen=True, slots=True)
class Location:
    """The directories below the outermost one that a build may see, down to the project's own, by their names.

    With `git` the outermost one is the root of a git repository. `links` are those that lead out of the project,
    and `here` is the way to it from where the user is.
    """

    names: tuple[str, ...] = ()
    git: bool = False
    links: tuple[Link, ...] = ()
    here: str = ""


@dataclass(frozen=True, slots=True)
class NeededPath:
    """A path the build needs, relative to the project; who needs it, and where that is written."""

    path: str
    by: str
    at: Mark


@dataclass(frozen=True, slots=True)
class BuildContext:
    """The build context: `base` is the project's path in it, "" where it is the project itself."""

    base: str = ""

    @property
    def up(self) -> str:
        """The way from the project to the context."""
        return "/".join([".."] * (self.base.count("/") + 1)) if self.base else "."

    @property
    def workdir(self) -> str:
        """The project's directory in the build stages."""
        return posixpath.join("/src", self.base) if self.base else "/src"

    def source(self, path: str) -> str:
        """Return a path of the project as COPY's source; a directory keeps its ``/``."""
        return posixpath.normpath(posixpath.join(self.base, path)) + ("/" if path.endswith("/") else "")


def leaves_project(path: str) -> bool:
    """Return whether a path lies outside of the project."""
    return path == ".." or path.startswith("../")


def widen_context(location: Location, wanted: Iterable[NeededPath]) -> BuildContext:
    """Return the smallest context that has the project and everything it needs.

    Raises ProjectError for what lies outside of the git repository, and for an absolute path.
    """
    levels = 0
    for each in wanted:
        if each.path.startswith("/"):
            raise ProjectError(
                f"{each.by}: {each.path} is an absolute path, which no build stage has",
                at=each.at,
                hint="write it relative to mix.exs",
            )
        up = sum(part == ".." for part in each.path.split("/"))
        if up > len(location.names):
            where = "the git repository" if location.git else "what a build may see, which is never the whole disk"
            raise ProjectError(
                f"{each.by}: {each.path} lies outside of {where}",
                at=each.at,
                hint="move it into the repository, or take it from git or from a Hex repository",
            )
        levels = max(levels, up)
    base = "/".join(location.names[len(location.names) - levels :])
    odd = next((character for character in base if character.isspace() or character in ",\"'$\\"), None)
    if odd is not None:
        raise ProjectError(
            f"the directory {base!r} has {odd!r} in its name, and a build stage can't be told of it",
            at=Mark("mix.exs", 1),
            hint="rename it; it matters because a dependency lies outside of the project",
        )
    return BuildContext(base)


# What Mix, Phoenix and the compilers of native code look for by its name.
ALWAYS_NEEDED = ("mix.exs", "lib", "src", "include", "c_src", "native", "priv", "assets", "rel", "Makefile")


# More links deep in the project are reported as a number.
MOST_NAMED = 3


def outside_links(location: Location, context: BuildContext, needed: Iterable[str]) -> tuple[Link, ...]:
    """Return the links of the project that lead out of the build context, behind which the build finds nothing.

    Raises ProjectError for one that the build needs; Nix's `result` and its like it can do without.
    """
    levels = context.base.count("/") + 1 if context.base else 0
    found = tuple(link for link in location.links if link.up is None or link.up > levels)
    paths = set(needed)
    paths |= {path.partition("/")[0] for path in paths}
    problem = next((link for link in found if link.name in paths), None)
    if problem is not None:
        raise ProjectError(
            f"{problem.name} is a link to {problem.target}, out of what the build sees",
            at=Mark(problem.name, 1),
            hint="put what it leads to in its place, or make a path dependency of it",
        )
    return found


def link_notes(top: Iterable[Link], deep: Iterable[Link]) -> Iterator[str]:
    """Yield what to say of links: those at the top are left out, as COPY would fail on them; deep ones are copied."""
    for link in top:
        yield f"{link.name} is a link to {link.target}, out of what the build sees: it is left out"
    told = [
        f"{link.name} is a link to {link.target}, out of what the build sees: nothing is behind it" for link in deep
    ]
    yield from told[:MOST_NAMED]
    if len(told) > MOST_NAMED:
        yield f"{len(told) - MOST_NAMED} more links lead out of what the build sees"
