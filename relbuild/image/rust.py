"""What a project's own Rust code takes from Debian: what its crates need, and a Rust that is new enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relbuild.facts import Tree
from relbuild.image.packages import Need, names_in
from relbuild.mix.lock import Resolved
from relbuild.mix.project import Project
from relbuild.mix.toolchain.tables import DEBIAN_NEWER_RUST, DEBIAN_RUST

if TYPE_CHECKING:
    from relbuild.mix.toolchain.cargo import Asked, Rust, RustVersion


CARGO = "cargo"


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken from Debian: the package that has cargo, what crates need, and what is worth a note."""

    cargo: str = CARGO
    needs: tuple[Need, ...] = ()
    notes: tuple[str, ...] = ()


def decide(tree: Tree, project: Project, dependencies: Iterable[Resolved], debian: str) -> Taken:
    """Return what the Rust code in the tree takes; nothing where no dependency compiles it.

    Raises ProjectError where a file of cargo's can't be read.
    """
    if all(dependency.package != "rustler" for dependency in dependencies):
        return Taken()
    from relbuild.mix.toolchain import cargo

    rust = cargo.read(tree, project)
    package, notes = _cargo(rust.asked, debian)
    return Taken(package, tuple(_needs(rust, debian)), notes)


def _needs(rust: Rust, debian: str) -> Iterator[Need]:
    from relbuild.image.package_table import table

    for pinned in rust.crates:
        known = table().crates.get(pinned.name)
        if known is not None and known.brings not in pinned.deps:
            builder, runner = names_in(known.builder, debian), names_in(known.runner, debian)
            yield Need(pinned.name, pinned.at, f"(Rust) {known.what}", builder, runner)


def _cargo(asked: tuple[Asked, ...], debian: str) -> tuple[str, tuple[str, ...]]:
    """Return the package that has the cargo to take, and the notes on it."""
    if debian not in DEBIAN_RUST:
        return CARGO, ()
    has, (package, newest) = _numbers(DEBIAN_RUST[debian]), _newest(debian)
    wanted = [(each.version, each) for each in asked if each.version is not None and each.version > has]
    unmet = [(version, each) for version, each in wanted if version > _numbers(newest)]
    notes = [f"{each.text}, and Debian {debian} has none newer than {newest}: {_another(of)}" for of, each in unmet]
    notes += [f"{each.text}, and Debian has releases alone: {_another(None)}" for each in asked if each.unreleased]
    if not wanted or package == CARGO:
        return CARGO, tuple(notes)
    if not unmet:
        highest = max(wanted, key=lambda pair: pair[0])[1]
        notes.append(f"{highest.text}, and Debian {debian}'s cargo is {DEBIAN_RUST[debian]}: {package} is {newest}")
    return package, tuple(notes)


def _another(wanted: RustVersion | None) -> str:
    """Return what to do for a Rust that a Debian release doesn't have."""
    # rustup puts cargo before Debian's in PATH there.
    step = (
        "let builder.steps.before_deps in relbuild.yml install it (rustup with CARGO_HOME=/usr/local), with curl in "
        "builder.packages"
    )
    others = {debian: _newest(debian)[1] for debian in DEBIAN_RUST}
    newer = [
        f"write debian: {name}, which has {of},"
        for name, of in others.items()
        if wanted is not None and _numbers(of) >= wanted
    ]
    return f"where that won't do, {' or '.join((*newer[-1:], step))}"


def _newest(debian: str) -> tuple[str, str]:
    return DEBIAN_NEWER_RUST.get(debian, (CARGO, DEBIAN_RUST[debian]))


def _numbers(version: str) -> RustVersion:
    from relbuild.mix.toolchain.cargo import parse_version

    return parse_version(version) or (0, 0, 0)
