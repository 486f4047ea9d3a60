"""The configuration that Distillery took from the environment: what config/runtime.exs sets instead, at boot.

The old lines stay: config/runtime.exs overrides them, and each is named for removal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from relbuild.distillery.config_calls import FILE, Reading, Setting, to_move
from relbuild.distillery.config_values import Immovable, named, occurrences, value, whole
from relbuild.distillery.usage import compile_time_reads
from relbuild.elixir.syntax import Source, parts, walk
from relbuild.errors import Mark, Problem, ProjectError, listed
from relbuild.facts import Tree

_NUMBER = re.compile(r"port|pool_size|inet_.*|.*_port")


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """The lines for config/runtime.exs, without `import Config` or a condition, and what remains to do by hand."""

    lines: tuple[str, ...]
    look: tuple[Problem, ...]


@dataclass(slots=True)
class _Result:
    file: str
    set: list[Setting] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    look: list[Problem] = field(default_factory=list)


def runtime_settings(tree: Tree, file: str = "config/runtime.exs") -> RuntimeSettings:
    """Return what the runtime configuration sets for the ``${VAR}`` of the others, an umbrella's children's too.

    ``file`` is its path. Raises ProjectError for a config file that isn't Elixir.
    """
    try:
        return _runtime_settings(tree, file)
    except RecursionError as error:
        raise ProjectError(f"{FILE}, or a file that it imports: nested too deeply", at=Mark(FILE, 1)) from error


def _runtime_settings(tree: Tree, file: str) -> RuntimeSettings:
    reading = Reading(tree)
    settings = reading.settings()
    moving = to_move(settings)
    at_path: dict[tuple[str, ...], list[Setting]] = {}
    for setting in settings:
        at_path.setdefault(setting.path, []).append(setting)
    result = _Result(file)
    for setting in moving:
        above = [setting.path[:length] for length in range(1, len(setting.path) + 1)]
        later = [each for path in above for each in at_path.get(path, ()) if each.number > setting.number]
        _add(result, setting, sorted(later, key=lambda each: each.number))
    keys: dict[str, frozenset[str]] = {}
    for setting in result.set:
        keys[setting.call.app] = keys.get(setting.call.app, frozenset()) | {setting.path[1]}
    look = [*result.look, *_system_tuples(settings), *_elsewhere(reading, moving), *compile_time_reads(tree, keys)]
    return RuntimeSettings(tuple(result.lines), _each_place_once(reading, look))


def _add(result: _Result, setting: Setting, later: list[Setting]) -> None:
    """Add what becomes of one setting; `later` are those that Mix evaluates after it, of its key or one above."""
    source, place = setting.call.source, setting.call.source.mark(setting.place)
    names, key = named(source, setting.value), _key(setting)
    variables = _variables(names)
    by = _overriding(setting, later)
    if setting.call.app == "kernel":
        name = next((each for each in names if each), None)
        option = f"-kernel {setting.path[-1] if len(setting.path) > 1 else 'KEY'} {f'${name}' if name else '…'}"
        result.look.append(
            Problem(
                f"{key} needs {variables} before {result.file} is evaluated",
                place,
                f'add to rel/env.sh.eex: export ELIXIR_ERL_OPTIONS="$ELIXIR_ERL_OPTIONS {option}"; or set '
                "reboot_system_after_config: true in the release's options",
            )
        )
    elif setting.path[0] == "logger" and setting.path[-1].startswith("compile_time_"):
        hint = f"write a value here, or set `level` in {result.file}"
        result.look.append(Problem(f"{key} is read at compile time, when {variables} isn't known", place, hint))
    elif isinstance(by, Setting):
        at = by.call.source.mark(by.place).brief
        result.look.append(
            Problem(f"{key} from {variables} has no effect: {at} sets it afterwards", place, "remove one of them")
        )
    else:
        try:
            if (reason := by or _reason_to_stay(setting)) is not None:
                raise Immovable(reason)
            written = value(source, setting.value)
        except Immovable as error:
            fetched = listed([f'System.fetch_env!("{name}")' for name in names if name]) or "System.fetch_env!(…)"
            result.look.append(
                Problem(
                    f"{key} needs {variables}, and isn't converted: {error}",
                    place,
                    f"set it in {result.file}, with {fetched}: {_line(setting, '…')}",
                )
            )
            return
        result.set.append(setting)
        result.lines.append(_line(setting, written))
        is_text = whole(source, setting.value) is not None and _NUMBER.fullmatch(setting.path[-1]) is not None
        hint = "; there it is text: use String.to_integer(…) where a number is required" if is_text else ""
        result.look.append(Problem(f"{result.file} sets {key} from {variables}", place, f"remove this setting{hint}"))


def _reason_to_stay(setting: Setting) -> str | None:
    if setting.call.conditional:
        return "it is set under a condition"
    return "its keys can't be read" if len(setting.path) == 1 else None


def _overriding(setting: Setting, later: list[Setting]) -> Setting | str | None:
    """Return the setting that overrides this one, or why that isn't known; None for none."""
    found: Setting | None = None
    for other in later:
        above = other.path != setting.path
        if above and other.merges:
            continue
        at = other.call.source.mark(other.place).brief
        if other.call.conditional:
            return f"{at} may set it afterwards, under a condition"
        if (other.merges is None and above) or (other.merges is not False and setting.merges is None):
            return f"{at} may set it afterwards, with a computed value"
        found = other
    return found


