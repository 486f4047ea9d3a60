"""The dependencies that a mix.exs names."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from relbuild.elixir.values import Atom, Gap, Item, List, Term, Tuple, Value
from relbuild.errors import Mark
from relbuild.facts import Known, Unknown
from relbuild.mix import fields
from relbuild.mix.fields import Fields, named

# The options by which a dependency is compiled, besides its sources (Mix.Tasks.Deps).
BUILD_OPTIONS = ("app", "compile", "env", "manager", "system_env")

NOT_KNOWN = "?"

DependencySource: TypeAlias = Literal["hex", "git", "path", "umbrella", "unknown"]


@dataclass(frozen=True, slots=True)
class Dependency:
    """A dependency as mix.exs names it. A field that isn't known is None, and `unknown` says so.

    `git` is a URL without the credentials it may have had; `path` is relative to the tree's root and may leave it.
    `built` are the options by which it is compiled, as Elixir writes them; `NOT_KNOWN` where they can't be told.
    """

    app: str
    at: Mark
    source: DependencySource
    requirement: str | None = None
    hex: str | None = None
    organization: str | None = None
    repo: str | None = None
    git: str | None = None
    git_credentials: bool = False
    ref: str | None = None
    branch: str | None = None
    tag: str | None = None
    submodules: bool = False
    path: str | None = None
    only: tuple[str, ...] | None = None
    targets: tuple[str, ...] | None = None
    runtime: bool | None = None
    optional: bool | None = None
    override: bool | None = None
    compile: str | bool | None = None
    manager: str | None = None
    built: str | None = None
    unknown: tuple[Unknown, ...] = ()

    def in_release(self) -> bool | None:
        """Return whether a build for production fetches it; None when that isn't known."""
        vague = (f"dependency {self.app}", f"dependency {self.app}: only", f"dependency {self.app}: targets")
        if any(unknown.what in vague for unknown in self.unknown):
            return None
        return (self.only is None or "prod" in self.only) and (self.targets is None or "host" in self.targets)


def read_dependencies(term: Term, directory: str) -> tuple[tuple[Dependency, ...], tuple[Unknown, ...]]:
    """Return the dependencies in the value of `:deps`, and what of it isn't known."""
    if isinstance(term, Unknown):
        return (), (named(term, "deps"),)
    if not isinstance(term.value, List):
        return (), (Unknown("deps", "should be a list", term.at),)
    found: list[Dependency] = []
    unknown: list[Unknown] = []
    for item in term.value.items:
        if isinstance(item, Gap | Unknown):
            unknown.append(named(item.unknown if isinstance(item, Gap) else item, "deps"))
            continue
        dependency = _dependency(item, directory)
        if isinstance(dependency, Unknown):
            unknown.append(dependency)
        else:
            found.append(dependency)
            unknown.extend(dependency.unknown)
    return tuple(found), tuple(unknown)


def _dependency(item: Known[Value], directory: str) -> Dependency | Unknown:
    parts = item.value.items if isinstance(item.value, Tuple) else ()
    if not 2 <= len(parts) <= 3:
        return Unknown("deps", "a dependency should be {app, requirement} or {app, requirement, options}", item.at)
    app, *rest = parts
    if isinstance(app, Unknown):
        return named(app, "deps")
    if not isinstance(app.value, Atom):
        return Unknown("deps", "a dependency's name should be an atom", item.at)
    what = f"dependency {app.value.name}"
    requirement: str | None = None
    options = List(())
    unknown: list[Unknown] = []
    for part in rest:
        if isinstance(part, Unknown):
            unknown.append(named(part, what))
            # It may be a requirement or options, which could say anything.
            options = List((*options.items, Gap(part)))
        elif isinstance(part.value, List):
            options = List((*options.items, *part.value.items))
        elif isinstance(part.value, str):
            requirement = part.value
        elif part.value is not None:
            unknown.append(Unknown(what, "its requirement is neither a string nor options", part.at))
    given = Fields(options, f"{what}: ", directory, unknown)
    return _with_options(app.value.name, item.at, requirement, given)


