"""Whether the sources of a project's assets use a package of npm's: by its name, wherever it stands in quotes.

esbuild, tailwind and dart_sass run without Node, and take packages out of node_modules all the same. A name that only a
comment has counts too: a package that is installed for nothing does less harm than one that is missing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator

from relbuild.facts import Tree
from relbuild.mix import configuration, elixir_files
from relbuild.mix.project import Project

_SOURCES = (
    ".js",
    ".mjs",
    ".cjs",
    ".ts",
    ".mts",
    ".cts",
    ".jsx",
    ".tsx",
    ".vue",
    ".svelte",
    ".css",
    ".scss",
    ".sass",
    ".less",
)
# What checks, formats and tests the sources names packages of its own; only tailwind's file is part of the build.
_NOT_BUILT = re.compile(r"(?!tailwind\.).+\.config\.\w+|.+\.(?:test|spec|stories)\.\w+")
# esbuild reads it, and what it extends.
_JSON = re.compile(r"[jt]sconfig.*\.json")
_OTHERS = ("node_modules/", "test/", "tests/", "__tests__/")
# A directory below this is no one's source.
_MAX_DEPTH = 20
# Where the configuration has a builder run, as Phoenix writes it, and the files that a builder is given.
_RUNS_IN = re.compile(r'\bcd:\s*(?:Path\.expand\(\s*"(?P<path>[^"#]*)",\s*__DIR__\s*\))?')
_GIVEN = re.compile(rf"[\w@./-]+(?:{'|'.join(map(re.escape, _SOURCES))})\b")


def used(tree: Tree, parts: Iterable[Project], directories: Iterable[str], names: Iterable[str]) -> bool | None:
    """Say whether something in the directories of the assets, or in code beside them, uses one of the packages.

    None where it can't be told: there are no sources, or nobody knows where.
    """
    parts, places = tuple(parts), set(directories)
    for part in parts:
        for path, content in configuration.contents(tree, part):
            if "node_modules" in content:
                return True
            named = _places(tree, posixpath.dirname(path), content)
            if named is None:
                return None
            places |= named
    either = b"|".join(re.escape(name.encode()) for name in names)
    pattern = re.compile(rb"(?:[\"'`~]|url\()(?:%s)(?=[\"'`/)])|node_modules/" % either)
    sources = [content for place in sorted(places) for content in _sources(tree, place)]
    if any(pattern.search(content) for content in (*sources, *_beside_elixir(tree, parts))):
        return True
    return False if sources else None


def _places(tree: Tree, directory: str, content: str) -> set[str] | None:
    """Return the directories that builders run in, and those of the files they are given; None where not all are known.

    The project's own directory is none of them: what a builder takes from there, it is given.
    """
    found: set[str] = set()
    for match in _RUNS_IN.finditer(content):
        base = posixpath.normpath(posixpath.join(directory, match["path"])) if match["path"] is not None else "/"
        given = {posixpath.normpath(posixpath.join(base, each)) for each in _GIVEN.findall(content)}
        files = {each for each in given if tree.read(each) is not None} if not base.startswith(("..", "/")) else set()
        if not files:
            return None
        found |= {posixpath.dirname(each) for each in files} | ({base} - {"."})
    return None if "" in found else found


def _sources(tree: Tree, directory: str) -> Iterator[bytes]:
    pending = [(directory, 0)]
    while pending:
        inside, depth = pending.pop()
        for name in tree.list(inside):
            path = posixpath.join(inside, name)
            if name.endswith("/"):
                if depth < _MAX_DEPTH and name not in _OTHERS and not name.startswith("."):
                    pending.append((path[:-1], depth + 1))
            elif _JSON.fullmatch(name) or (name.endswith(_SOURCES) and not _NOT_BUILT.fullmatch(name)):
                content = tree.read(path)
                if content is not None:
                    yield content


def _beside_elixir(tree: Tree, parts: Iterable[Project]) -> Iterator[bytes]:
    """Yield the Elixir files with scripts in them, which Phoenix takes out when they are compiled."""
    for directory in elixir_files.directories(*parts):
        for path in elixir_files.files(tree, directory):
            content = tree.read(path)
            if content is not None and b"Colocated" in content:
                yield content
