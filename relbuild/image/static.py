"""What lies in priv/static that the build makes anew."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable, Iterator

from relbuild.facts import Tree
from relbuild.mix.project import Project

# What only digests builds nothing anew.
_DIGEST = "mix phx.digest"


def made(tree: Tree, parts: Iterable[Project], commands: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns of .gitignore for priv/static of the applications whose assets the commands build.

    What is not in .gitignore is a source: a favicon, or a bundle that is kept with the code.
    """
    lines = tuple(commands)
    found = (pattern for part in parts if _is_built(part, lines) for pattern in _ignored(tree, part))
    return tuple(dict.fromkeys(found))


def _is_built(part: Project, commands: Iterable[str]) -> bool:
    inside = f"cd {shlex.quote(part.path)} && " if part.path else ""
    return any(line.startswith(inside) and line.removeprefix(inside) != _DIGEST for line in commands)


def _ignored(tree: Tree, part: Project) -> Iterator[str]:
    """Yield the patterns, relative to the tree's root: those with a ``/`` inside are for .gitignore's own directory."""
    static = posixpath.join(part.path, "priv/static")
    for directory in dict.fromkeys(("", part.path)):
        content = tree.read(posixpath.join(directory, ".gitignore")) or b""
        for line in content.decode("utf-8", "replace").splitlines():
            negation, pattern = ("!", line[1:]) if line.startswith("!") else ("", line)
            path = posixpath.join(directory, pattern.strip().lstrip("/"))
            if path.rstrip("/") == static or path.startswith(f"{static}/"):
                yield negation + path
