"""What dependencies, Rust crates and programs need of Debian, for the build and where the release runs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from relbuild.errors import Mark, Problem
from relbuild.mix.elixir_files import Code
from relbuild.mix.lock import Resolved

if TYPE_CHECKING:
    from relbuild.mix.environment.config_calls import ConfigCall
from typing import TYPE_CHECKING

from relbuild.facts import Tree
from relbuild.mix.project import Project
from relbuild.mix.toolchain.tables import DEBIAN_NEWER_RUST, DEBIAN_RUST

if TYPE_CHECKING:
    from relbuild.mix.toolchain.cargo import Asked, Rust, RustVersion


@dataclass(frozen=True, slots=True)
class Need:
    """What one dependency needs, and why; `missing` are packages that this Debian release doesn't have.

    `builder` and `runner` are Debian packages, `env` the variables that the image sets for it.
    """

    app: str
    at: Mark
    what: str
    builder: tuple[str, ...]
    runner: tuple[str, ...]
    precompiled: bool = False
    missing: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None


def package_needs(
    dependencies: Iterable[Resolved],
    debian: str,
    env: Mapping[str, str],
    cargo: str = "cargo",
    code: Code | None = None,
) -> tuple[Need, ...]:
    """Return what the dependencies are known to need on a Debian release, in the build's environment.

    ``cargo`` is the package that has the Rust to compile with, ``code`` the project's own. A dependency that only helps
    to build needs nothing where the release runs.
    """
    found = []
    for dependency in dependencies:
        entry = _entry_packages(dependency)
        if entry is None:
            continue
        switched = entry.switch is not None and env.get(entry.switch.variable) in entry.switch.values
        compiled_here = switched or not entry.precompiled
        used = [each for each in entry.uses if code is not None and any(map(code.mentions, each.words))]
        runner = (*(entry.runner if compiled_here else ()), *(name for use in used for name in use.runner))
        set_there = {**entry.env, **{name: value for use in used for name, value in use.env.items()}}
        if not dependency.runtime:
            runner, set_there = (), {}
        installed, absent = available_packages(runner, debian)
        need = Need(
            dependency.app,
            dependency.at,
            f"is compiled, as {entry.switch.variable} requests" if switched and entry.switch else entry.what,
            builder=tuple(cargo if name == "cargo" else name for name in debian_names(entry.builder, debian))
            if compiled_here
            else (),
            runner=installed,
            precompiled=not compiled_here,
            missing=absent,
            env=set_there,
            note=entry.note if dependency.runtime else None,
        )
        if need.builder or need.runner or need.precompiled or need.missing or need.env or need.note:
            found.append(need)
    return tuple(found)


def package_problems(
    dependencies: Iterable[Resolved], config_calls: tuple[ConfigCall, ...], code: Code
) -> Iterator[Problem]:  # fmt: skip
    """Yield what of the dependencies doesn't work in the image, as the project configures and uses them."""
    for dependency in dependencies:
        entry = _entry_packages(dependency) if dependency.runtime else None
        for each in entry.problems if entry is not None else ():
            configured = any(_is_set(key, config_calls) or _is_named(key, code) for key in each.unless)
            configured = configured or any(map(code.mentions, each.without))
            if not configured and (not each.words or any(map(code.mentions, each.words))):
                yield Problem(f"{dependency.app} {each.message}", dependency.at, each.fix)


def _is_set(key: ConfigKey, config_calls: tuple[ConfigCall, ...]) -> bool:
    """Return whether the project configures the key; a value that isn't known may be the one that is looked for."""
    found = [call for call in config_calls if (call.app, call.key) == (key.app, key.key)]
    return any(key.value is None or call.literal in (None, key.value) for call in found)


def _is_named(key: ConfigKey, code: Code) -> bool:
    """Return whether a file of the project has such a line, which may be in one whose import can't be followed."""
    ends = f" :{key.value}" if key.value is not None else ""
    return code.mentions(f":{key.app}, :{key.key},{ends}") or code.mentions(f":{key.app}, {key.key}:{ends}")


def _entry_packages(dependency: Resolved) -> PackageEntry | None:
    """Return what is known of a dependency's version: of its package, or by what mix.lock says that it depends on."""

    # An optional dependency that nothing else requires isn't compiled.
    has = None if dependency.deps is None else {need.app for need in dependency.deps if not need.optional}
    # A git dependency is known by the name of its application, which is its package's by custom.
    packages, dependencies = package_table().packages, package_table().dependencies
    entry = packages.get(dependency.package)
    if entry is not None and entry.by is not None and has is not None and entry.by not in has:
        return replace(entry, what=f"is compiled in this version, without {entry.by}", precompiled=False)
    if entry is not None or dependency.package in dependencies:
        return entry
    return next((known for app, known in dependencies.items() if app in (has or ())), None)


def builder_packages(needs: Iterable[Need]) -> tuple[str, ...]:
    """Return the packages the builder needs for them."""
    return tuple(name for need in needs for name in need.builder)


def runner_packages(needs: Iterable[Need]) -> tuple[str, ...]:
    """Return the packages the runner needs for them."""
    return tuple(name for need in needs for name in need.runner)


def package_notes(needs: Iterable[Need], debian: str, *, installed: bool) -> Iterable[str]:
    """Yield what isn't installed: what this Debian lacks, and with an image of the user's own all of it."""
    wanted: set[str] = set()
    for need in needs:
        if need.missing:
            yield f"{need.app} {need.what}, and Debian {debian} has no {' and no '.join(need.missing)}"
        if need.note:
            yield f"{need.app} {need.note}"
        wanted.update(need.builder)
    if wanted and not installed:
        yield f"nothing is installed in an image of your own; the dependencies compile with {' '.join(sorted(wanted))}"


