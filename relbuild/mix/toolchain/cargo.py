"""The Rust code of a project: which crates its Cargo.lock pins, and which Rust it asks for.

Rustler calls cargo in ``native/CRATE``; cargo looks for a workspace from there upwards, and for its lock file in it
(https://doc.rust-lang.org/cargo/reference/workspaces.html).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from relbuild import facts
from relbuild.errors import Mark
from relbuild.facts import Tree
from relbuild.mix.project import Project
from relbuild.mix.toolchain import version_files

_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,6})(?:\.([0-9]{1,6}))?", re.ASCII)
# A release of Rust by what takes it: https://doc.rust-lang.org/cargo/CHANGELOG.html
_LOCK_FORMATS = {3: "1.53", 4: "1.78"}
_EDITIONS = {"2021": "1.56", "2024": "1.85"}

RustVersion = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Pinned:
    """A crate that a Cargo.lock pins, and the names of those that it depends on."""

    name: str
    at: Mark
    deps: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A Rust that is requested: the version, None for one that is no release, as it is told, and where."""

    version: RustVersion | None
    text: str
    at: Mark
    unreleased: bool = False
    """Whether it surely is no release: nightly, beta."""


@dataclass(frozen=True, slots=True)
class Rust:
    """The crates of a project's own Rust code, each once, and the versions of Rust that it asks for."""

    crates: tuple[Pinned, ...]
    asked: tuple[Asked, ...]


def parse_version(text: str) -> RustVersion | None:
    """Return a release of Rust in numbers; None for what is none, such as nightly."""
    found = _VERSION.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def read(tree: Tree, project: Project) -> Rust:
    """Return what the crates in the tree say; raise ProjectError where one of their files is no TOML."""
    crates: dict[str, Pinned] = {}
    asked = list(_tools(tree))
    roots: dict[str, None] = {}
    for directory in _crates(tree, project):
        root = _root(tree, directory)
        roots[root] = None
        asked += _manifest(tree, directory)
        asked += _toolchain_file(tree, directory)
    for root in roots:
        for pinned, format_asked in _lock(tree, posixpath.join(root, "Cargo.lock")):
            asked += format_asked
            for each in pinned:
                crates.setdefault(each.name, each)
    return Rust(tuple(crates.values()), tuple(asked))


def _crates(tree: Tree, project: Project) -> Iterator[str]:
    for part in project.parts:
        native = posixpath.join(part.path, "native")
        for name in tree.list(native):
            directory = posixpath.join(native, name.rstrip("/"))
            if name.endswith("/") and tree.read(f"{directory}/Cargo.toml") is not None:
                yield directory


def _upwards(directory: str) -> Iterator[str]:
    """Yield a directory and those above it, as far as the project's own, or the path dependency's."""
    while directory and posixpath.basename(directory) != "..":
        yield directory
        directory = posixpath.dirname(directory)
    if not directory:
        yield ""


def _root(tree: Tree, crate: str) -> str:
    """Return the directory of the workspace that a crate is of, its own where it is of none."""
    for directory in _upwards(crate):
        if "workspace" in _read(tree, posixpath.join(directory, "Cargo.toml")):
            return directory
    return crate


def _lock(tree: Tree, file: str) -> Iterator[tuple[list[Pinned], list[Asked]]]:
    content = _read(tree, file)
    places = {line[len('name = "') : -1]: number for number, line in _lines(tree, file, 'name = "')}
    packages = content.get("package")
    pinned = [
        # A dependency of which there are several versions has its own after the name.
        Pinned(each["name"], Mark(file, places.get(each["name"], 1)), frozenset(_first_words(each.get("dependencies"))))
        for each in (packages if isinstance(packages, list) else [])
        if isinstance(each, dict) and isinstance(each.get("name"), str)
    ]
    written = content.get("version")
    takes = _LOCK_FORMATS.get(written) if isinstance(written, int) else None
    asked = [] if takes is None else [_asked(takes, f"is of format {written}, which takes", _at(tree, file, "version"))]
    yield pinned, asked


def _first_words(deps: object) -> Iterator[str]:
    return (each.partition(" ")[0] for each in deps if isinstance(each, str)) if isinstance(deps, list) else iter(())


def _manifest(tree: Tree, crate: str) -> Iterator[Asked]:
    """Yield the Rust that a crate's Cargo.toml asks for, where it inherits that the workspace's."""
    for key, takes in (("rust-version", None), ("edition", _EDITIONS)):
        file = posixpath.join(crate, "Cargo.toml")
        value = _table(_read(tree, file), "package").get(key)
        if value == {"workspace": True}:
            file = posixpath.join(_root(tree, crate), "Cargo.toml")
            value = _table(_table(_read(tree, file), "workspace"), "package").get(key)
        if not isinstance(value, str):
            continue
        at = _at(tree, file, key)
        if takes is None:
            yield _asked(value, "asks for", at)
        elif value in takes:
            yield _asked(takes[value], f"is of edition {value}, which takes", at)


def _toolchain_file(tree: Tree, crate: str) -> Iterator[Asked]:
    """Yield what the nearest toolchain file asks for (https://rust-lang.github.io/rustup/overrides.html)."""
    for directory in _upwards(crate):
        for name in ("rust-toolchain", "rust-toolchain.toml"):
            file = posixpath.join(directory, name)
            text = (facts.read_text(tree, file) or "").strip()
            if not text:
                continue
            if name == "rust-toolchain" and "\n" not in text and "=" not in text:
                yield _asked(text, "asks for", Mark(file, 1))
                return
            channel = _table(_read(tree, file), "toolchain").get("channel")
            if isinstance(channel, str):
                yield _asked(channel, "asks for", _at(tree, file, "channel"))
            return


def _tools(tree: Tree) -> Iterable[Asked]:
    found = version_files.find_tool(tree, "rust")
    return () if found is None else (_asked(found.value, "asks for", found.at),)


def _asked(version: str, why: str, at: Mark) -> Asked:
    unreleased = version.startswith(("beta", "nightly"))
    return Asked(parse_version(version), f"{at.brief} {why} Rust {version}", at, unreleased)


def _read(tree: Tree, file: str) -> dict[str, Any]:
    text = facts.read_text(tree, file)
    return version_files.parse_toml(file, text) if text else {}


def _table(content: dict[str, Any], key: str) -> dict[str, Any]:
    found = content.get(key)
    return found if isinstance(found, dict) else {}


def _lines(tree: Tree, file: str, beginning: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that begin so, the last first, so that the first of equal ones counts."""
    lines = [(number, line.rstrip()) for number, line in enumerate(facts.read_lines(tree, file), 1)]
    return ((number, line) for number, line in reversed(lines) if line.startswith(beginning))


def _at(tree: Tree, file: str, key: str) -> Mark:
    # tomllib keeps no places.
    key_line = re.compile(rf"\s*{re.escape(key)}\s*[.=]")
    lines = enumerate(facts.read_lines(tree, file), 1)
    return Mark(file, next((number for number, line in lines if key_line.match(line)), 1))
