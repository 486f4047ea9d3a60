"""The hooks in the settings of the buildpack for Elixir: a bash script, which is read and never run."""

from __future__ import annotations

import re
from dataclasses import dataclass

from relbuild import facts
from relbuild.errors import Mark
from relbuild.facts import Tree

FILE = "elixir_buildpack.config"
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


def hooks(tree: Tree) -> tuple[Hook, ...]:
    """Return the hooks that are set to something; as in bash, the last assignment counts."""
    found: dict[str, Hook] = {}
    text = "\n".join(facts.read_lines(tree, FILE))
    for match in _HOOK.finditer(text):
        said = match["double"] or match["single"] or match["bare"] or ""
        command = " ".join(said.replace("\\\n", " ").split())
        line = text.count("\n", 0, match.start("name")) + 1
        found[match["name"]] = Hook(match["name"], command, Mark(FILE, line))
    return tuple(hook for hook in found.values() if hook.command)