def available_packages(packages: Iterable[str], debian: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the packages by the names that a Debian release has for them, and those that it doesn't have."""

    wanted = tuple(dict.fromkeys(packages))
    absent = tuple(name for name in wanted if debian not in package_table().only_in.get(name, (debian,)))
    return debian_names((name for name in wanted if name not in absent), debian), absent


def debian_names(packages: Iterable[str], debian: str) -> tuple[str, ...]:
    """Return what a Debian release calls these packages."""

    return tuple(package_table().names.get(name, {}).get(debian, name) for name in packages)


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
class PackageEntry:
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
class PackageTable:
    """All of packages.toml.

    `packages` and `crates` are by their names, `dependencies` by what a package depends on. `names` and `only_in` have
    what other Debian releases call a package, and which have it. `programs` has the Debian package of each program,
    `present` the packages of the programs that Debian's slim images have. `minimal` are the programs of a minimal
    image, `elsewhere` those of a person's own machine that no release runs. `large` are packages of 50 MB
    and more, with what they bring.
    """

    packages: Mapping[str, PackageEntry]
    dependencies: Mapping[str, PackageEntry]
    crates: Mapping[str, PackageEntry]
    names: Mapping[str, Mapping[str, str]]
    only_in: Mapping[str, tuple[str, ...]]
    programs: Mapping[str, str]
    present: Mapping[str, str]
    minimal: frozenset[str]
    elsewhere: frozenset[str]
    large: frozenset[str]


@cache
def package_table() -> PackageTable:
    """Return the table."""
    data = tomllib.loads(resources.files("relbuild.image.plan").joinpath("packages.toml").read_text("utf-8"))
    return PackageTable(
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


def _entry(data: Mapping[str, Any]) -> PackageEntry:
    switch = data.get("switch")
    return PackageEntry(
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


CARGO = "cargo"


@dataclass(frozen=True, slots=True)
class RustPackages:
    """What is taken from Debian: the package that has cargo, what crates need, and what is worth a note."""

    cargo: str = CARGO
    needs: tuple[Need, ...] = ()
    notes: tuple[str, ...] = ()


def plan_rust(tree: Tree, project: Project, dependencies: Iterable[Resolved], debian: str) -> RustPackages:
    """Return what the Rust code in the tree takes; nothing where no dependency compiles it.

    Raises ProjectError where a file of cargo's can't be read.
    """
    if all(dependency.package != "rustler" for dependency in dependencies):
        return RustPackages()
    from relbuild.mix.toolchain import cargo

    rust = cargo.read(tree, project)
    package, notes = _cargo(rust.asked, debian)
    return RustPackages(package, tuple(_crate_needs(rust, debian)), notes)


def _crate_needs(rust: Rust, debian: str) -> Iterator[Need]:

    for pinned in rust.crates:
        known = package_table().crates.get(pinned.name)
        if known is not None and known.brings not in pinned.deps:
            builder, runner = debian_names(known.builder, debian), debian_names(known.runner, debian)
            yield Need(pinned.name, pinned.at, f"(Rust) {known.what}", builder, runner)


def _cargo(asked: tuple[Asked, ...], debian: str) -> tuple[str, tuple[str, ...]]:
    """Return the package that has the cargo to take, and the notes on it."""
    if debian not in DEBIAN_RUST:
        return CARGO, ()
    has, (package, newest) = _rust_version(DEBIAN_RUST[debian]), _newest_rust(debian)
    wanted = [(each.version, each) for each in asked if each.version is not None and each.version > has]
    unmet = [(version, each) for version, each in wanted if version > _rust_version(newest)]
    notes = [f"{each.text}, and Debian {debian} has none newer than {newest}: {_other_rust(of)}" for of, each in unmet]
    notes += [f"{each.text}, and Debian has releases alone: {_other_rust(None)}" for each in asked if each.unreleased]
    if not wanted or package == CARGO:
        return CARGO, tuple(notes)
    if not unmet:
        highest = max(wanted, key=lambda pair: pair[0])[1]
        notes.append(f"{highest.text}, and Debian {debian}'s cargo is {DEBIAN_RUST[debian]}: {package} is {newest}")
    return package, tuple(notes)


def _other_rust(wanted: RustVersion | None) -> str:
    """Return what to do for a Rust that a Debian release doesn't have."""
    # rustup puts cargo before Debian's in PATH there.
    step = (
        "let builder.steps.before_deps in relbuild.yml install it (rustup with CARGO_HOME=/usr/local), with curl in "
        "builder.packages"
    )
    others = {debian: _newest_rust(debian)[1] for debian in DEBIAN_RUST}
    newer = [
        f"write debian: {name}, which has {of},"
        for name, of in others.items()
        if wanted is not None and _rust_version(of) >= wanted
    ]
    return f"where that won't do, {' or '.join((*newer[-1:], step))}"


def _newest_rust(debian: str) -> tuple[str, str]:
    return DEBIAN_NEWER_RUST.get(debian, (CARGO, DEBIAN_RUST[debian]))


def _rust_version(version: str) -> RustVersion:
    from relbuild.mix.toolchain.cargo import parse_version

    return parse_version(version) or (0, 0, 0)