def _with_options(app: str, at: Mark, requirement: str | None, given: Fields) -> Dependency:
    source = _source(given)
    url = given.value("git", fields.string) if given.term("git") is not None else _github(given)
    git, has_credentials = _without_credentials(url) if source == "git" and url is not None else (None, False)
    path = given.value("path", given.path) if source == "path" else None
    if source == "umbrella":
        path = given.path(f"../{app}")
    return Dependency(
        app,
        at,
        source,
        requirement,
        hex=given.value("hex", _text),
        organization=given.value("organization", fields.string),
        repo=given.value("repo", fields.string),
        git=git,
        git_credentials=has_credentials,
        ref=given.value("ref", fields.string),
        branch=given.value("branch", fields.string),
        tag=given.value("tag", fields.string),
        submodules=given.value("submodules", fields.boolean) is True,
        path=path,
        only=given.value("only", fields.names),
        targets=given.value("targets", fields.names),
        runtime=given.value("runtime", fields.boolean),
        optional=given.value("optional", fields.boolean),
        override=given.value("override", fields.boolean),
        compile=given.value("compile", _text_or_boolean),
        manager=given.value("manager", fields.name),
        built=_built(given),
        unknown=_summed_up(app, given.unknown),
    )


def _built(given: Fields) -> str | None:
    found = ((key, given.term(key)) for key in BUILD_OPTIONS)
    written = [(key, _written(term)) for key, term in found if term is not None]
    if any(text is None for _, text in written):
        return NOT_KNOWN
    return ", ".join(f"{key}: {text}" for key, text in written) or None


def _written(term: Item) -> str | None:
    """Return a term as Elixir writes it; None where it isn't known, or is nothing that such an option has."""
    value = term.value if isinstance(term, Known) else term
    match value:
        case str():
            return json.dumps(value)
        case Atom() | bool() | int() | float():
            return str(value).lower() if isinstance(value, bool) else str(value)
        case List(items) | Tuple(items):
            parts = [_written(item) for item in items]
            brackets = "[]" if isinstance(value, List) else "{}"
            return None if None in parts else ", ".join(map(str, parts)).join(brackets)
    return None


def _source(given: Fields) -> DependencySource:
    """Return where Mix takes it from; it asks git first, then path, then Hex (Mix.SCM.available/0)."""
    keys: tuple[tuple[str, DependencySource], ...] = (
        ("git", "git"), ("github", "git"), ("path", "path"), ("in_umbrella", "umbrella"),
    )  # fmt: skip
    for key, source in keys:
        term = given.term(key)
        if isinstance(term, Unknown) and any(isinstance(item, Gap | Unknown) for item in given.keywords.items):
            return "unknown"
        if term is not None and not (isinstance(term, Known) and term.value is False):
            return source
    return "hex"


def _github(given: Fields) -> str | None:
    repository = given.value("github", fields.string)
    return f"https://github.com/{repository}.git" if repository is not None else None


def _without_credentials(url: str) -> tuple[str, bool]:
    """Return a git URL without a password or token in it, and whether it had one."""
    scheme, divider, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    login, at, host = authority.rpartition("@")
    # Over ssh a login without a password is a name; over https it is a token.
    if not divider or not at or (scheme not in ("http", "https") and ":" not in login):
        return url, False
    return f"{scheme}://{host}{slash}{path}", True


def _text(value: Value) -> str:
    return fields.name(value) if isinstance(value, Atom) else fields.string(value)


def _text_or_boolean(value: Value) -> str | bool:
    return value if isinstance(value, bool) else fields.string(value)


def _summed_up(app: str, unknown: list[Unknown]) -> tuple[Unknown, ...]:
    """Return each reason once: one that leaves several fields open is of the whole dependency."""
    reasons = [(one.reason, one.at) for one in unknown]
    whole = [
        replace(one, what=f"dependency {app}") if reasons.count((one.reason, one.at)) > 1 else one for one in unknown
    ]
    return tuple(dict.fromkeys(whole))
