"""Versions of tools that a project names in .tool-versions and mise.toml, as asdf and mise read them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from relbuild import facts
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix import above, toml

MISE_FILES = ("mise.toml", ".mise.toml", ".config/mise.toml")


def find(tree: Tree, *names: str) -> Known[str] | None:
    """Return what the nearest .tool-versions or mise.toml says of a tool that goes by any of these names."""
    found = (find_in(tree, directory, *names) for directory in above.directories(tree))
    return next((version for version in found if version is not None), None)


def find_in(tree: Tree, directory: str, *names: str) -> Known[str] | None:
    """Return what a directory's files say of a tool with one of these names, .tool-versions before mise.toml."""
    return next((version for _, version in read(tree, directory, names)), None)


def read(tree: Tree, directory: str, names: Collection[str]) -> Iterator[tuple[str, Known[str]]]:
    """Yield each of these tools with the version that a file says, in a directory, which is "" or ends with ``/``.

    Raises ProjectError where a file can't be understood, or names one of them without a version.
    """
    yield from _tool_versions(tree, f"{directory}.tool-versions", names)
    for file in MISE_FILES:
        yield from _mise(tree, f"{directory}{file}", names)


def _tool_versions(tree: Tree, file: str, names: Collection[str]) -> Iterator[tuple[str, Known[str]]]:
    seen: set[str] = set()
    for number, line in enumerate(facts.read_lines(tree, file), 1):
        words = line.partition("#")[0].split()
        # As in asdf, a tool's first line counts and, where it has several versions, the first of them.
        if not words or words[0] not in names or words[0] in seen:
            continue
        tool = words[0]
        seen.add(tool)
        if len(words) == 1:
            raise ProjectError(
                f"{file}: no version after {tool}", at=Mark(file, number), hint=f"write `{tool} VERSION`"
            )
        column = line.index(words[1], line.index(tool) + len(tool)) + 1
        yield tool, Known(words[1], Mark(file, number, column))


def _mise(tree: Tree, file: str, names: Collection[str]) -> Iterator[tuple[str, Known[str]]]:
    text = facts.read_text(tree, file)
    if text is None or not text.strip():
        return
    tools = toml.parse(file, text).get("tools", {})
    for tool in names:
        for key in (tool, f"core:{tool}", f"asdf:{tool}"):
            if isinstance(tools, dict) and key in tools:
                at = _place(file, text, key)
                yield tool, Known(_version(tool, tools[key], at), at)
                break


def _version(tool: str, value: Any, at: Mark) -> str:
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = value.get("version")
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise ProjectError(f"{at.file}: the version is no string", at=at, hint=f'write it in quotes: {tool} = "VERSION"')


def _place(file: str, text: str, key: str) -> Mark:
    # tomllib keeps no places; the first line of the [tools] table that begins with the key is it, or a [tools.KEY].
    name = rf"[\"']?{re.escape(key)}[\"']?"
    entry = re.compile(rf"\s*(?:tools\s*\.\s*)?{name}\s*[.=]|\s*\[\s*tools\s*\.\s*{name}\s*\]|\s*tools\s*=.*{name}")
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if entry.match(line) and (table in ("", "tools") or line.lstrip().startswith("[")):
            return Mark(file, number)
        if header := re.match(r"\s*\[\s*([^\]]*?)\s*\]", line):
            table = header[1]
    return Mark(file, 1)
