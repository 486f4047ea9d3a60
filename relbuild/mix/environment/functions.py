"""The functions and special forms that say something about the environment, or whose result does."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.mix import config_imports
from relbuild.mix.environment import config_calls, dotenvy, enumerables, patterns, stops, variables
from relbuild.mix.environment.conditions import ALWAYS, NEVER, Among, Condition, either, every, is_set, missing
from relbuild.mix.environment.values import (
    Choice,
    Closure,
    Fetched,
    Plain,
    Something,
    Text,
    Truth,
    Value,
    Whole,
    is_nil,
)
from relbuild.mix.facts import Known, Unknown
from relbuild.mix.source import arguments
from relbuild.mix.terms import TreePath

if TYPE_CHECKING:
    from relbuild.mix.environment.calls import Call
    from relbuild.mix.environment.frame import Frame

Special = Callable[["Frame", Node, list[Value]], Value]
Function = Callable[["Call"], Value]

# Elixir's own modules, and functions that give no variable's value away.
KNOWN = (
    *(
        "Access.",
        "Application.",
        "Atom.",
        "Base.",
        "Code.",
        "Config.",
        "Date.",
        "DateTime.",
        "Enum.",
        "File.",
        "Float.",
    ),
    *("Function.", "IO.", "Integer.", "JSON.", "Kernel.", "Keyword.", "List.", "Logger.", "Map.", "MapSet.", "Module."),
    *("Node.", "Path.", "Process.", "Range.", "Regex.", "Stream.", "String.", "System.", "Tuple.", "URI.", "Version."),
    *(":", "config", "dbg", "inspect", "is_", "put_in", "to_charlist", "to_string", "update_in"),
)
GIVES_TEXT = ("String.trim", "String.down", "String.up", "String.split", "String.replace", "Path.", "inspect", "to_")
# Library functions that raise on nil, as their guards say (hexdocs.pm/elixir).
_NOT_NIL = frozenset(
    f"String.{name}"
    for name in (
        *("capitalize", "contains?", "downcase", "ends_with?", "first", "graphemes", "last", "length", "replace"),
        *("replace_leading", "replace_prefix", "replace_suffix", "replace_trailing", "slice", "split", "starts_with?"),
        *("to_atom", "to_charlist", "to_existing_atom", "to_float", "to_integer", "trim", "trim_leading"),
        *("trim_trailing", "upcase"),
    )
) | {
    *("Base.decode16!", "Base.decode32!", "Base.decode64", "Base.decode64!", "Base.url_decode64!", "Float.parse"),
    *("File.read!", "Integer.parse", "Path.expand", "Path.join", "URI.new!", "URI.parse", ":erlang.binary_to_integer"),
}
_NOT_EMPTY = frozenset({"String.to_integer", "String.to_float", ":erlang.binary_to_integer"})


def refuse_nil(call: Call) -> None:
    """Note what fails when the function is given nil by a variable that isn't set."""
    if call.name not in _NOT_NIL or not call.args:
        return
    condition = is_nil(call.args[0], f"{call.text(0)} is nil")
    if call.name in _NOT_EMPTY and condition != NEVER:
        condition = either((condition, _empty(call.args[0])))
    call.frame.reading.fails(condition, call.frame.at(call.node))


def _empty(value: Value) -> Condition:
    match value:
        case Text(variable):
            return Among(variable, frozenset({""}))
        case Choice(cases):
            found = (_empty(each) for _, each in cases)
            return either(each for each in found if each != NEVER)
    return NEVER


def _get_env(call: Call) -> Value:
    if not call.args:
        return Whole()
    shown = call.text(1) if len(call.args) > 1 else ""
    return variables.read(
        call.frame, call.args[0], call.written(0), call.whole, call.args[1] if len(call.args) > 1 else None, shown
    )


def _fetch_env(call: Call) -> Value:
    name = variables.variable(call.frame, call.args[0], call.written(0)) if call.args else None
    if name is None:
        return call.something(present=True)
    variables.note(call.frame, name, call.args[0], call.written(0))
    return variables.as_given(call.frame, name, Fetched(name))


def _fetch_env_or_raise(call: Call) -> Value:
    name = variables.variable(call.frame, call.args[0], call.written(0)) if call.args else None
    if name is None:
        return call.something(present=True)
    variables.note(call.frame, name, call.args[0], call.written(0))
    absent = every((missing(name), variables.untouched(call.frame, name)))
    call.frame.reading.fails(absent, call.frame.at(call.written(0)))
    return variables.as_given(call.frame, name, Text(name))


def _map(function: Function) -> Function:
    """Return a function of System for the same function of Map, given the map of all variables."""

    def of_map(call: Call) -> Value:
        if call.args and isinstance(call.args[0], Whole):
            return function(type(call)(call.frame, call.name, call.args[1:], call.nodes[1:], call.node, call.whole))
        return call.frame.plain(call.whole)

    return of_map


