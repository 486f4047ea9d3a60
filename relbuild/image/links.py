"""Symbolic links that lead out of the project, behind which a build finds nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from relbuild.errors import Mark, ProjectError
from relbuild.image.location import Context, Link, Location

# What Mix, Phoenix and the compilers of native code look for by its name.
ALWAYS_NEEDED = ("mix.exs", "lib", "src", "include", "c_src", "native", "priv", "assets", "rel", "Makefile")


# So many links deep in the project are told one by one.
TOLD = 3


def left_out(location: Location, context: Context, needed: Iterable[str]) -> tuple[Link, ...]:
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


def notes(top: Iterable[Link], deep: Iterable[Link]) -> Iterator[str]:
    """Yield what to say of links: those at the top are left out, as COPY would fail on them; deep ones are copied."""
    for link in top:
        yield f"{link.name} is a link to {link.target}, out of what the build sees: it is left out"
    told = [
        f"{link.name} is a link to {link.target}, out of what the build sees: nothing is behind it" for link in deep
    ]
    yield from told[:TOLD]
    if len(told) > TOLD:
        yield f"{len(told) - TOLD} more links lead out of what the build sees"
