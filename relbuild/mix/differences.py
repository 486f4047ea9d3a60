"""Two readings of one project, fact by fact: what the one has that the other did not know, or has otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from relbuild.errors import Mark
from relbuild.facts import Known, Unknown
from relbuild.mix.dependencies import Dependency
from relbuild.mix.project import Alias, Project
from relbuild.mix.releases import Release

# What is no fact of its own: names, places, what follows from other facts, and what is compared part by part.
_NOT_FACTS = frozenset({"name", "app", "at", "unknown"})
_NOT_THE_PROJECTS = frozenset({"path", "module", "apps", "releases", "deps", "aliases", "reads", "path_deps"})
_Part = TypeVar("_Part", Release, Dependency, Alias)


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact that Mix has otherwise: what it is of, as it was read (None for not at all), as it is, and where.

    ``stated`` tells that it was read as something else; otherwise it was only not known.
    """

    what: str
    read: str | None
    evaluated: str | None
    at: Mark
    stated: bool


def fill_in(read: Project, evaluated: Project) -> tuple[Project, tuple[Difference, ...]]:
    """Return the project as it was evaluated, with the places it was read at, and where the two differ."""
    found: list[Difference] = []
    before = f"{read.path}: " if read.path else ""
    filled = {
        name: _fact(f"{before}{name}", getattr(read, name), getattr(evaluated, name), read.at, found)
        for name in ("app", *(name for name in _facts(read) if name not in _NOT_THE_PROJECTS))
    }
    open_ends = {unknown.what for unknown in read.unknown}
    releases = _parts(f"{before}release ", read.releases, evaluated.releases, "releases" in open_ends, read.at, found)
    deps = _parts(f"{before}dependency ", read.deps, evaluated.deps, "deps" in open_ends, read.at, found)
    aliases = _parts(f"{before}alias ", read.aliases, evaluated.aliases, True, read.at, found)
    apps = _apps(read, evaluated, found)
    merged = replace(
        evaluated,
        **filled,
        at=read.at,
        reads=read.reads,
        path_deps=read.path_deps,
        releases=releases,
        deps=deps,
        aliases=aliases,
        apps=apps,
    )
    return merged, tuple(found)


def _apps(read: Project, evaluated: Project, found: list[Difference]) -> tuple[Project, ...]:
    known = {app.path: app for app in read.apps}
    apps = []
    for app in evaluated.apps:
        one = known.pop(app.path, None)
        if one is None:
            found.append(
                Difference(f"application {app.path}", None, "there", app.at, isinstance(read.apps_path, Known))
            )
            apps.append(app)
            continue
        merged, differences = fill_in(one, app)
        apps.append(merged)
        found += differences
    found += [Difference(f"application {path}", "there", None, app.at, True) for path, app in known.items()]
    return tuple(apps)


def _facts(part: Any) -> Iterable[str]:
    return (field.name for field in fields(part) if field.name not in _NOT_FACTS)


def _fact(what: str, read: Any, evaluated: Any, at: Mark, found: list[Difference]) -> Any:
    """Return the fact to go on with, noting where the two differ."""
    if isinstance(evaluated, Unknown) or _same(read, evaluated):
        return read
    place = read.at if isinstance(read, Known | Unknown) else at
    stated = not isinstance(read, Unknown)
    found.append(Difference(what, _shown(read) if stated else None, _shown(evaluated), place, stated))
    return replace(evaluated, at=place) if isinstance(evaluated, Known) else evaluated


def _parts(
    what: str, read: Sequence[_Part], evaluated: Sequence[_Part], open_end: bool, at: Mark, found: list[Difference]
) -> tuple[_Part, ...]:
    """Return the releases, dependencies or aliases to go on with; each is known by its name."""
    known = {_name(part): part for part in reversed(read)}
    merged = []
    for part in evaluated:
        one = known.pop(_name(part), None)
        if one is None:
            found.append(Difference(f"{what}{_name(part)}", None, "there", at, not open_end))
            merged.append(part)
        else:
            merged.append(_part(f"{what}{_name(part)}", one, part, found))
    kept = {_name(part) for part in evaluated}
    found += [
        Difference(f"{what}{name}", "there", None, part.at, not open_end)
        for name, part in known.items()
        if name not in kept
    ]
    return tuple(merged)


def _part(what: str, read: _Part, evaluated: _Part, found: list[Difference]) -> _Part:
    open_ends = {unknown.what for unknown in getattr(read, "unknown", ())}
    filled: dict[str, Any] = {"at": read.at}
    for name in _facts(evaluated):
        one, other = getattr(read, name), getattr(evaluated, name)
        # A dependency's fields are no facts: None may mean that it isn't known, or that it isn't given.
        if not isinstance(one, Known | Unknown) and {what, f"{what}: {name}"} & open_ends:
            one = Unknown(name, "", read.at) if other else other
        filled[name] = _fact(f"{what}: {name}", one, other, read.at, found)
    return replace(evaluated, **filled)


def _name(part: Release | Dependency | Alias) -> str:
    return part.app if isinstance(part, Dependency) else part.name


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Known) and isinstance(other, Known):
        return bool(one.value == other.value)
    return bool(one == other)


def _shown(fact: Any) -> str:
    value = fact.value if isinstance(fact, Known) else fact
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(": ".join(each) if isinstance(each, tuple) else str(each) for each in value) or "none"
    return str(value)