def _elsewhere(reading: Reading, moving: Iterable[Setting]) -> Iterator[Problem]:
    """Yield a problem for each import that can't be read, and for each ``${VAR}`` outside of a setting."""
    for source, node in reading.unread:
        hint = "set what those files take from ${…} in config/runtime.exs"
        yield Problem("the imported files can't be determined, so they aren't converted", source.mark(node), hint)
    inside = {node for each in moving for node in occurrences(each.call.source, each.value)}
    for source, _ in reading.sources.values():
        for node in occurrences(source, source.root):
            if node not in inside:
                yield Problem(
                    f"{_variables(named(source, node))} is in no value of a plain `config` call",
                    source.mark(node),
                    "set what is made of it in config/runtime.exs, with System.fetch_env!(…)",
                )


def _system_tuples(settings: Iterable[Setting]) -> Iterator[Problem]:
    """Yield a problem for each file with ``{:system, "VAR"}`` in its settings, at the first of them."""
    found: dict[str, list[tuple[Mark, str]]] = {}
    for setting in (each for each in settings if not each.merges):
        source = setting.call.source
        for node in walk(setting.value):
            if (name := _system_variable(source, node)) is not None:
                found.setdefault(source.file, []).append((source.mark(node), name))
    for each in found.values():
        names = listed(list(dict.fromkeys(name for _, name in sorted(each))), 5)
        yield Problem(
            f'{{:system, "VAR"}} works only with libraries that support it: {names}',
            min(each)[0],
            'for other libraries, set the keys in config/runtime.exs, with System.get_env("NAME")',
        )


def _system_variable(source: Source, node: Node) -> str | None:
    """Return the variable that a ``{:system, "VAR"}`` names; None for other values."""
    inside = parts(node) if node.type == "tuple" else []
    if len(inside) not in (2, 3, 4) or source.text(inside[0]) != ":system":
        return None
    # `{:system, :integer, "PORT"}` is Confex's.
    at = 2 if len(inside) > 2 and inside[1].type == "atom" else 1
    name = source.text(inside[at])[1:-1] if inside[at].type == "string" else ""
    return name if name.isidentifier() else None


def _variables(names: list[str]) -> str:
    return listed([f"${{{name}}}" for name in names if name]) or "${…}"


def _key(setting: Setting) -> str:
    names = [name.removeprefix("Elixir.") for name in setting.path[1:]]
    return f":{setting.path[0]}" + (f", {', '.join(names)}" if names else "")


def _line(setting: Setting, value: str) -> str:
    """Return the call that sets what a setting sets."""
    if not setting.written:
        return f"{setting.call.head}, {value}"
    *outer, last = setting.written
    return f"{setting.call.head}, {''.join(f'{key} [' for key in outer)}{last} {value}{']' * len(outer)}"


def _each_place_once(reading: Reading, look: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems in the order in which Mix reads the files, one for each place."""
    files = {file: number for number, file in enumerate(reading.sources)}
    found = {each.at: each for each in reversed(list(look)) if each.at is not None}
    return tuple(found[at] for at in sorted(found, key=lambda at: (files.get(at.file, len(files)), at)))
