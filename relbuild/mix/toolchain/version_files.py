"""The files by which a project names versions of its tools: .tool-versions, mise.toml, settings of buildpacks."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from relbuild import facts
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree

# No project lies deeper in its repository; without a repository nobody knows where to stop.
_DEEPEST = 32


def directories_above(tree: Tree) -> tuple[str, ...]:
    """Return the way to the project's own directory, "", and to those above it, ``../``, as far as git reaches.

    Without a repository, and where those above can't be read, there is but its own.
    """
    try:
        for levels in range(_DEEPEST):
            # A worktree's and a submodule's .git is a file.
            here = "../" * levels
            if tree.read(f"{here}.git/HEAD") is not None or tree.read(f"{here}.git") is not None:
                return tuple("../" * level for level in range(levels + 1))
    except ProjectError:
        pass
    return ("",)


_TOML_PLACE = re.compile(r"at line ([0-9]+), column ([0-9]+)")


def parse_toml(file: str, text: str) -> dict[str, Any]:
    """Return a file's content; raise ProjectError where it is no TOML."""
    # Few projects have such a file; the others need not wait for the parser.
    import tomllib

    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ProjectError(f"{file}: nested too deeply", at=Mark(file, 1)) from error
    except ValueError as error:
        place = _TOML_PLACE.search(str(error))
        at = Mark(file, int(place[1]), int(place[2])) if place else Mark(file, 1)
        raise ProjectError(f"{file}: not TOML: {_TOML_PLACE.sub('', str(error)).removesuffix(' ()')}", at=at) from error


MISE_FILES = ("mise.toml", ".mise.toml", ".config/mise.toml")


def find_tool(tree: Tree, *names: str) -> Known[str] | None:
    """Return what the nearest .tool-versions or mise.toml says of a tool that goes by any of these names."""
    found = (find_tool_in(tree, directory, *names) for directory in directories_above(tree))
    return next((version for version in found if version is not None), None)


def find_tool_in(tree: Tree, directory: str, *names: str) -> Known[str] | None:
    """Return what a directory's files say of a tool with one of these names, .tool-versions before mise.toml."""
    return next((version for _, version in read_tools(tree, directory, names)), None)


def read_tools(tree: Tree, directory: str, names: Collection[str]) -> Iterator[tuple[str, Known[str]]]:
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
    tools = parse_toml(file, text).get("tools", {})
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


BUILDPACK = "elixir_buildpack.config"
# https://github.com/HashNuke/heroku-buildpack-elixir#configuration
_HOOK = re.compile(
    r"""
    ^[ \t]*(?:export[ \t]+)?(?P<name>hook_\w+)=
    (?:"(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>[^']*)' | (?P<bare>[^\s\#;]*))
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Hook:
    """A command that the buildpack runs on its way: the hook's name, the command on one line, and where it is set."""

    name: str
    command: str
    at: Mark


def buildpack_hooks(tree: Tree) -> tuple[Hook, ...]:
    """Return the hooks that are set to something; as in bash, the last assignment counts."""
    found: dict[str, Hook] = {}
    text = "\n".join(facts.read_lines(tree, BUILDPACK))
    for match in _HOOK.finditer(text):
        said = match["double"] or match["single"] or match["bare"] or ""
        command = " ".join(said.replace("\\\n", " ").split())
        line = text.count("\n", 0, match.start("name")) + 1
        found[match["name"]] = Hook(match["name"], command, Mark(BUILDPACK, line))
    return tuple(hook for hook in found.values() if hook.command)


STATIC_BUILDPACK = "phoenix_static_buildpack.config"


def static_setting(tree: Tree, name: str) -> Known[str] | None:
    """Return what the buildpack is told by a name; as in bash, the last assignment counts."""
    found = None
    for number, line in enumerate(facts.read_lines(tree, STATIC_BUILDPACK), 1):
        assignment = re.match(rf"\s*(?:export\s+)?{name}=[\"']?([^\s\"'#;$`()]+)", line)
        if assignment:
            found = Known(assignment[1], Mark(STATIC_BUILDPACK, number))
    return found


def assets_directory(tree: Tree, application: str) -> str | None:
    """Return where the package.json of an application in a directory is, if the settings name it."""
    path, relative = static_setting(tree, "assets_path"), static_setting(tree, "phoenix_relative_path")
    base = _directory(relative.value) if relative is not None else ""
    if path is None or base != application:
        return None
    found = _directory(posixpath.join(base, path.value))
    return None if found.startswith(("..", "/")) else found


def _directory(path: str) -> str:
    normal = posixpath.normpath(path)
    return "" if normal == "." else normal
