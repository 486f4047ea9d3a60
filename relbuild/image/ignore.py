"""What a build's context leaves out: patterns with their reasons, and the paths that Docker takes them for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Group:
    """Patterns with the reason that they share."""

    why: str
    patterns: tuple[str, ...]


LITTER = Group(
    "Left behind by editors, systems and tests, in priv/ too",
    (
        "**/.DS_Store",
        "**/Thumbs.db",
        "**/.idea/",
        "**/.vscode/",
        "**/.zed/",
        "**/*~",
        "**/*.swp",
        "**/.#*",
        "**/*.plt",
        "**/*.plt.hash",
        "**/*_dev.db*",
        "**/*_test.db*",
        "**/*_test[0-9]*.db*",
    ),
)


def excluded(patterns: Sequence[str], path: str) -> bool:
    """Tell whether a .dockerignore of these patterns leaves a path out: the last that matches it decides.

    A pattern also matches what lies below a directory that it matches (moby/patternmatcher, MatchesOrParentMatches).
    """
    found = False
    parents = [path]
    while (parent := posixpath.dirname(parents[-1])) not in ("", parents[-1]):
        parents.append(parent)
    for pattern in patterns:
        back = pattern.startswith("!")
        if found == back and any(_regex(pattern.removeprefix("!")).fullmatch(each) for each in parents):
            found = not back
    return found


@lru_cache
def _regex(pattern: str) -> re.Pattern[str]:
    """Return what a pattern matches: Go's filepath.Match, with ``**`` for any number of directories."""
    cleaned = posixpath.normpath(pattern.strip()).lstrip("/")
    parts: list[str] = []
    rest = cleaned
    while rest:
        if rest.startswith("**"):
            rest = rest[2:].removeprefix("/")
            parts.append("(?:.*/)?" if rest else ".*")
        elif rest[0] == "\\" and len(rest) > 1:
            parts.append(re.escape(rest[1]))
            rest = rest[2:]
        elif (characters := re.match(r"\[\^?(?:\\.|[^\\\]])+\]", rest)) is not None:
            parts.append(characters[0])
            rest = rest[characters.end() :]
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0])))
            rest = rest[1:]
    return re.compile("".join(parts), re.DOTALL)


def literal(path: str) -> str:
    """Return the pattern that matches a path alone."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def kept(patterns: Sequence[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns that take back those of the paths (directories with a ``/``) that are left out."""
    return tuple(f"!{literal(path)}" for path in paths if excluded(patterns, path.rstrip("/")))
