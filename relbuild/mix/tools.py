"""Versions of tools beside Elixir and OTP that a project names in .tool-versions and mise.toml."""

from __future__ import annotations

from relbuild.errors import Mark
from relbuild.mix import above, utf8
from relbuild.mix.facts import Tree
from relbuild.mix.pins import MISE_FILES
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """A text and where it stands."""

    text: str
    at: Mark

    @property
    def source(self) -> str:
        """The file and its line."""
        return self.at.brief


def find(tree: Tree, *names: str) -> Said | None:
    """Return what the nearest .tool-versions or mise.toml says of a tool that goes by any of these names."""
    found = (find_in(tree, directory, *names) for directory in above.directories(tree))
    return next((said for said in found if said is not None), None)


def find_in(tree: Tree, directory: str, *names: str) -> Said | None:
    """Return what .tool-versions, else a mise.toml, says in a directory, which is "" or ends with ``/``."""
    file = f"{directory}.tool-versions"
    for number, line in enumerate(utf8.lines(tree, file), 1):
        words = line.partition("#")[0].split()
        if len(words) > 1 and words[0] in names:
            return Said(words[1], Mark(file, number))
    found = (_mise(tree, f"{directory}{file}", names) for file in MISE_FILES)
    return next((said for said in found if said is not None), None)


def _mise(tree: Tree, file: str, names: tuple[str, ...]) -> Said | None:
    content = tree.read(file)
    if not content:
        return None
    # Few projects have such a file; the others need not wait for the parser.
    import tomllib

    try:
        tools = tomllib.loads(content.decode()).get("tools", {})
    except (ValueError, RecursionError):
        # What is wrong with it is told where Elixir's version is looked for.
        return None
    for name in names:
        value = tools.get(name) if isinstance(tools, dict) else None
        while isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, dict):
            value = value.get("version")
        if isinstance(value, str) and value.strip():
            lines = (line.lstrip(" '\"") for line in utf8.lines(tree, file))
            number = next((number for number, line in enumerate(lines, 1) if line.startswith(name)), 1)
            return Said(value.strip(), Mark(file, number))
    return None
