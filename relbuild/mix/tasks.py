"""What aliases and commands run outside of Mix: whether they call Node, and in which directories."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from relbuild.facts import Known, Unknown
from relbuild.mix.project import Project

_PROGRAM = re.compile(r"(?:node|npm|npx|yarn|pnpm|pnpx|bun|bunx)")
_NODE = re.compile(rf"(?:^|[\s;&|(/]){_PROGRAM.pattern}(?:[\s;&|)]|$)|(?:^|[\s;&|(/])node_modules/\.bin/")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
# npm's --prefix and -C, Yarn 1's and Bun's --cwd, pnpm's --dir and -C.
_DIRECTORY = re.compile(r"(?:--(?:prefix|cwd|dir)|-C)(?:=(?P<value>.+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Calls:
    """What is called of Node: `node` whether any is, `directories` where, relative to the tree's root.

    `unread` are the aliases on the way that can't be read.
    """

    node: bool = False
    directories: tuple[str, ...] = ()
    unread: tuple[Unknown, ...] = ()


NOTHING = Calls()


def of_line(line: str, directory: str = "") -> Calls:
    """Return what a shell's line calls, run in a directory of the tree."""
    node = bool(_NODE.search(line))
    return Calls(node, tuple(dict.fromkeys(_directories(line, directory))) if node else ())


def of_alias(part: Project, alias: str) -> Calls:
    """Return what an alias of mix.exs calls, with the aliases it names."""
    aliases = {each.name: each.tasks for each in part.aliases}
    pending, seen = [alias], set[str]()
    lines: list[Calls] = []
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
                lines.append(_of_cmd(task, part.path))
            pending.append(task.split()[0] if task.split() else "")
    directories = dict.fromkeys(directory for each in lines for directory in each.directories)
    return Calls(any(each.node for each in lines), tuple(directories), tuple(unread))


def _of_cmd(task: str, directory: str) -> Calls:
    """Return what Mix's own task `cmd` runs (Mix.Tasks.Cmd): a shell's line, after options of its own."""
    rest = task.removeprefix("cmd").lstrip()
    while match := re.match(r"--(?:cd(?:=|\s+)(?P<cd>\S+)|app(?:=|\s+)\S+|shell|quiet)(?:\s+|$)", rest):
        directory = posixpath.join(directory, match["cd"].strip("\"'")) if match["cd"] else directory
        rest = rest[match.end() :]
    return of_line(rest, directory)


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
