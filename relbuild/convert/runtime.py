"""The configuration that a release reads when it starts: config/runtime.exs, or releases.exs before Elixir 1.11."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from relbuild.convert.outcome import Outcome, outside
from relbuild.errors import Problem
from relbuild.init.elixir import releases_only
from relbuild.mix.facts import Known, Tree
from relbuild.mix.project import Project
from relbuild.mix.source import Source, walk
from relbuild.mix.versions import Version

_RELEASES = "releases.exs"


def path(tree: Tree, project: Project, elixir: Version | None) -> str:
    """Return where it is, or will be."""
    directory = posixpath.dirname(project.config_path.value) if isinstance(project.config_path, Known) else "config"
    names = ("runtime.exs", _RELEASES)
    there = [name for name in names if tree.read(posixpath.join(directory, name)) is not None]
    # A release has one such file, runtime.exs before the other (Mix.Release).
    return posixpath.join(directory, (there or [_RELEASES if releases_only(elixir) else names[0]])[0])


def write(outcome: Outcome, file: str, provided: str | None, lines: Sequence[str]) -> None:
    """Add what a configuration provider read and the lines of the moved configuration, for production alone."""
    if provided is None and not lines:
        return
    before = outcome.read(file)
    # What the provider read took the place of what stood in the configuration.
    blocks = ["\n".join(lines)] if lines else []
    blocks += [_without_import(provided)] if provided is not None else []
    text = "\n\n".join(block.strip("\n") for block in blocks if block.strip("\n"))
    if outside(file):
        hint = f"add to it, for production alone:\n{text}"
        outcome.look.append(Problem(f"{file} is outside of the project, and stays as it is", None, hint))
        return
    if posixpath.basename(file) != _RELEASES:
        # Unlike releases.exs it is read in development and by tests, too.
        text = f"if config_env() == :prod do\n{_indented(text)}\nend"
    start = "import Config" if before is None else before.rstrip("\n")
    outcome.files[file] = f"{start}\n\n{text}\n"


def _without_import(text: str) -> str:
    return re.sub(r"^(?:use Mix\.Config|import Config)[ \t]*\r?\n?", "", text, count=1, flags=re.MULTILINE)


def _indented(text: str) -> str:
    strings = [node for node in walk(Source("", text.encode()).root) if node.type in ("string", "charlist", "sigil")]
    if any(node.start_point[0] != node.end_point[0] and not _heredoc(node.text or b"") for node in strings):
        # What stands between quotes over several lines would have the indentation in it.
        return text
    return "\n".join(f"  {line}" if line.strip() else line for line in text.split("\n"))


def _heredoc(text: bytes) -> bool:
    return re.match(rb"(?:~\w+)?(?:\"\"\"|''')", text) is not None
