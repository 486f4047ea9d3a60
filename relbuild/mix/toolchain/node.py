"""Which Node a project's assets are built with, and the image or Debian package that has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from relbuild import facts
from relbuild.errors import Mark
from relbuild.facts import Known, Tree
from relbuild.mix.toolchain import version_files

# https://nodejs.org/en/about/previous-releases; the long-term ones, the one to take by default first.
_LTS = (24, 22, 20, 18, 16, 14, 12)
_CURRENT = 26
_CODENAMES = {
    "erbium": 12, "fermium": 14, "gallium": 16, "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24,
}  # fmt: skip
# From which version on the node image has a variant on that Debian (the history of nodejs/docker-node); all later
# majors have it from their first version on. Before, there was stretch.
_FIRST_ON_DEBIAN = {
    "buster": {8: (8, 16, 0), 10: (10, 16, 0), 12: (12, 7, 0)},
    "bullseye": {12: (12, 22, 5), 14: (14, 17, 5), 16: (16, 6, 2)},
    "bookworm": {16: (16, 20, 0), 18: (18, 16, 0), 20: (20, 3, 0)},
    "trixie": {20: (20, 19, 4), 22: (22, 18, 0), 24: (24, 5, 0)},
}
# The major version that Debian's own package has (packages.debian.org/nodejs).
DEBIAN_MAJOR = {"bookworm": 18, "trixie": 20, "forky": 24, "sid": 24}

_NEWEST = 999_999


@dataclass(frozen=True, slots=True)
class Node:
    """A version of Node, all of it or its beginning (22, 22.18), and who said so."""

    version: str
    source: str
    notes: tuple[str, ...] = ()
    said: bool = True
    """Whether the project names it; else it is a default."""

    def image(self, debian: str) -> str:
        """Return the node image of that Debian, or of the newest before it that has the version.

        Node's own binaries, which the image has, run on each Debian from their image's on.
        """
        wanted = [int(part) for part in self.version.split(".")]
        major, padded = wanted[0], (*wanted, *[_NEWEST] * (3 - len(wanted)))
        variants = ["stretch"]
        for codename, first in _FIRST_ON_DEBIAN.items():
            if variants[-1] != debian and (major > max(first) or (major in first and padded >= first[major])):
                variants.append(codename)
        codename = variants[-1]
        return f"node:{self.version}-{codename}-slim"


def find_node(tree: Tree, directory: str, engines: Known[str] | None) -> Node:
    """Return the Node that the project asks for, for the package.json in a directory ("" for the root).

    `.nvmrc` and `.node-version` go before `.tool-versions` and mise.toml, these before a buildpack's settings, and
    those before what package.json says under `engines`, which is but a range. What lies above the project, up to the
    root of its git repository, counts after what is its own.
    """
    notes: list[str] = []
    for said in _said(tree, directory):
        version = _version(said.value)
        if version is not None:
            if int(version.partition(".")[0]) > _CURRENT:
                notes.append(f"{said.at.brief} asks for Node {version}: relbuild knows none after {_CURRENT}")
            return Node(version, said.at.brief, tuple(notes))
        notes.append(f"{said.at.brief}: {said.value!r} is no version of Node that relbuild knows: passed over")
    if engines is not None:
        version = _in_range(engines.value)
        if version is not None:
            return Node(version, f'{engines.at.brief} ("node": "{engines.value}")', tuple(notes))
        notes.append(f"{engines.at.brief}: no version of Node is known to be in {engines.value!r}: passed over")
    return Node(str(_LTS[0]), "the long-term one, since the project names none", tuple(notes), said=False)


def debian_node(asked: Node, debian: str) -> Node:
    """Return Debian's own Node, with a note where the project asks for another."""
    major, notes = DEBIAN_MAJOR[debian], list(asked.notes)
    if asked.said and asked.version.partition(".")[0] != str(major):
        notes.append(f"{asked.source} asks for Node {asked.version}: Debian {debian} has {major}, which is taken")
    return Node(str(major), f"Debian {debian}", tuple(notes), said=False)


def _said(tree: Tree, directory: str) -> Iterator[Known[str]]:
    if directory:
        yield from _version_files(tree, f"{directory}/")
    for above_it in version_files.directories_above(tree):
        yield from _version_files(tree, above_it)
        pinned = version_files.find_tool_in(tree, above_it, "nodejs", "node")
        if pinned is not None:
            yield pinned
        by_buildpack = version_files.static_setting(tree, "node_version") if not above_it else None
        if by_buildpack is not None:
            yield by_buildpack


def _version_files(tree: Tree, directory: str) -> Iterator[Known[str]]:
    for path in (f"{directory}{name}" for name in _FILES):
        for number, line in enumerate(facts.read_lines(tree, path), 1):
            text = line.partition("#")[0].strip()
            if text:
                yield Known(text, Mark(path, number))
                break


_FILES = (".nvmrc", ".node-version")


def _version(text: str) -> str | None:
    """Return what a version as nvm, asdf or a buildpack writes it asks for; None for what isn't known."""
    word = text.lower().removeprefix("v").removeprefix("latest:").removeprefix("prefix:")
    codename = word.removeprefix("lts/").removeprefix("lts-")
    if word in ("lts", "lts/*", "lts-*"):
        return str(_LTS[0])
    if word in ("node", "latest", "current", "stable"):
        return str(_CURRENT)
    if codename in _CODENAMES:
        return str(_CODENAMES[codename])
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})(?:\.[x*]){0,2}", word)
    return match[1] if match else None


def _in_range(text: str) -> str | None:
    """Return a version of Node that is in a range as npm writes it: a long-term major where one is in it.

    Else one that the range itself names, as the lower end of a range inside a major.
    """
    exact = _version(text.strip().removeprefix("="))
    if exact is not None:
        return exact
    # Few projects name a range; the others don't load its parser.
    from nodesemver import satisfies

    def admits(version: str) -> bool:
        try:
            return bool(satisfies(version, text, loose=True))
        except (ValueError, RecursionError):
            return False

    for major in (*_LTS, _CURRENT, *range(25, 12, -2)):
        # Its newest release is what the image named by the major alone has.
        if admits(f"{major}.{_NEWEST}.{_NEWEST}"):
            return str(major)
    named = (match.groups("0") for match in re.finditer(r"(?<![\d.])(\d{1,3})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?", text))
    known = (".".join(str(int(part)) for part in parts) for parts in named if 0 < int(parts[0]) <= _CURRENT)
    return next(filter(admits, known), None)
