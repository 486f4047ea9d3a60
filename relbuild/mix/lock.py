"""What mix.lock pins, and which dependencies a build for production fetches by it.

The forms of an entry are those of Hex's `Hex.Utils.lock/1` and of Mix's `Mix.SCM.Git`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tree_sitter import Node

from relbuild.elixir.syntax import Source, parse, parts
from relbuild.elixir.versions import Requirement, Version
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.mix.dependencies import Dependency
from relbuild.mix.project import Project

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


def read_lock(file: str, content: bytes) -> Mapping[str, Locked]:
    """Return the entries by the name of their application.

    Raises ProjectError when the file can't be read, with the place.
    """
    conflict = _CONFLICT.search(content)
    if conflict is not None:
        raise ProjectError(
            f"{file}: the file has an unresolved merge conflict",
            at=Mark(file, content.count(b"\n", 0, conflict.start()) + 1),
            hint=f"take one side, run mix deps.get, and commit {file}",
        )
    if not content.strip():
        return {}
    source = parse(file, content)
    top = parts(source.root)
    if len(top) != 1 or top[0].type != "map":
        at = source.mark(top[0]) if top else Mark(file, 1)
        raise ProjectError(f"{file}: should be a map", at=at, hint="delete it and run mix deps.get to create it again")
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
            asked = _requested(rest[1]) if len(rest) > 1 and isinstance(rest[1], list) else None
            return Locked(app, at, "git", app, git=url, commit=commit if isinstance(commit, str) else None, asked=asked)
    return Locked(app, at, "unknown", app)


def _requested(options: list[Plain]) -> Mapping[str, str]:
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
            return _quoted(source, node)
    return None


def _pairs(source: Source, keywords: Node) -> list[Plain]:
    found: list[Plain] = []
    for pair in parts(keywords):
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if key is not None and value is not None:
            found.append((_key(source, key), _plain(source, value)))
    return found


def _key(source: Source, node: Node) -> str:
    return source.text(node).rstrip()[:-1] if node.type == "keyword" else _quoted(source, node)


def _quoted(source: Source, node: Node) -> str:
    return "".join(source.text(part) for part in parts(node))


MOST_APART = 3
_CHECK_LOCKED = Version(1, 15, 0)


@dataclass(frozen=True, slots=True)
class Resolved:
    """A dependency that is fetched. `package` is its name in a Hex repository, `at` where it is pinned or named.

    `repo` is ``hexpm``, ``hexpm:ORGANISATION`` or another repository's name. `runtime` is False for one that only
    helps to build. `managers` are the build tools it may be built with, () when that isn't known; `deps` are the
    dependencies that its version has, None when those aren't known.
    """

    app: str
    package: str
    at: Mark
    repo: str | None = None
    git: str | None = None
    runtime: bool = True
    managers: tuple[str, ...] = ()
    deps: tuple[Needed, ...] | None = None


def resolve_dependencies(project: Project, lock: Mapping[str, Locked]) -> tuple[Resolved, ...]:
    """Return what is fetched, by the name of the application; of what mix.lock doesn't pin, only what mix.exs names."""
    roots = [dep for dep in _fetched(project) if dep.in_release() is not False]
    reached = _reach(lock, (dep.app for dep in roots))
    running = _reach(lock, (dep.app for dep in roots if dep.runtime is not False))
    if _is_open(project, lock, reached):
        # What a git dependency depends on, only its own mix.exs says: what nothing else explains may be that.
        explained = _reach(lock, (dep.app for dep in _fetched(project)), optional=True)
        reached |= lock.keys() - explained
        running |= lock.keys() - explained
    named = {dep.app: dep for dep in reversed(roots)}
    apps = sorted(reached | named.keys())
    return tuple(_resolved(app, lock.get(app), named.get(app), app in running) for app in apps)


def refuse_mismatch(project: Project, lock: Mapping[str, Locked], file: str) -> None:
    """Raise ProjectError for each dependency that mix.lock surely doesn't pin as ``mix deps.get --check-locked`` wants.

    It has no version of it that mix.exs allows.
    """
    problems: list[Problem] = []
    for dep in _fetched(project):
        if dep.in_release() is not True or dep.source == "unknown" or dep.unknown:
            continue
        mismatch = _mismatch(dep, lock.get(dep.app), file)
        if mismatch is not None:
            problems.append(Problem(mismatch, dep.at, f"run mix deps.get, and commit {file}"))
    if problems:
        raise ProjectError.of(problems)


def unchecked(project: Project, lock: Mapping[str, Locked]) -> tuple[Locked, ...]:
    """Return what is surely fetched and lacks a checksum in mix.lock, by name."""
    surely = _reach(lock, (dep.app for dep in _fetched(project) if dep.in_release() is True))
    return tuple(lock[app] for app in sorted(surely) if not lock[app].checked)


