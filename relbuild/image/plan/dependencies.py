"""The project's dependencies: which are fetched, how they are reached, and what they are compiled from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relbuild.config import Config
from relbuild.errors import ProjectError
from relbuild.facts import Known, Tree
from relbuild.image.plan.credentials import DependencyAccess, plan_access
from relbuild.mix import lock
from relbuild.mix.dependencies import Dependency
from relbuild.mix.lock import Resolved
from relbuild.mix.project import Project

if TYPE_CHECKING:
    from relbuild.mix.lock import Locked
import posixpath
from collections.abc import Iterator

from relbuild.image.plan.sources import Sources
from relbuild.mix.dependencies import NOT_KNOWN

# What git takes for a directory, not for a server (git-clone(1)), where ``host:path`` is one.
_LOCAL = re.compile(r"file:|[./~]")


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The dependencies of a build for production: `any` says whether there is anything to fetch and compile.

    That is so too when they can't all be read; `rebar3` says whether one may be built with it. `hex` says whether Mix
    needs Hex to read mix.exs: it asks it for those of other environments too, before it leaves them out
    (elixir: lib/mix/lib/mix/dep/loader.ex, ``mix_children/3``). `names` are those of the applications that may be
    fetched, with those that only other environments need; None where not all are known. `unchecked` are the entries of
    `lockfile` that lack a checksum.
    """

    any: bool
    hex: bool
    rebar3: bool
    resolved: tuple[Resolved, ...]
    access: DependencyAccess
    notes: tuple[str, ...]
    names: frozenset[str] | None
    lockfile: str
    unchecked: tuple[Locked, ...]

    def held_by(self, elixir: str | None) -> tuple[str, ...]:
        """Return what is worth a note once the Elixir is known that fetches them; ProjectError for what it refuses."""
        return lock.hold_unchecked(self.unchecked, self.lockfile, elixir)


def plan_dependencies(tree: Tree, project: Project, config: Config) -> Dependencies:
    """Return what is decided by mix.exs and the lock file, where there is one.

    Raises ProjectError for a lock file that surely doesn't match mix.exs, or can't be read, and ConfigError for a
    repository of which relbuild.yml doesn't give the address.
    """
    lockfile = project.lockfile.value if isinstance(project.lockfile, Known) else "mix.lock"
    content = tree.read(lockfile)
    pinned = _pinned_packages(lockfile, content)
    if content is not None:
        lock.refuse_mismatch(project, pinned, lockfile)
    found = lock.resolve_dependencies(project, pinned)
    unread = next((unknown for unknown in project.unknown if unknown.what == "deps"), None)
    is_open = unread is not None
    # What a path dependency that is no Mix project has, only rebar3 can say.
    foreign = any(dep.project is None for dep in project.path_deps)
    named = [dep for part in project.parts for dep in part.deps if dep.source not in ("path", "umbrella")]
    for dep in named:
        if dep.git and dep.in_release() is not False and _LOCAL.match(dep.git):
            raise ProjectError(
                f"dependency {dep.app}: {dep.git} is a repository on this machine's disk, which no build stage has",
                at=dep.at,
                hint="push it to a server and name it there, or write path: with a directory of the repository",
            )
    present = is_open or foreign or any(dep.in_release() is not False for dep in named)
    needs_hex = present or any(dep.source in ("hex", "unknown") for dep in named)
    # Where Hex names Mix as a build tool, rebar3 isn't called.
    rebar3 = present and (is_open or foreign or any("mix" not in dep.managers for dep in found))
    notes = list(_dependency_notes(project, content is not None))
    if unread is not None and pinned:
        notes.append(
            f"which dependencies are fetched isn't known, as deps can't be read ({unread.at.brief}): "
            f"all that nothing else in {lockfile} explains is taken for needed, what only tests need too"
        )
    names = None if is_open or foreign else _dependency_names(named, pinned)
    access, lacking = plan_access(found, config), lock.unchecked(project, pinned)
    return Dependencies(present, needs_hex, rebar3, found, access, tuple(notes), names, lockfile, lacking)


def _dependency_names(named: Iterable[Dependency], pinned: Mapping[str, Locked]) -> frozenset[str] | None:
    """Return what the dependencies are called; None where one may have others that mix.lock doesn't have.

    That is so of a git repository, which may have applications in other directories of it, and without mix.lock.
    """
    apart = any(dep.source != "hex" or dep.unknown or dep.app not in pinned for dep in named)
    return None if apart or any(each.source != "hex" for each in pinned.values()) else frozenset(pinned)


