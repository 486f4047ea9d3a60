"""What the settings of npm, Yarn, pnpm and Bun say of logins: tokens that stand there, and variables that have them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relbuild import facts
from relbuild.errors import Mark
from relbuild.facts import Tree

# A password or token itself, not the name of a variable that has it.
_LOGIN = {
    ".npmrc": re.compile(r"(?m)^[^#;\n]*(?:_auth|_authToken|_password|password)\s*=\s*(?!\s*[\"']?\$\{)\S"),
    ".yarnrc.yml": re.compile(
        r"(?m)^[^#\n]*\bnpmAuth(?:Token|Ident)[\"']?[ \t]*:[ \t]*(?![\"']?\$\{)[\"']?[^\s\"'#,}]"
    ),
    "bunfig.toml": re.compile(r"(?m)^[^#\n]*\b(?:token|password)[\"']?[ \t]*=[ \t]*[\"'](?!\$)[^\"'\n]"),
}
# npm knows ${NAME} and, for one that may be missing, ${NAME?}; Yarn and pnpm ${NAME-default} and ${NAME:-default}.
_BRACED = re.compile(r"(?<!\\)\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<otherwise>\?|:?-[^}]*)?\}")
# Bun knows $NAME as well.
_BARE = re.compile(r"\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<otherwise>(?!))?")
_COMMENTS = {".npmrc": ("#", ";"), ".yarnrc.yml": ("#",), "bunfig.toml": ("#",)}
# What every build step has.
_ALWAYS = frozenset({"HOME", "HOSTNAME", "PATH", "PWD"})


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable that a setting takes its value from, and where; an optional one may be missing."""

    name: str
    at: Mark
    optional: bool = False


def holds_login(tree: Tree, path: str) -> bool:
    """Say whether a file of settings holds a password or token itself."""
    login = _LOGIN.get(posixpath.basename(path))
    return login is not None and login.search(facts.read_text(tree, path) or "") is not None


def variables(tree: Tree, paths: Iterable[str]) -> tuple[Variable, ...]:
    """Return the variables that files of settings name, each once; none of those that every step of a build has."""
    found: dict[str, Variable] = {}
    for path in paths:
        for each in _variables(tree, path):
            if each.name not in _ALWAYS and (each.name not in found or found[each.name].optional):
                found[each.name] = each
    return tuple(found.values())


def _variables(tree: Tree, path: str) -> Iterator[Variable]:
    name = posixpath.basename(path)
    for number, line in enumerate(facts.read_lines(tree, path) if name in _COMMENTS else (), 1):
        if line.lstrip().startswith(_COMMENTS[name]):
            continue
        for match in (*_BRACED.finditer(line), *(_BARE.finditer(line) if name == "bunfig.toml" else ())):
            yield Variable(match["name"], Mark(path, number, match.start() + 1), bool(match["otherwise"]))
