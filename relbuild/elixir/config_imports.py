"""Which files a project's compile-time configuration imports from outside of its own directory."""

from __future__ import annotations

import posixpath
import re
from fnmatch import fnmatchcase

from relbuild import facts
from relbuild.facts import Tree

# What is found too much, in a comment, is only one more file that the build sees.
_IMPORT = re.compile(r'import_config[\s(]*"([^"\n]+)"')
_INTERPOLATION = re.compile(r"#\{[^}]*\}")
_MAX_FILES = 200


def imported(tree: Tree, directory: str) -> tuple[str, ...]:
    """Return the files outside of a configuration's directory that it imports, also by way of one another, sorted.

    Raises ProjectError for a file that isn't UTF-8.
    """
    own = [posixpath.join(directory, name) for name in tree.list(directory) if name.endswith(".exs")]
    return tuple(sorted(file for file in closure(tree, own) if posixpath.dirname(file) != directory))


def closure(tree: Tree, files: list[str]) -> set[str]:
    """Return the files and those that they import, also by way of one another.

    An interpolated part of a name matches anything. Raises ProjectError for a file that isn't UTF-8.
    """
    pending = list(files)
    seen: set[str] = set()
    while pending and len(seen) < _MAX_FILES:
        file = pending.pop()
        if file in seen:
            continue
        seen.add(file)
        for written in _IMPORT.findall(facts.read_text(tree, file) or ""):
            pattern = _INTERPOLATION.sub("*", written)
            pending += matching(tree, posixpath.normpath(posixpath.join(posixpath.dirname(file), pattern)))
    return seen


def matching(tree: Tree, pattern: str) -> list[str]:
    """Return the files that match a pattern with ``*`` or ``?`` in any part of it; none that begins with a dot."""
    found = [""]
    parts = pattern.split("/")
    for depth, part in enumerate(parts):
        wanted = part if depth == len(parts) - 1 else f"{part}/"
        if "*" not in part and "?" not in part:
            found = [posixpath.join(each, part) for each in found]
            continue
        found = [posixpath.join(each, name.rstrip("/")) for each in found for name in tree.list(each)
                 if fnmatchcase(name, wanted) and not name.startswith(".")]  # fmt: skip
    return [file for file in found if tree.read(file) is not None]
