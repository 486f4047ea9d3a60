"""The releases that a mix.exs defines, and which of them is meant (Mix.Release.from_config!/3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from relbuild.elixir.values import Atom, Function, Gap, List, Term, Tuple, Value, entries
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Fact, Known, Unknown
from relbuild.mix import fields
from relbuild.mix.fields import Fields, WrongType, fact_of, named

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class ConfigProvider:
    """A module that configures the release when it boots, and the options that its init/1 gets."""

    module: str
    options: Term
    at: Mark


@dataclass(frozen=True, slots=True)
class Release:
    """A release as mix.exs defines it; an option that isn't given is None, and Mix's default applies.

    Whether a cookie is set is told, never which. Paths are relative to the tree's root.
    """

    name: str
    at: Mark
    version: Fact[str]
    applications: Fact[tuple[tuple[str, str], ...]] | None = None
    include_erts: Fact[bool | str] | None = None
    include_executables_for: Fact[tuple[str, ...]] | None = None
    cookie: Fact[bool] | None = None
    overlays: Fact[tuple[str, ...]] | None = None
    path: Fact[str] | None = None
    rel_templates_path: Fact[str] | None = None
    runtime_config_path: Fact[str | bool] | None = None
    strip_beams: Fact[bool] | None = None
    steps: Fact[tuple[str, ...]] | None = None
    config_providers: Fact[tuple[ConfigProvider, ...]] | None = None
    reboot_system_after_config: Fact[bool] | None = None
    validate_compile_env: Fact[bool | tuple[str, ...]] | None = None
    defined: bool = True
    """False for the release Mix makes of a project that defines none: `mix release` takes no name for it."""
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True)
class Versions:
    """What a release's version can come from: the project's own, and each application's of the project."""

    project: Fact[str] | None
    apps: tuple[tuple[str, Fact[str] | None], ...]


def read_releases(
    term: Term, versions: Versions, directory: str, run: Callable[[Term], Term]
) -> tuple[tuple[Release, ...], tuple[Unknown, ...]]:
    """Return the releases in the value of `:releases`, and what of it isn't known.

    `run` gives the value of a function without arguments. Raises ProjectError for what Mix refuses.
    """
    if isinstance(term, Unknown):
        return (), (named(term, "releases"),)
    if not isinstance(term.value, List):
        raise ProjectError("releases: should be a keyword list", at=term.at, hint="write releases: [name: [options]]")
    found: dict[str, Release] = {}
    unknown: list[Unknown] = []
    for entry in entries(term.value):
        if isinstance(entry, Unknown):
            unknown.append(named(entry, "releases"))
            continue
        name, options, at = entry
        check_name(name, at)
        release = _release(name, at, run(options), versions, directory)
        # Of two with one name Mix takes the first.
        found.setdefault(name, release)
        unknown.extend(release.unknown)
    return tuple(found.values()), tuple(unknown)


def check_name(name: str, at: Mark) -> None:
    """Raise ProjectError when Mix doesn't allow the release's name."""
    if not _NAME.fullmatch(name):
        raise ProjectError(
            f'"{name}" can\'t be the name of a release: only lowercase letters, digits and _, a letter first',
            at=at,
            hint='name it in mix.exs like releases: [my_app: []], then "mix release my_app" builds it',
        )


def implicit_release(app: str, at: Mark, versions: Versions) -> Release:
    """Return the release of a project that defines none: it is named after the application."""
    check_name(app, at)
    return Release(app, at, _version(Fields(List(())), f"release {app}", at, versions), defined=False)


def unread_release(name: str, unknown: Unknown) -> Release:
    """Return the release of that name when what releases there are isn't known: none of its options is."""
    return _release(name, unknown.at, unknown, Versions(None, ()), "")