def hold_unchecked(lacking: tuple[Locked, ...], file: str, elixir: str | None) -> tuple[str, ...]:
    """Raise ProjectError where the build's Mix refuses to add checksums to mix.lock; else return what to note of it.

    `mix deps.get` adds what an older Hex hasn't written, `--check-locked` forbids that, and Mix knows that option from
    Elixir 1.15 on. Whichever checksum there is, Hex holds the package against it (hex: lib/hex/remote_converger.ex).
    """
    version = Version.parse(elixir) if elixir is not None else None
    if version is None or version < _CHECK_LOCKED:
        free = tuple(each for each in lacking if each.free)
        told = f"{_without(free, file)}: a build may get another package than you have; run mix deps.get"
        return (told,) if free else ()
    why = "and the build's mix deps.get --check-locked refuses to add it"
    hint = f"run mix deps.get, and commit {file}"
    # An old lock file has none at all, which is one fault.
    groups = (lacking,) if len(lacking) > MOST_APART else tuple((each,) for each in lacking)
    problems = [Problem(f"{_without(group, file)}, {why}", group[0].at, hint) for group in groups if group]
    if problems:
        raise ProjectError.of(problems)
    return ()


def _without(lacking: tuple[Locked, ...], file: str) -> str:
    if len(lacking) <= MOST_APART:
        return f"{file} lacks a checksum of {', '.join(each.app for each in lacking)}"
    names = ", ".join(each.app for each in lacking[:MOST_APART])
    return f"{file} lacks checksums of {len(lacking)} packages ({names}, …)"


def _mismatch(dep: Dependency, locked: Locked | None, file: str) -> str | None:
    if locked is None:
        return f"{file} does not match mix.exs: it has no {dep.app}"
    if locked.source != dep.source:
        return (
            None if locked.source == "unknown" else f"{file} does not match mix.exs: {dep.app} is from {locked.source}"
        )
    if dep.source == "git":
        # What stands for a credential in a URL is taken away on one side only.
        same = dep.git is None or dep.git_credentials or locked.git == dep.git
        if not same:
            return f"{file} does not match mix.exs: {dep.app} is from {_shown(locked.git)}"
        asked = {name: value for name in ("branch", "ref", "tag") if (value := getattr(dep, name)) is not None}
        # Without a word Mix would fetch the other commit, and before Elixir 1.15 no option has it refuse to.
        if locked.asked is None or locked.asked == asked:
            return None
        return f"{file} does not match mix.exs: {dep.app} is locked for {_said(locked.asked)}, not {_said(asked)}"
    requirement = Requirement.parse(dep.requirement) if dep.requirement is not None else None
    version = Version.parse(locked.version) if locked.version is not None else None
    if requirement is None or version is None or requirement.admits(version):
        return None
    return f"{file} does not match mix.exs: it has {dep.app} {version}, and {dep.requirement} is requested"


def _said(asked: Mapping[str, str]) -> str:
    return " and ".join(f"{name} {value}" for name, value in sorted(asked.items())) or "the default branch"


def _shown(url: str | None) -> str:
    """Return a git URL without anyone's name or password."""
    scheme, divider, rest = (url or "another place").partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if divider else scheme


def _fetched(project: Project) -> Iterator[Dependency]:
    """Yield the dependencies that mix.exs names and Mix fetches; an optional one only where the project has it."""
    own = {part.path for part in (project, *project.apps)}
    for part in project.parts:
        for dep in part.deps:
            if dep.source in ("hex", "git", "unknown") and (part.path in own or dep.optional is not True):
                yield dep


def _reach(lock: Mapping[str, Locked], apps: Iterable[str], *, optional: bool = False) -> set[str]:
    """Return the entries that the applications lead to, over what is optional only when that is requested."""
    found: set[str] = set()
    pending = deque(apps)
    while pending:
        app = pending.popleft()
        if app not in found and app in lock:
            found.add(app)
            pending += [need.app for need in lock[app].deps or () if optional or not need.optional]
    return found


def _is_open(project: Project, lock: Mapping[str, Locked], reached: set[str]) -> bool:
    if any(unknown.what == "deps" for unknown in project.unknown) or any(not dep.project for dep in project.path_deps):
        return True
    return any(lock[app].source != "hex" for app in reached)


def _resolved(app: str, locked: Locked | None, named: Dependency | None, running: bool) -> Resolved:
    if locked is not None:
        return Resolved(
            app, locked.package, locked.at, locked.repo, locked.git, running, locked.managers, locked.deps
        )  # fmt: skip
    assert named is not None
    repo = f"hexpm:{named.organization}" if named.organization else named.repo or "hexpm"
    return Resolved(
        app,
        named.hex or app,
        named.at,
        repo if named.source == "hex" else None,
        named.git,
        named.runtime is not False,
        (named.manager,) if named.manager else (),
    )
