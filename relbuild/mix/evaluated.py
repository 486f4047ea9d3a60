"""What Mix itself says of a project, as the reader of mix.exs gives it; where the two differ."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from relbuild.elixir.syntax import parse
from relbuild.elixir.values import Atom, Function, List, Map, Term, TreePath, Tuple, Value
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Known, Unknown
from relbuild.mix import fields, project
from relbuild.mix.fields import Fields
from relbuild.mix.mixfile import MixDefinition
from relbuild.mix.project import Project

# Where the project lies when Mix evaluates it: its own directory has the name that it has in the image's build, and
# those above it are so many that a path which leaves it can be told from any other.
TOP = "/relbuild"
DIRECTORY = f"{TOP}/in/a/directory/of/its/own/src"

# How much of an error is told, in characters: a reason to exit may be a whole term with all that it holds.
LONGEST = 600

# Stands for every function: none can be told from another.
_FUNCTION = Function(parse("mix.exs", b"nil").root)


def read(said: str | bytes, static: Project) -> Project:
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
    evaluated = project.of(all_said[""], lambda root: _children(root, all_said))
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
