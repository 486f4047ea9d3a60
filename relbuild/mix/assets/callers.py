"""What uses Node and the packages of npm: aliases and commands that call it, sources that import a package."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relbuild.facts import Known, Tree, Unknown
from relbuild.mix import elixir_files
from relbuild.mix.project import Project

_PROGRAM = re.compile(r"(?:node|npm|npx|yarn|pnpm|pnpx|bun|bunx)")
_NODE = re.compile(rf"(?:^|[\s;&|(/]){_PROGRAM.pattern}(?:[\s;&|)]|$)|(?:^|[\s;&|(/])node_modules/\.bin/")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
# npm's --prefix and -C, Yarn 1's and Bun's --cwd, pnpm's --dir and -C.
_DIRECTORY = re.compile(r"(?:--(?:prefix|cwd|dir)|-C)(?:=(?P<value>.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class NodeCalls:
    """What is called of Node: `node` whether any is, `directories` where, relative to the tree's root.

    `unread` are the aliases on the way that can't be read.
    """

    node: bool = False
    directories: tuple[str, ...] = ()
    unread: tuple[Unknown, ...] = ()


NO_CALLS = NodeCalls()


def line_calls(line: str, directory: str = "") -> NodeCalls:
    """Return what a shell's line calls, run in a directory of the tree."""
    node = bool(_NODE.search(line))
    return NodeCalls(node, tuple(dict.fromkeys(_directories(line, directory))) if node else ())


def alias_calls(part: Project, alias: str) -> NodeCalls:
    """Return what an alias of mix.exs calls, with the aliases it names."""
    aliases = {each.name: each.tasks for each in part.aliases}
    pending, seen = [alias], set[str]()
    lines: list[NodeCalls] = []
    unread: list[Unknown] = []
    while pending:
        name = pending.pop()
        tasks = aliases.get(name)
        if tasks is None or name in seen:
            continue
        seen.add(name)
        if not isinstance(tasks, Known):
            unread.append(tasks)
            continue
        for task in tasks.value:
            if task.startswith("cmd "):
                lines.append(_cmd_calls(task, part.path))
            pending.append(task.split()[0] if task.split() else "")
    directories = dict.fromkeys(directory for each in lines for directory in each.directories)
    return NodeCalls(any(each.node for each in lines), tuple(directories), tuple(unread))


def _cmd_calls(task: str, directory: str) -> NodeCalls:
    """Return what Mix's own task `cmd` runs (Mix.Tasks.Cmd): a shell's line, after options of its own."""
    rest = task.removeprefix("cmd").lstrip()
    while match := re.match(r"--(?:cd(?:=|\s+)(?P<cd>\S+)|app(?:=|\s+)\S+|shell|quiet)(?:\s+|$)", rest):
        directory = posixpath.join(directory, match["cd"].strip("\"'")) if match["cd"] else directory
        rest = rest[match.end() :]
    return line_calls(rest, directory)


def _directories(line: str, start: str) -> Iterator[str]:
    """Yield the directories where Node's programs are called; none that a shell would have to compute."""
    words = shlex.shlex(line, posix=True, punctuation_chars="();<>|&\n")
    words.whitespace, words.commenters = " \t\r", ""
    words.whitespace_split = True
    outer: list[str] = []
    here, command = start, list[str]()
    try:
        # The last command ends as the others do.
        for word in (*words, ";"):
            if word.strip("();|&\n"):
                command.append(word)
                continue
            moved, called = _command(command, here)
            if called is not None and "$" not in called and "`" not in called:
                yield posixpath.normpath(called) if posixpath.normpath(called) != "." else ""
            here, command = moved, []
            for mark in word:
                if mark == "(":
                    outer.append(here)
                elif mark == ")" and outer:
                    here = outer.pop()
    except ValueError:
        # A quote that isn't closed: the shell would refuse it, too.
        return


def _command(words: list[str], here: str) -> tuple[str, str | None]:
    """Return where the commands after it run, and where it calls Node, None where it doesn't."""
    rest = list(words)
    while rest and (_ASSIGNMENT.fullmatch(rest[0]) or rest[0] in ("env", "exec", "time")):
        rest.pop(0)
    if not rest:
        return here, None
    program, *arguments = rest
    if program == "cd":
        return posixpath.join(here, arguments[0] if arguments else "$HOME"), None
    if not _PROGRAM.fullmatch(posixpath.basename(program)) and "node_modules/.bin/" not in program:
        return here, None
    for position, argument in enumerate(arguments):
        match = _DIRECTORY.fullmatch(argument)
        if match:
            value = match["value"] or next(iter(arguments[position + 1 :]), "")
            return here, posixpath.join(here, value)
    return here, here


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


def uses_packages(
    tree: Tree, parts: Iterable[Project], directories: Iterable[str], names: Iterable[str]
) -> bool | None:
    """Return whether something in the directories of the assets, or in code beside them, uses one of the packages.

    None where it can't be told: there are no sources, or nobody knows where.
    """
    parts, places = tuple(parts), set(directories)
    for part in parts:
        for path, content in elixir_files.configuration_files(tree, part):
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
    for directory in elixir_files.source_directories(*parts):
        for path in elixir_files.files_below(tree, directory):
            content = tree.read(path)
            if content is not None and b"Colocated" in content:
                yield content
