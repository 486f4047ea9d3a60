"""Where a project lies on the disk, and which links in it lead out of it."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from relbuild.image.plan.location import Link, Location

# Where a project keeps its code, and what may lie there in any number: those are never looked through.
_CODE = frozenset({"lib", "src", "include", "c_src", "native", "config", "rel", "apps"})
_OTHERS = frozenset({"_build", "deps", "node_modules", "assets", "priv"})


def location(root: Path) -> Location:
    """Return where a project lies: below the root of its git repository, or without one below the file system's."""
    own = root.resolve()
    above = (own, *own.parents)
    repository = next((directory for directory in above if (directory / ".git").exists()), None)
    # The whole disk is never a build context.
    outermost = repository or above[max(0, len(above) - 2)]
    return Location(
        own.relative_to(outermost).parts,
        git=repository is not None,
        links=_links(own, outermost),
        here=os.path.relpath(own),
    )


def _links(own: Path, outermost: Path) -> tuple[Link, ...]:
    """Return the links in the project that lead out of it: those in its directory, and at any depth of its code."""
    found, directories = [], [str(own)]
    while directories:
        here = directories.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        found.append(_link(Path(entry.path), own, outermost))
                    elif entry.is_dir() and (entry.name in _CODE if here == str(own) else _is_code(entry.name)):
                        directories.append(entry.path)
        except OSError:
            # What is wrong is told where the project is read.
            continue
    return tuple(sorted((link for link in found if link is not None), key=lambda link: link.name))


def _is_code(name: str) -> bool:
    return name not in _OTHERS and not name.startswith(".")


def _link(path: Path, own: Path, outermost: Path) -> Link | None:
    try:
        target, end = str(path.readlink()), path.resolve()
    except (OSError, RuntimeError):
        # A circular one, of which the project's reading tells.
        return None
    name = path.relative_to(own).as_posix()
    if posixpath.isabs(target) or not end.is_relative_to(outermost):
        return Link(name, target, None)
    up = os.path.relpath(end, own).split("/").count("..")
    return Link(name, target, up) if up else None
