"""What the dependencies need of Debian and of the container that runs the release, and which of them needs it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from relbuild.errors import Mark, Problem
from relbuild.mix.elixir_files import Code
from relbuild.mix.lock import Resolved

if TYPE_CHECKING:
    from relbuild.image.package_table import ConfigKey, Entry
    from relbuild.mix.environment.config_calls import ConfigCall


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


def needs(
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
        entry = _entry(dependency)
        if entry is None:
            continue
        switched = entry.switch is not None and env.get(entry.switch.variable) in entry.switch.values
        compiled_here = switched or not entry.precompiled
        used = [each for each in entry.uses if code is not None and any(map(code.mentions, each.words))]
        runner = (*(entry.runner if compiled_here else ()), *(name for use in used for name in use.runner))
        set_there = {**entry.env, **{name: value for use in used for name, value in use.env.items()}}
        if not dependency.runtime:
            runner, set_there = (), {}
        installed, absent = available(runner, debian)
        need = Need(
            dependency.app,
            dependency.at,
            f"is compiled, as {entry.switch.variable} requests" if switched and entry.switch else entry.what,
            builder=tuple(cargo if name == "cargo" else name for name in names_in(entry.builder, debian))
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


def problems(
    dependencies: Iterable[Resolved], config_calls: tuple[ConfigCall, ...], code: Code
) -> Iterator[Problem]:  # fmt: skip
    """Yield what of the dependencies doesn't work in the image, as the project configures and uses them."""
    for dependency in dependencies:
        entry = _entry(dependency) if dependency.runtime else None
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


def _entry(dependency: Resolved) -> Entry | None:
    """Return what is known of a dependency's version: of its package, or by what mix.lock says that it depends on."""
    from relbuild.image.package_table import table

    # One that is there only when something else asks for it too compiles nothing by itself.
    has = None if dependency.deps is None else {need.app for need in dependency.deps if not need.optional}
    # A git dependency is known by the name of its application, which is its package's by custom.
    packages, dependencies = table().packages, table().dependencies
    entry = packages.get(dependency.package)
    if entry is not None and entry.by is not None and has is not None and entry.by not in has:
        return replace(entry, what=f"is compiled in this version, without {entry.by}", precompiled=False)
    if entry is not None or dependency.package in dependencies:
        return entry
    return next((known for app, known in dependencies.items() if app in (has or ())), None)


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
        if need.note:
            yield f"{need.app} {need.note}"
        wanted.update(need.builder)
    if wanted and not installed:
        yield f"nothing is installed in an image of your own; the dependencies compile with {' '.join(sorted(wanted))}"


def available(packages: Iterable[str], debian: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the packages by the names that a Debian release has for them, and those that it doesn't have."""
    from relbuild.image.package_table import table

    wanted = tuple(dict.fromkeys(packages))
    absent = tuple(name for name in wanted if debian not in table().only_in.get(name, (debian,)))
    return names_in((name for name in wanted if name not in absent), debian), absent


def names_in(packages: Iterable[str], debian: str) -> tuple[str, ...]:
    """Return what a Debian release calls these packages."""
    from relbuild.image.package_table import table

    return tuple(table().names.get(name, {}).get(debian, name) for name in packages)