def _pinned_packages(lockfile: str, content: bytes | None) -> Mapping[str, Locked]:
    if content is None:
        return {}
    from relbuild.mix import lock

    return lock.read_lock(lockfile, content)


def _dependency_notes(project: Project, has_lockfile: bool) -> tuple[str, ...]:
    named = [dep for part in project.parts for dep in part.deps]
    notes = [
        f"dependency {dep.app} ({dep.at.brief}) has a login in its git URL, and with it everyone who has "
        "the project: take it out, and give GIT_CREDENTIALS under builder.secrets"
        for dep in named
        if dep.git_credentials
    ]
    if not has_lockfile and any(dep.source in ("hex", "git") and dep.in_release() is not False for dep in named):
        notes.append("no mix.lock: the dependencies' versions are resolved again in each build; commit mix.lock")
    return tuple(notes)


# A version in mix.exs, and where its attribute may be used without anything else depending on it.
_VERSION = re.compile(r'(?:@version|version:) "[^"]*"')
_MADE_OF_IT = re.compile(_VERSION.pattern + r"(?:[ \t]*(?![ \t,\])}#]|$)|\s*(?:\|>|<>))", re.MULTILINE)
_ATTRIBUTE = re.compile(r"@version\b")
_HARMLESS = re.compile(r'@version\s+"[^"]*"\s*$|\bversion:\s*@version\b|\bsource_ref:')
# What a shell takes as it is.
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class Manifests:
    """What is left out of the files that the dependencies are compiled by.

    `versioned` are the mix.exs files whose version is replaced. With `configured` config.exs is rewritten to what it
    sets for dependencies. `options` are those that dependencies are compiled with, None where mix.exs may compute one.
    """

    versioned: tuple[str, ...]
    configured: bool
    options: tuple[str, ...] | None
    notes: tuple[str, ...] = ()


def plan_manifests(tree: Tree, project: Project, sources: Sources, *, has_secrets: bool) -> Manifests:
    """Return what can be left out without any dependency being compiled otherwise."""
    own = [posixpath.join(part.path, "mix.exs") for part in (project, *project.apps)]
    versioned = tuple(path for path in own if _has_plain_version(tree, path))
    file = project.config_path.value if isinstance(project.config_path, Known) else "config/config.exs"
    named = all(isinstance(part.app, Known) for part in (project.apps or (project,)))
    is_there = file in sources.compile_config
    return Manifests(
        versioned=versioned,
        configured=is_there and named and not has_secrets,
        options=_dependency_options(project),
        notes=tuple(
            _recompile_notes(project, file if is_there else "", own, versioned, named=named, has_secrets=has_secrets)
        ),
    )


def _has_plain_version(tree: Tree, path: str) -> bool:
    """Return whether the version in a mix.exs can be replaced: only `version` itself depends on it."""
    content = (tree.read(path) or b"").decode("utf-8", "replace")
    if not _VERSION.search(content) or _MADE_OF_IT.search(content) or not _PLAIN.fullmatch(path):
        return False
    return all(_HARMLESS.search(line) for line in content.splitlines() if _ATTRIBUTE.search(line))


def _dependency_options(project: Project) -> tuple[str, ...] | None:
    deps = [dep for part in project.parts for dep in part.deps]
    if any(each.what.startswith("dep") for each in project.unknown) or any(dep.built == NOT_KNOWN for dep in deps):
        return None
    return tuple(sorted({f"{dep.app}: {dep.built}" for dep in deps if dep.built}))


def _recompile_notes(
    project: Project, file: str, own: list[str], versioned: tuple[str, ...], *, named: bool, has_secrets: bool
) -> Iterator[str]:
    """Yield what makes the dependencies or the project be compiled from scratch more often than they need to."""
    computed = [path for path in own if path not in versioned]
    if computed and (project.apps or project.deps):
        yield (
            f"each new version compiles the whole project: the version in {' and '.join(computed)} is computed, or "
            'more depends on it than `version:`; a plain `version: "1.2.3"` avoids that'
        )
    if file and has_secrets:
        yield (
            f"each change of {file} compiles all dependencies: it may use builder.secrets, which no layer may hold; "
            "read what is secret in runtime.exs"
        )
    elif file and not named:
        yield (
            f"each change of {file} compiles all dependencies: which of it is the project's own depends on `app:` in "
            "mix.exs, which is computed"
        )
