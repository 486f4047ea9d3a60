"""What a build's context leaves out: patterns with their reasons, and the paths that Docker takes them for."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Group:
    """Patterns with the reason that they share."""

    why: str
    patterns: tuple[str, ...]


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


class Ignored:
    """What a .dockerignore leaves out, for asking about many paths: each directory's answer is kept."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(patterns)
        leaving = [_regex(each).pattern for each in self._patterns if not each.startswith("!")]
        self._leaving = re.compile("|".join(leaving) or "(?!)", re.DOTALL)
        # What every path that a pattern takes back begins with.
        self._back = tuple(_fixed(each[1:]) for each in self._patterns if each.startswith("!"))
        self._matched: dict[str, bool] = {"": False}

    @classmethod
    def of(cls, text: str) -> Ignored:
        """Return what a .dockerignore of this text leaves out."""
        lines = (line.strip() for line in text.splitlines() if not line.startswith("#"))
        return cls([line for line in lines if line])

    def path(self, path: str) -> bool:
        """Tell whether a path is left out."""
        return self._is_matched(path, keep=False) and excluded(self._patterns, path)

    def directory(self, path: str) -> bool:
        """Tell whether a directory is left out with all that may lie in it."""
        below = f"{path}/"
        return (
            self._is_matched(path)
            and excluded(self._patterns, path)
            and not any(fixed.startswith(below) or below.startswith(fixed) for fixed in self._back)
        )

    def _is_matched(self, path: str, *, keep: bool = True) -> bool:
        """Tell whether any pattern that leaves out matches a path or one of the directories above it."""
        known = self._matched.get(path)
        if known is None:
            known = self._is_matched(posixpath.dirname(path)) or self._leaving.fullmatch(path) is not None
            if keep:
                self._matched[path] = known
        return known


def _fixed(pattern: str) -> str:
    """Return what a pattern has before its first wildcard."""
    return re.split(r"[*?\[\\]", posixpath.normpath(pattern.strip()).lstrip("/"), maxsplit=1)[0]


def literal(path: str) -> str:
    """Return the pattern that matches a path alone."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def kept(patterns: Sequence[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns that take back those of the paths (directories with a ``/``) that are left out."""
    return tuple(f"!{literal(path)}" for path in paths if excluded(patterns, path.rstrip("/")))
