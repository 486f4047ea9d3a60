"""Which dependencies a build for production fetches: those mix.exs names, and by mix.lock those that they have."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relbuild.elixir.versions import Requirement, Version
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.mix.dependencies import Dependency
from relbuild.mix.project import Project

if TYPE_CHECKING:
    from relbuild.mix.lock import Locked, Needed


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


def resolve(project: Project, lock: Mapping[str, Locked]) -> tuple[Resolved, ...]:
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
    return f"{file} does not match mix.exs: it has {dep.app} {version}, and {dep.requirement} is asked for"


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
    """Return the entries that the applications lead to, over what is optional only when that is asked for."""
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
