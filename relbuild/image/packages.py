"""Which Debian packages the dependencies need, to be compiled and where the release runs, and which asks for what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from relbuild.errors import Mark
from relbuild.mix.resolved import Resolved
from relbuild.values import dataclass

if TYPE_CHECKING:
    from relbuild.image.package_table import Entry


@dataclass(frozen=True, slots=True)
class Need:
    """What one dependency needs of Debian, and why; `missing` are packages that this Debian release doesn't have."""

    app: str
    at: Mark
    what: str
    builder: tuple[str, ...]
    runner: tuple[str, ...]
    precompiled: bool = False
    missing: tuple[str, ...] = ()


def needs(
    dependencies: Iterable[Resolved], debian: str, env: Mapping[str, str], cargo: str = "cargo"
) -> tuple[Need, ...]:
    """Return what the dependencies are known to need on a Debian release, in the build's environment.

    ``cargo`` is the package that has the Rust to compile with. One that only helps to build needs nothing where the
    release runs.
    """
    # Imported late: most of it is long text that a start doesn't need.
    from relbuild.image.package_table import ONLY_IN

    found = []
    for dependency in dependencies:
        entry = _entry(dependency)
        if entry is None:
            continue
        switched = entry.switch is not None and env.get(entry.switch[0]) in entry.switch[1]
        compiled_here = switched or not entry.precompiled
        runner = entry.runner if compiled_here and dependency.runtime else ()
        absent = tuple(name for name in runner if debian not in ONLY_IN.get(name, (debian,)))
        need = Need(
            dependency.app,
            dependency.at,
            f"is compiled, as {entry.switch[0]} asks" if switched and entry.switch else entry.what,
            builder=tuple(cargo if name == "cargo" else name for name in names_in(entry.builder, debian))
            if compiled_here
            else (),
            runner=names_in((name for name in runner if name not in absent), debian),
            precompiled=not compiled_here,
            missing=absent,
        )
        if need.builder or need.runner or need.precompiled or need.missing:
            found.append(need)
    return tuple(found)


def _entry(dependency: Resolved) -> Entry | None:
    """Return what is known of a dependency's version: of its package, or by what mix.lock says that it depends on."""
    from relbuild.image.package_table import BY_DEPENDENCY, PACKAGES

    # One that is there only when something else asks for it too compiles nothing by itself.
    has = None if dependency.deps is None else {need.app for need in dependency.deps if not need.optional}
    # A git dependency is known by the name of its application, which is its package's by custom.
    entry = PACKAGES.get(dependency.package)
    if entry is not None and entry.by is not None and has is not None and entry.by not in has:
        return entry._replace(what=f"is compiled in this version, without {entry.by}", precompiled=False)
    if entry is not None or dependency.package in BY_DEPENDENCY:
        return entry
    return next((known for app, known in BY_DEPENDENCY.items() if app in (has or ())), None)


def to_build(needs: Iterable[Need]) -> tuple[str, ...]:
    """Return the packages the builder needs for them."""
    return tuple(name for need in needs for name in need.builder)


def to_run(needs: Iterable[Need]) -> tuple[str, ...]:
    """Return the packages the runner needs for them."""
    return tuple(name for need in needs for name in need.runner)


def notes(needs: Iterable[Need], debian: str, *, installed: bool) -> Iterable[str]:
    """Yield what isn't installed: what this Debian lacks, and with an image of the user's own all of it."""
    wanted: set[str] = set()
    for need in needs:
        if need.missing:
            yield f"{need.app} {need.what}, and Debian {debian} has no {' and no '.join(need.missing)}"
        wanted.update(need.builder)
    if wanted and not installed:
        yield f"nothing is installed in an image of your own; the dependencies compile with {' '.join(sorted(wanted))}"


def names_in(packages: Iterable[str], debian: str) -> tuple[str, ...]:
    """Return what a Debian release calls these packages."""
    from relbuild.image.package_table import OTHER_NAMES

    return tuple(OTHER_NAMES.get(name, {}).get(debian, name) for name in packages)
