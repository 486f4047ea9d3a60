"""What the configuration takes from the environment by Distillery's means, moved to where a release reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from tree_sitter import Node

from relbuild.convert import config_advice as advice
from relbuild.convert import config_reads
from relbuild.convert.config_calls import FILE, Reading, Setting, to_move
from relbuild.convert.config_layout import Box, Item, Value, lines
from relbuild.convert.config_removal import removed
from relbuild.convert.config_values import Immovable, occurrences, plain, value, whole
from relbuild.convert.edits import applied
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.mix.facts import Tree
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Moved:
    """What becomes of the configuration.

    `files` are the config files that change, whole, by their paths; `runtime` are the lines that the release's own
    configuration gets, ``()`` for none, without `import Config` and without a condition around them; `look` is what a
    person has to look at, each at its place in the files as they were.
    """

    files: Mapping[str, str]
    runtime: tuple[str, ...]
    look: tuple[Problem, ...]


def moved(tree: Tree) -> Moved:
    """Return what becomes of the project's configuration, an umbrella's children's too.

    Raises ProjectError for a config file that isn't Elixir.
    """
    try:
        return _moved(tree)
    except RecursionError as error:
        raise ProjectError(f"{FILE}, or what it imports: nested too deeply", at=Mark(FILE, 1)) from error


def _moved(tree: Tree) -> Moved:
    reading = Reading(tree)
    settings = reading.settings()
    moving = to_move(settings)
    work = _Work()
    at_path: dict[tuple[str, ...], list[Setting]] = {}
    for setting in settings:
        at_path.setdefault(setting.path, []).append(setting)
    for setting in moving:
        above = [setting.path[:length] for length in range(1, len(setting.path) + 1)]
        others = [each for path in above for each in at_path.get(path, ()) if each.number > setting.number]
        _decide(work, setting, sorted(others, key=lambda each: each.number))
    work.look += advice.system_tuples(each for each in settings if not each.merges)
    work.look += _outside(reading, moving)
    work.look += config_reads.found(tree, _keys(work.taken))
    return Moved(_files(reading, work), tuple(_runtime(work.taken)), _each_place_once(reading, work.look))


@dataclass(slots=True)
class _Work:
    """What has been decided so far: what goes where, what goes, and what a person is told."""

    taken: list[tuple[Setting, Value]] = field(default_factory=list)
    dropped: list[Setting] = field(default_factory=list)
    look: list[Problem | None] = field(default_factory=list)


def _outside(reading: Reading, moving: Iterable[Setting]) -> Iterator[Problem]:
    """Yield a problem for each place that isn't part of a setting."""
    for source, node in reading.unread:
        yield advice.unread(source, node)
    inside = {node for each in moving for node in occurrences(each.call.source, each.value)}
    for source, _ in reading.sources.values():
        for node in occurrences(source, source.root):
            if node not in inside:
                yield advice.elsewhere(source, node)


def _decide(work: _Work, setting: Setting, later: list[Setting]) -> None:
    call = setting.call
    if call.app == "kernel":
        work.look.append(advice.too_early(setting))
        return
    reason, by = _staying(setting), _overriding(setting, later)
    if reason is None and isinstance(by, str):
        reason = by
    if reason is not None:
        work.look.append(advice.stays(setting, reason))
    elif (compiled := advice.compiled_in(setting)) is not None:
        work.look.append(compiled)
    elif isinstance(by, Setting):
        work.dropped.append(setting)
        work.look.append(advice.overridden(setting, by))
    else:
        try:
            work.taken.append((setting, value(call.source, setting.value)))
        except Immovable as error:
            work.look.append(advice.stays(setting, f"its value has {error} in it"))
            return
        if whole(call.source, setting.value) is not None:
            work.look.append(advice.number(setting))


def _staying(setting: Setting) -> str | None:
    """Return why a setting can't be moved wherever else it is set, None where it can."""
    call = setting.call
    if call.conditional:
        return "it is set under a condition"
    if not call.alone:
        return "there is more on its line than the `config` call"
    if len(setting.path) == 1:
        return "its keys can't be told"
    return None if plain(call.source, setting.value) else "a ${…} in it is no variable's plain name"


def _overriding(setting: Setting, later: list[Setting]) -> Setting | str | None:
    """Return what takes the setting's place later, or why that can't be told; None for nothing.

    `later` are the settings of the same key, and of those that it is in, that Mix evaluates after it.
    """
    found: Setting | None = None
    for other in later:
        above = other.path != setting.path
        if above and other.merges:
            continue
        at = other.call.source.mark(other.place).brief
        if other.call.conditional:
            return f"{at} may set it after that, under a condition"
        if (other.merges is None and above) or (other.merges is not False and setting.merges is None):
            return f"{at} may set it after that, with a value that is computed"
        found = other
    return found


def _files(reading: Reading, work: _Work) -> dict[str, str]:
    """Return the files without what has been taken out of them."""
    gone: dict[str, set[Node]] = {}
    for setting in (*(each for each, _ in work.taken), *work.dropped):
        gone.setdefault(setting.call.source.file, set()).add(setting.place)
    found = {}
    for file, nodes in gone.items():
        source, content = reading.sources[file]
        edits = [edit for call in reading.calls if call.source is source for edit in removed(call, nodes)]
        mark = content[: len(content) - len(source.content)]
        found[file] = (mark + applied(source.content, edits)).decode()
    return found


def _runtime(taken: Iterable[tuple[Setting, Value]]) -> list[str]:
    """Return the calls that set what was taken, those of an application's key as one."""
    calls: dict[tuple[str, bool], list[tuple[tuple[str, ...], Value]]] = {}
    for setting, each in taken:
        calls.setdefault((setting.call.head, bool(setting.written)), []).append((setting.written, each))
    found: list[str] = []
    for (head, _), pairs in calls.items():
        found += ["", *lines(head, _items(pairs))]
    return found[1:]


def _items(pairs: list[tuple[tuple[str, ...], Value]]) -> tuple[Item, ...]:
    """Return the pairs as nested keyword lists, what is below the same key together."""
    below: dict[str, list[tuple[tuple[str, ...], Value]]] = {}
    for keys, each in pairs:
        below.setdefault(keys[0] if keys else "", []).append((keys[1:], each))
    return tuple(
        Item(inner[0][1] if not inner[0][0] else Box("[", _items(inner), "]"), key) for key, inner in below.items()
    )


def _keys(taken: Iterable[tuple[Setting, Value]]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for setting, _ in taken:
        found[setting.call.app] = found.get(setting.call.app, frozenset()) | {setting.path[1]}
    return found


def _each_place_once(reading: Reading, look: Iterable[Problem | None]) -> tuple[Problem, ...]:
    """Return the problems in the order of the files as prod reads them, and one for each place."""
    files = {file: number for number, file in enumerate(reading.sources)}
    found = {each.at: each for each in reversed(list(look)) if each is not None and each.at is not None}
    return tuple(found[at] for at in sorted(found, key=lambda at: (files.get(at.file, len(files)), at)))
