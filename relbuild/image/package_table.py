"""What is known of Hex packages, Rust crates and programs: packages.toml, read when it is first asked."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class Switch:
    """The variable of the build's environment, and the values of it, that have a precompiled package compiled."""

    variable: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigKey:
    """`config APP, KEY, …` of a project; where `value` isn't None, with this atom or text."""

    app: str
    key: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class UseEntry:
    """What a package needs besides, where one of the words is in the project's code."""

    words: tuple[str, ...]
    runner: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProblemEntry:
    """What of a package doesn't work in the image, and the fix.

    There is none where the project configures a key of `unless`, has a word of `without`, or has none of `words`.
    """

    message: str
    fix: str
    unless: tuple[ConfigKey, ...] = ()
    words: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What a package or crate needs, with the names that packages.toml explains."""

    what: str
    source: str
    builder: tuple[str, ...] = ()
    runner: tuple[str, ...] = ()
    precompiled: bool = False
    switch: Switch | None = None
    by: str | None = None
    brings: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None
    uses: tuple[UseEntry, ...] = ()
    problems: tuple[ProblemEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """All of packages.toml.

    `packages` and `crates` are by their names, `dependencies` by what a package depends on. `names` and `only_in` have
    what other Debian releases call a package, and which have it. `programs` has the Debian package of each program,
    `present` the packages of the programs that Debian's slim images have. `minimal` are the programs of a minimal
    image, `elsewhere` those of a person's own machine that no release runs. `large` are packages of 50 MB
    and more, with what they bring.
    """

    packages: Mapping[str, Entry]
    dependencies: Mapping[str, Entry]
    crates: Mapping[str, Entry]
    names: Mapping[str, Mapping[str, str]]
    only_in: Mapping[str, tuple[str, ...]]
    programs: Mapping[str, str]
    present: Mapping[str, str]
    minimal: frozenset[str]
    elsewhere: frozenset[str]
    large: frozenset[str]


@cache
def table() -> Table:
    """Return the table."""
    data = tomllib.loads(resources.files("relbuild.image").joinpath("packages.toml").read_text("utf-8"))
    return Table(
        packages={name: _entry(each) for name, each in data["packages"].items()},
        dependencies={name: _entry(each) for name, each in data["dependencies"].items()},
        crates={name: _entry(each) for name, each in data["crates"].items()},
        names=data["names"],
        only_in={name: tuple(releases) for name, releases in data["only_in"].items()},
        programs={name: package for package, names in data["programs"].items() for name in names.split()},
        present={name: package for package, names in data["slim"].items() for name in names.split()},
        minimal=frozenset(data["minimal"]["programs"].split()),
        elsewhere=frozenset(data["elsewhere"]["programs"].split()),
        large=frozenset(data["large"]["packages"].split()),
    )


def _entry(data: Mapping[str, Any]) -> Entry:
    switch = data.get("switch")
    return Entry(
        data["what"],
        data["source"],
        builder=tuple(data.get("builder", ())),
        runner=tuple(data.get("runner", ())),
        precompiled=data.get("precompiled", False),
        switch=Switch(switch["variable"], tuple(switch["values"])) if switch is not None else None,
        by=data.get("by"),
        brings=data.get("brings"),
        env=data.get("env", {}),
        note=data.get("note"),
        uses=tuple(_use(each) for each in data.get("uses", ())),
        problems=tuple(_problem(each) for each in data.get("problems", ())),
    )


def _use(data: Mapping[str, Any]) -> UseEntry:
    return UseEntry(tuple(data["words"]), tuple(data.get("runner", ())), data.get("env", {}))


def _problem(data: Mapping[str, Any]) -> ProblemEntry:
    unless = tuple(ConfigKey(each["app"], each["key"], each.get("is")) for each in data.get("unless", ()))
    return ProblemEntry(
        data["message"], data["fix"], unless, tuple(data.get("words", ())), tuple(data.get("without", ()))
    )
