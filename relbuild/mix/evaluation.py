"""The project as Mix itself evaluates it, and where that differs from what relbuild reads."""

from __future__ import annotations

import dataclasses
import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from relbuild.elixir.syntax import parse
from relbuild.elixir.values import Atom, Function, List, Map, Term, TreePath, Tuple, Value
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Known, Unknown
from relbuild.mix import fields, project
from relbuild.mix.dependencies import Dependency
from relbuild.mix.fields import Fields
from relbuild.mix.mixfile import MixDefinition
from relbuild.mix.project import Alias, Project
from relbuild.mix.releases import Release

# Where the project lies when Mix evaluates it: its own directory has the name that it has in the image's build, and
# those above it are so many that a path which leaves it can be told from any other.
TOP = "/relbuild"
DIRECTORY = f"{TOP}/in/a/directory/of/its/own/src"

# How much of an error is shown, in characters: a reason to exit may be a whole term with all that it holds.
LONGEST = 600

# Stands for every function: none can be told from another.
_FUNCTION = Function(parse("mix.exs", b"nil").root)


def read_evaluated(said: str | bytes, static: Project) -> Project:
    """Return the project that Mix says, from what evaluate.exs wrote; its facts have the places that were read.

    Raises ProjectError for what Mix can't evaluate and for what it refuses.
    """
    places = {one.path: one.at for one in (static, *static.apps)}
    found = {each["path"]: each for each in json.loads(said)}
    problems = [
        Problem(
            f"Mix can't evaluate it: {_shortened(each['error'])}",
            places.get(path) or Mark(posixpath.join(path, "mix.exs"), 1),
            "it is evaluated as the image's build does it: MIX_ENV=prod, the project's files, no network",
        )
        for path, each in found.items()
        if "error" in each
    ]
    if problems:
        raise ProjectError.of(problems)
    reads = {one.path: frozenset(one.reads) for one in (static, *static.apps)}
    all_said = {
        path: definition_of(each, places.get(path), reads.get(path, frozenset())) for path, each in found.items()
    }
    evaluated = project.project_of(all_said[""], lambda root: _children(root, all_said))
    project.require_applications(all_said[""], evaluated)
    return evaluated


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def definition_of(
    each: Mapping[str, Any], place: Mark | None = None, reads: frozenset[str] = frozenset()
) -> MixDefinition:
    """Return what one mix.exs gives, from its part of what evaluate.exs wrote."""
    path = each["path"]
    at = place or Mark(posixpath.join(path, "mix.exs"), 1)
    given, application = (Fields(_keywords(each.get(key), at), "", path) for key in ("project", "application"))
    return MixDefinition(path, each["module"], at, given, application, reads, lambda value: value)


def _children(root: MixDefinition, said: Mapping[str, MixDefinition]) -> Iterator[MixDefinition]:
    apps_path, chosen = root.given.fact("apps_path", root.given.path), root.given.fact("apps", fields.names)
    if not isinstance(apps_path, Known):
        return
    for path, child in sorted(said.items()):
        directory, _, name = path.rpartition("/")
        if path and directory == apps_path.value and not (isinstance(chosen, Known) and name not in chosen.value):
            yield child


def _keywords(json_term: Any, at: Mark) -> List:
    found = _term(json_term, at)
    return found.value if isinstance(found, Known) and isinstance(found.value, List) else List(())


def _term(said: Any, at: Mark) -> Term:
    if isinstance(said, dict) and not {"a", "n", "t", "m", "f"} & said.keys():
        return Unknown("a value", "it has no form that can be written down", at)
    return Known(_value(said, at), at)


def _value(said: Any, at: Mark) -> Value:
    if isinstance(said, str):
        return _text(said)
    if isinstance(said, list):
        return List(tuple(_term(each, at) for each in said))
    if not isinstance(said, dict):
        return said if said is None or isinstance(said, bool | int) else None
    [(tag, inner)] = said.items()
    match tag:
        case "a":
            return Atom(inner)
        case "n":
            return float(inner)
        case "t":
            return Tuple(tuple(_term(each, at) for each in inner))
        case "m":
            return Map(tuple((_term(key, at), _term(value, at)) for key, value in inner))
        case _:
            return _FUNCTION


def _text(text: str) -> Value:
    if text != TOP and not text.startswith(f"{TOP}/"):
        return text
    path = posixpath.relpath(text, DIRECTORY)
    return TreePath("" if path == "." else path)


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
    return (field.name for field in dataclasses.fields(part) if field.name not in _NOT_FACTS)


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