def _release(name: str, at: Mark, options: Term, versions: Versions, directory: str) -> Release:
    what = f"release {name}"
    unknown: list[Unknown] = []
    if isinstance(options, Unknown):
        unknown.append(named(options, what))
        keywords = List((Gap(options),))
    elif isinstance(options.value, List):
        keywords = options.value
    else:
        raise ProjectError(f"{what}: its options should be a keyword list", at=options.at, hint=f"write {name}: []")
    given = Fields(keywords, f"{what}: ", directory, unknown)
    version = _version(given, what, at, versions)
    return Release(
        name,
        at,
        version,
        applications=given.fact("applications", _applications),
        include_erts=given.fact("include_erts", _path_or_boolean(given)),
        include_executables_for=given.fact("include_executables_for", fields.names),
        cookie=_is_set(given.term("cookie")),
        overlays=given.fact("overlays", given.paths),
        path=given.fact("path", given.path),
        rel_templates_path=given.fact("rel_templates_path", given.path),
        runtime_config_path=given.fact("runtime_config_path", _path_or_boolean(given)),
        strip_beams=given.fact("strip_beams", _strips),
        steps=given.fact("steps", _steps),
        config_providers=given.fact("config_providers", _providers),
        reboot_system_after_config=given.fact("reboot_system_after_config", fields.boolean),
        validate_compile_env=given.fact("validate_compile_env", _compile_env),
        unknown=tuple(dict.fromkeys(unknown[:1] if isinstance(options, Unknown) else unknown)),
    )


def _version(given: Fields, what: str, at: Mark, versions: Versions) -> Fact[str]:
    term = given.term("version")
    if term is None:
        if versions.project is None:
            raise ProjectError(f"{what} has no version", at=at, hint='add version: "0.1.0" to it or to the project')
        return versions.project
    if isinstance(term, Known) and isinstance(term.value, Tuple) and len(term.value.items) == 2:
        return _version_of_app(term.value, what, term.at, versions)
    if isinstance(term, Known) and (not isinstance(term.value, str) or not term.value):
        raise _no_version(what, term.at)
    fact = fact_of(term, f"{what}: version", fields.string)
    if isinstance(fact, Unknown):
        given.unknown.append(fact)
    return fact


def _no_version(what: str, at: Mark) -> ProjectError:
    return ProjectError(
        f"{what}: its version should be a string, or {{:from_app, app}}", at=at, hint='write version: "0.1.0"'
    )


def _version_of_app(pair: Tuple, what: str, at: Mark, versions: Versions) -> Fact[str]:
    tag, app = pair.items
    if isinstance(tag, Unknown) or isinstance(app, Unknown):
        return named(tag if isinstance(tag, Unknown) else app, f"{what}: version")  # type: ignore[arg-type]
    if tag.value != Atom("from_app") or not isinstance(app.value, Atom):
        raise _no_version(what, at)
    found = dict(versions.apps).get(app.value.name)
    if found is None:
        return Unknown(f"{what}: version", f"it is that of {app.value}, which is none of the project's own", at)
    return found


def _applications(value: Value) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for element in fields.plain(value):
        if not isinstance(element, Tuple) or len(element.items) != 2:
            raise WrongType("a keyword list of application and mode")
        app, mode = element.items
        for part in (app, mode):
            if isinstance(part, Unknown):
                raise fields.Unreadable(part)
        found.append((fields.name(app.value), fields.name(mode.value)))  # type: ignore[union-attr]
    return tuple(found)


def _providers(value: Value) -> tuple[ConfigProvider, ...]:
    found = []
    for element in fields.plain(value):
        module, options = element.items if isinstance(element, Tuple) and len(element.items) == 2 else (None, None)
        if module is None or options is None:
            raise WrongType("a list of {module, options}")
        if isinstance(module, Unknown):
            raise fields.Unreadable(module)
        found.append(ConfigProvider(fields.module(module.value), options, module.at))
    return tuple(found)


def _path_or_boolean(given: Fields) -> Callable[[Value], bool | str]:
    return lambda value: value if isinstance(value, bool) else given.path(value)


def _is_set(term: Term | None) -> Fact[bool] | None:
    if term is None:
        return None
    # The reason would quote the expression; a cookie isn't to be shown.
    return (
        Unknown("cookie", "it is set to what only Elixir can evaluate", term.at)
        if isinstance(term, Unknown)
        else Known(term.value is not False, term.at)
    )


def _strips(value: Value) -> bool:
    return bool(fields.plain(value)) or True if isinstance(value, List) else fields.boolean(value)


def _steps(value: Value) -> tuple[str, ...]:
    return tuple("function" if isinstance(step, Function) else fields.name(step) for step in fields.plain(value))


def _compile_env(value: Value) -> bool | tuple[str, ...]:
    return fields.names(value) if isinstance(value, List) else fields.boolean(value)