def _has_key(call: Call) -> Value:
    found = _fetch_env(call)
    return (
        Truth(is_set(found.variable)) if isinstance(found, Fetched) else Truth(call.frame.opaque(call.whole, call.args))
    )


def _put_env(call: Call) -> Value:
    name = variables.string(call.args[0]) if call.args else None
    if name is not None:
        call.frame.reading.assigned.add(name)
    return call.something(present=True)


def _is_nil(call: Call) -> Value:
    return Truth(is_nil(call.args[0], call.frame.text(call.whole))) if call.args else call.something()


def _is_binary(call: Call) -> Value:
    value = call.args[0] if call.args else None
    if isinstance(value, Text):
        return Truth(is_set(value.variable))
    return call.frame.plain(call.whole) if isinstance(value, Plain) else Truth(call.frame.opaque(call.whole, call.args))


def _is_function(call: Call) -> Value:
    value = call.args[0] if call.args else None
    known = isinstance(value, Plain) and isinstance(value.compute(), Known)
    if known or isinstance(value, Text | Truth | Fetched | Whole):
        return Truth(NEVER)
    return Truth(ALWAYS if isinstance(value, Closure) else call.frame.opaque(call.whole))


def _then(call: Call) -> Value:
    return call.frame.apply(call.args[1], call.args[:1], call.node) if len(call.args) == 2 else call.something()


def _tap(call: Call) -> Value:
    _then(call)
    return call.args[0] if call.args else call.something()


def _require_file(call: Call) -> Value:
    """Follow a file that is named by a path in the project."""
    frame = call.frame
    base = call.args[1].compute() if len(call.args) > 1 and isinstance(call.args[1], Plain) else None
    path = call.args[0].compute() if call.args and isinstance(call.args[0], Plain) else None
    directory = ""
    if isinstance(base, Known) and isinstance(base.value, TreePath | str):
        directory = base.value.path if isinstance(base.value, TreePath) else base.value
    if call.name == "import_config":
        directory = frame.file.source.file.rpartition("/")[0]
    named = path.value if isinstance(path, Known) else None
    text = (
        named.path
        if isinstance(named, TreePath)
        else posixpath.join(directory, named)
        if isinstance(named, str)
        else None
    )
    if text is None:
        frame.reading.note(
            Unknown(f"`{frame.text(call.whole)}`", "which file it is can't be told", frame.at(call.node))
        )
        return call.something()
    text = posixpath.normpath(text)
    if "*" in text and call.name == "import_config":
        # As Mix.Config had it (hexdocs.pm/mix/1.9, Mix.Config.import_config/1).
        for each in config_imports.matching(frame.reading.files.tree, text):
            _follow_file(call, each)
        return call.something()
    return _follow_file(call, text)


def _follow_file(call: Call, path: str) -> Value:
    reading = call.frame.reading
    if path in reading.following:
        return call.something()
    if reading.files.open(path) is None:
        written, at = f"`{call.frame.text(call.whole)}`", call.frame.at(call.node)
        reading.note(Unknown(written, f"the project has no {path}", at))
        return call.something()
    return reading.file(path)


def _matches(frame: Frame, node: Node, piped: list[Value]) -> Value:
    written = arguments(node)
    if len(written) != 2:
        return frame.something(node)
    return Truth(patterns.match_head(frame, [written[0]], [frame.walk(written[1])])[0])


def _ignored(frame: Frame, node: Node, piped: list[Value]) -> Value:
    return Something("nil")


SPECIAL: dict[str, Special] = {
    **dict.fromkeys(("raise", "reraise", "throw"), stops.raised),
    "match?": _matches,
    **dict.fromkeys(("defmodule", "import", "alias", "require", "use", "quote"), _ignored),
}

FUNCTIONS: dict[str, Function] = {
    "config": config_calls.note,
    "System.get_env": _get_env,
    "System.fetch_env": _fetch_env,
    "System.fetch_env!": _fetch_env_or_raise,
    "System.put_env": _put_env,
    "System.halt": stops.halted,
    "exit": stops.halted,
    "Map.get": _map(_get_env),
    "Map.fetch": _map(_fetch_env),
    "Map.fetch!": _map(_fetch_env_or_raise),
    "Map.has_key?": _map(_has_key),
    "is_map_key": _map(_has_key),
    "is_nil": _is_nil,
    "is_binary": _is_binary,
    "is_bitstring": _is_binary,
    "is_function": _is_function,
    "then": _then,
    "tap": _tap,
    **enumerables.FUNCTIONS,
    "Code.require_file": _require_file,
    "Code.eval_file": _require_file,
    "import_config": _require_file,
    **dotenvy.FUNCTIONS,
}
