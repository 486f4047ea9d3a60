"""What mix.lock pins: each dependency's package, version, repository and checksum, and the dependencies it has itself.

The forms of an entry are those of Hex's `Hex.Utils.lock/1` and of Mix's `Mix.SCM.Git`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tree_sitter import Node

from relbuild.elixir.syntax import Source, parse, parts
from relbuild.errors import Mark, ProjectError

_CONFLICT = re.compile(rb"^(?:<{7}|={7}|>{7})(?: |\r?$)", re.MULTILINE)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)

Plain: TypeAlias = "str | bool | list[Plain] | tuple[Plain, ...] | None"


@dataclass(frozen=True, slots=True)
class Needed:
    """A dependency of a dependency; an optional one is only there when something else asks for it too."""

    app: str
    optional: bool


@dataclass(frozen=True, slots=True)
class Locked:
    """One entry of mix.lock; `source` is unknown for a form that only a later Mix or Hex can read.

    `repo` is ``hexpm``, ``hexpm:ORGANISATION`` or the name of another repository. `checksum` is that of the package's
    archive (SHA-256, in hex), None where an old lock has only that of what is in it. `checked` is False where
    Hex adds a checksum to what an older one wrote; `free` where there is none at all to hold a package against.
    """

    app: str
    at: Mark
    source: Literal["hex", "git", "unknown"]
    package: str
    version: str | None = None
    repo: str | None = None
    managers: tuple[str, ...] = ()
    deps: tuple[Needed, ...] | None = None
    """None where the lock doesn't say: of a git repository, and in the oldest form."""
    git: str | None = None
    checksum: str | None = None
    commit: str | None = None
    asked: Mapping[str, str] | None = None
    """The branch, tag or ref that was asked for when the commit was chosen; None where the lock doesn't say."""
    checked: bool = True
    free: bool = False

    @property
    def organization(self) -> str | None:
        """The organization of hex.pm that the package belongs to."""
        public, _, name = (self.repo or "").partition(":")
        return name if name and public == "hexpm" else None

    @property
    def public(self) -> bool:
        """Whether the package comes from hex.pm, be it from an organization there."""
        return self.repo == "hexpm" or self.organization is not None

    @property
    def address(self) -> str | None:
        """The git repository's address, without a login."""
        scheme, divider, rest = (self.git or "").partition("://")
        if not divider:
            return self.git
        host, slash, path = rest.partition("/")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def read(file: str, content: bytes) -> Mapping[str, Locked]:
    """Return the entries by the name of their application.

    Raises ProjectError when the file can't be read, with the place.
    """
    conflict = _CONFLICT.search(content)
    if conflict is not None:
        raise ProjectError(
            f"{file}: a merge conflict stands in it",
            at=Mark(file, content.count(b"\n", 0, conflict.start()) + 1),
            hint=f"take one side, run mix deps.get, and commit {file}",
        )
    if not content.strip():
        return {}
    source = parse(file, content)
    top = parts(source.root)
    if len(top) != 1 or top[0].type != "map":
        at = source.mark(top[0]) if top else Mark(file, 1)
        raise ProjectError(f"{file}: should be a map", at=at, hint="delete it and run mix deps.get to make it anew")
    return {locked.app: locked for locked in _entries(source, top[0])}


def _entries(source: Source, node: Node) -> Iterator[Locked]:
    for group in (group for content in parts(node) for group in parts(content)):
        # Before Elixir 1.0 the keys were strings: "name" => …
        for pair in [group] if group.type == "binary_operator" else parts(group):
            sides = ("left", "right") if pair.type == "binary_operator" else ("key", "value")
            key, value = (pair.child_by_field_name(side) for side in sides)
            if key is not None and value is not None:
                yield _locked(_key(source, key), source.mark(key), _plain(source, value))


def _locked(app: str, at: Mark, value: Plain) -> Locked:
    match value:
        case ("hex", str(package), str(version), *rest):
            # checksum, managers, dependencies, repository, outer checksum; older ones end earlier.
            managers, deps, repo, checksum = (*rest[1:5], None, None, None, None)[:4]
            managers = managers if isinstance(managers, list) else []
            return Locked(
                app, at, "hex", package, version,
                repo=repo if isinstance(repo, str) else "hexpm",
                managers=tuple(each for each in managers if isinstance(each, str)),
                deps=tuple(_needed(deps)) if isinstance(deps, list) else None,
                checksum=checksum.lower() if isinstance(checksum, str) and _SHA256.fullmatch(checksum) else None,
                # The second is nil where the repository has none.
                checked=len(rest) >= 5 and isinstance(rest[0], str),
                free=not any(isinstance(each, str) for each in (*rest[:1], *rest[4:5])),
            )  # fmt: skip
        case ("git", str(url), *rest):
            commit = rest[0] if rest else None
            asked = _asked(rest[1]) if len(rest) > 1 and isinstance(rest[1], list) else None
            return Locked(app, at, "git", app, git=url, commit=commit if isinstance(commit, str) else None, asked=asked)
    return Locked(app, at, "unknown", app)


def _asked(options: list[Plain]) -> Mapping[str, str]:
    pairs = (each for each in options if isinstance(each, tuple) and len(each) == 2)
    return {str(name): str(value) for name, value in pairs if name in ("branch", "ref", "tag")}


def _needed(deps: list[Plain]) -> Iterator[Needed]:
    for dep in deps:
        if isinstance(dep, tuple) and dep and isinstance(dep[0], str):
            options = dep[2] if len(dep) > 2 and isinstance(dep[2], list) else []
            yield Needed(dep[0], ("optional", True) in options)


def _plain(source: Source, node: Node) -> Plain:
    """Return a literal as Python's values, an atom as its name; None for what is no literal of a lock file."""
    match node.type:
        case "tuple":
            return tuple(_plain(source, part) for part in parts(node))
        case "list":
            items: list[Plain] = []
            for part in parts(node):
                items += _pairs(source, part) if part.type == "keywords" else [_plain(source, part)]
            return items
        case "atom":
            return source.text(node)[1:]
        case "boolean":
            return source.text(node) == "true"
        case "string" | "quoted_atom":
            return _text(source, node)
    return None


def _pairs(source: Source, keywords: Node) -> list[Plain]:
    found: list[Plain] = []
    for pair in parts(keywords):
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if key is not None and value is not None:
            found.append((_key(source, key), _plain(source, value)))
    return found


def _key(source: Source, node: Node) -> str:
    return source.text(node).rstrip()[:-1] if node.type == "keyword" else _text(source, node)


def _text(source: Source, node: Node) -> str:
    return "".join(source.text(part) for part in parts(node))
