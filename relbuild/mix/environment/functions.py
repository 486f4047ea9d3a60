"""The functions and special forms that say something about the environment, or whose result does."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir import config_imports
from relbuild.elixir.literals import NotLiteral, quoted, unescape
from relbuild.elixir.syntax import arguments, pair_key, parts
from relbuild.elixir.values import TreePath
from relbuild.facts import Known, Unknown
from relbuild.mix.environment import config_calls, control, patterns, tables, variables
from relbuild.mix.environment.conditions import ALWAYS, NEVER, Condition, OneOf, either, every, is_set, missing, unclear
from relbuild.mix.environment.values import (
    NIL,
    Choice,
    Closure,
    EnvFetch,
    EnvMap,
    EnvVar,
    NoReturn,
    Static,
    Test,
    UnknownValue,
    Value,
    choice,
    equals,
    falsy,
    is_nil,
    known_items,
    truthy,
)

if TYPE_CHECKING:
    from relbuild.mix.environment.calls import Call
    from relbuild.mix.environment.frame import Frame


Special = Callable[["Frame", Node, list[Value]], Value]
Function = Callable[["Call"], Value]


def refuse_nil(call: Call) -> None:
    """Note what fails when the function is given nil by a variable that isn't set, or an empty text by an empty one."""
    module = call.name.rpartition(".")[0]
    if not call.args or not (module in tables.NO_NIL_MODULES or call.name in tables.NO_NIL):
        return
    condition = is_nil(call.args[0], f"{call.text(0)} is nil")
    if module in tables.COLLECTIONS and unclear(condition):
        return
    if call.name in tables.NO_EMPTY and condition != NEVER:
        condition = either((condition, _empty(call.args[0])))
    call.frame.reading.fails(condition, call.frame.at(call.node))


def _empty(value: Value) -> Condition:
    match value:
        case EnvVar(variable):
            return OneOf(variable, frozenset({""}))
        case Choice(cases):
            found = (_empty(each) for _, each in cases)
            return either(each for each in found if each != NEVER)
    return NEVER


def _get_env(call: Call) -> Value:
    if not call.args:
        return EnvMap()
    shown = call.text(1) if len(call.args) > 1 else ""
    return variables.read(
        call.frame, call.args[0], call.written(0), call.whole, call.args[1] if len(call.args) > 1 else None, shown
    )


def _fetch_env(call: Call) -> Value:
    name = variables.variable(call.frame, call.args[0], call.written(0)) if call.args else None
    if name is None:
        return call.unknown_value(present=True)
    variables.note(call.frame, name, call.args[0], call.written(0))
    return variables.as_given(call.frame, name, EnvFetch(name))


def _fetch_env_or_raise(call: Call) -> Value:
    name = variables.variable(call.frame, call.args[0], call.written(0)) if call.args else None
    if name is None:
        return call.unknown_value(present=True)
    variables.note(call.frame, name, call.args[0], call.written(0))
    absent = every((missing(name), variables.untouched(call.frame, name)))
    call.frame.reading.fails(absent, call.frame.at(call.written(0)))
    return variables.as_given(call.frame, name, EnvVar(name))


def _map(function: Function) -> Function:
    """Return a function of System for the same function of Map, given the map of all variables."""

    def of_map(call: Call) -> Value:
        if call.args and isinstance(call.args[0], EnvMap):
            return function(type(call)(call.frame, call.name, call.args[1:], call.nodes[1:], call.node, call.whole))
        return call.frame.plain(call.whole)

    return of_map


def _has_key(call: Call) -> Value:
    found = _fetch_env(call)
    return (
        Test(is_set(found.variable)) if isinstance(found, EnvFetch) else Test(call.frame.opaque(call.whole, call.args))
    )


def _getenv(call: Call) -> Value:
    """Follow `:os.getenv`, which gives a charlist, and false for what isn't set."""
    if not call.args:
        return _environment(call)
    name = variables.variable(call.frame, call.args[0], call.written(0))
    if name is None:
        return call.unknown_value()
    variables.note(call.frame, name, call.args[0], call.written(0))
    default: Value = Test(NEVER)
    if len(call.args) > 1:
        default = call.args[1]
        variables.note_default(call.frame, name, default, call.text(1))
    given = UnknownValue(name, present=True, made_of=frozenset({name}))
    value = choice([(is_set(name), given), (missing(name), default)], call.frame.text(call.whole))
    return variables.as_given(call.frame, name, value)


def _environment(call: Call) -> Value:
    """Note a call that gives all variables in a form that isn't followed."""
    return variables.escapes(call.frame, call.whole, call.unknown_value(present=True))


def _take(call: Call) -> Value:
    """Follow `Map.take` of the map of all variables: those that are named are read."""
    items = known_items(call.args[1]) if len(call.args) == 2 and isinstance(call.args[0], EnvMap) else None
    if items is None:
        return variables.given_away(call) or call.frame.plain(call.whole)
    for item in items:
        _get_env(replace(call, args=[Static(lambda item=item: item, "")], nodes=[call.nodes[1]]))  # type: ignore[misc]
    return call.unknown_value(present=True)


def _apply(call: Call) -> Value:
    """Follow `apply(function, args)` and `apply(Module, :name, args)`."""
    frame, args = call.frame, _items(call.args[-1]) if call.args else None
    if len(call.args) == 2 and args is not None:
        return frame.apply(call.args[0], args, call.node)
    module, name = (variables.atom(value) for value in call.args[:2]) if len(call.args) == 3 else (None, None)
    if args is None or module is None or name is None:
        return variables.perhaps_reads(call)
    return frame.call(f"{module}.{name.lstrip(':')}", args, call.node)


def _items(value: Value) -> list[Value] | None:
    """Return the items of a list, each as a value."""
    if isinstance(value, Static) and value.items is not None:
        return list(value.items)
    items = known_items(value)
    return [Static(lambda item=item: item, value.text) for item in items] if items is not None else None  # type: ignore[misc,union-attr]


def _evaluate(call: Call) -> Value:
    """Note code that is evaluated and can't be followed."""
    frame = call.frame
    frame.reading.note(Unknown(f"`{frame.text(call.whole)}`", "what it evaluates isn't followed", frame.at(call.node)))
    return call.unknown_value()


def _put_env(call: Call) -> Value:
    name = variables.string(call.args[0]) if call.args else None
    if name is not None:
        call.frame.reading.assigned.add(name)
    return call.unknown_value(present=True)


def _is_nil(call: Call) -> Value:
    return Test(is_nil(call.args[0], call.frame.text(call.whole))) if call.args else call.unknown_value()


def _is_binary(call: Call) -> Value:
    value = call.args[0] if call.args else None
    if isinstance(value, EnvVar):
        return Test(is_set(value.variable))
    return call.frame.plain(call.whole) if isinstance(value, Static) else Test(call.frame.opaque(call.whole, call.args))


def _is_function(call: Call) -> Value:
    value = call.args[0] if call.args else None
    known = isinstance(value, Static) and isinstance(value.compute(), Known)
    if known or isinstance(value, EnvVar | Test | EnvFetch | EnvMap):
        return Test(NEVER)
    return Test(ALWAYS if isinstance(value, Closure) else call.frame.opaque(call.whole))


def _then(call: Call) -> Value:
    return call.frame.apply(call.args[1], call.args[:1], call.node) if len(call.args) == 2 else call.unknown_value()


def _tap(call: Call) -> Value:
    _then(call)
    return call.args[0] if call.args else call.unknown_value()


def _require_file(call: Call) -> Value:
    """Follow a file that is named by a path in the project."""
    frame = call.frame
    base = call.args[1].compute() if len(call.args) > 1 and isinstance(call.args[1], Static) else None
    path = call.args[0].compute() if call.args and isinstance(call.args[0], Static) else None
    directory = ""
    if isinstance(base, Known) and isinstance(base.value, TreePath | str):
        directory = base.value.path if isinstance(base.value, TreePath) else base.value
    if call.name == "import_config":
        directory = frame.file.source.file.rpartition("/")[0]
    named = path.value if isinstance(path, Known) else None
    if not isinstance(named, TreePath | str):
        what = f"`{frame.text(call.whole)}`"
        frame.reading.note(Unknown(what, "the file that it reads is computed", frame.at(call.node)))
        return call.unknown_value()
    text = posixpath.normpath(named.path if isinstance(named, TreePath) else posixpath.join(directory, named))
    if "*" in text and call.name == "import_config":
        # As Mix.Config had it (hexdocs.pm/mix/1.9, Mix.Config.import_config/1).
        for each in config_imports.matching(frame.reading.files.tree, text):
            _follow_file(call, each)
        return call.unknown_value()
    return _follow_file(call, text)


def _follow_file(call: Call, path: str) -> Value:
    reading = call.frame.reading
    if path in reading.following:
        return call.unknown_value()
    if reading.files.open(path) is None:
        written, at = f"`{call.frame.text(call.whole)}`", call.frame.at(call.node)
        reading.note(Unknown(written, f"the project has no {path}", at))
        return call.unknown_value()
    return reading.file(path)


def _member(call: Call) -> Value:
    items = known_items(call.args[0]) if len(call.args) == 2 else None
    if items is None:
        return Test(call.frame.opaque(call.whole, call.args))
    found = either(equals(call.args[1], item, call.frame.text(call.whole)) for item in items)
    return Test(call.frame.reading.uses.compared(found))


def _each(call: Call) -> Value:
    """Follow a function once for each item of a list that is known, else once for any."""
    if len(call.args) < 2:
        return variables.given_away(call) or call.unknown_value()
    given = [call.args[0]]
    for condition, item in control.each_item(call.frame, call.args[0], call.written(0)):
        rest = [UnknownValue("the accumulator")] if "reduce" in call.name else []
        with call.frame.reading.under(condition):
            given.append(call.frame.apply(call.args[-1], [item, *rest], call.node))
    return call.frame.unknown_value(call.whole, present=True, of=given)


def _asked_one_by_one(call: Call, until: bool) -> list[tuple[Condition, Value, Value]] | None:
    """Follow a function for each item until it says so, or doesn't; return when it is asked of which, and its answers.

    None where the items aren't known.
    """
    found: list[tuple[Condition, Value, Value]] = []
    goes_on: Condition = ALWAYS
    for condition, item in control.each_item(call.frame, call.args[0], call.written(0)):
        with call.frame.reading.under(condition, goes_on):
            answer = call.frame.apply(call.args[-1], [item], call.node) if len(call.args) > 1 else item
        if condition != ALWAYS:
            return None
        found.append((goes_on, item, answer))
        goes_on = every((goes_on, falsy(answer) if until else truthy(answer)))
    return found


def _all(call: Call) -> Value:
    asked = _asked_one_by_one(call, until=False) if call.args else None
    return call.unknown_value() if asked is None else Test(every(truthy(answer) for _, _, answer in asked))


def _any(call: Call) -> Value:
    asked = _asked_one_by_one(call, until=True) if call.args else None
    return call.unknown_value() if asked is None else Test(either(truthy(answer) for _, _, answer in asked))


def _find(call: Call) -> Value:
    asked = _asked_one_by_one(call, until=True) if len(call.args) > 1 else None
    if asked is None:
        return call.unknown_value()
    cases = [
        (every((reached, truthy(answer))), answer if call.name == "Enum.find_value" else item)
        for reached, item, answer in asked
    ]
    otherwise = call.args[1] if len(call.args) > 2 else NIL
    none = every(falsy(answer) for _, _, answer in asked)
    return choice([*cases, (none, otherwise)], call.frame.text(call.whole))


_COLLECTIONS: dict[str, Function] = {
    "Enum.member?": _member,
    **dict.fromkeys(tables.EACH, _each),
    "Enum.all?": _all,
    "Enum.any?": _any,
    "Enum.find": _find,
    "Enum.find_value": _find,
}


def _raised(frame: Frame, node: Node, piped: list[Value]) -> Value:
    """Note that the start fails here, with what the author says of it."""
    frame.reading.fails_here(frame.at(node), _message(frame, arguments(node)))
    return NoReturn()


def _halted(call: Call) -> Value:
    """Note that the start fails here, unless it ends with exit code 0."""
    code = call.args[0].compute() if call.args and isinstance(call.args[0], Static) else None
    if call.args and not (isinstance(code, Known) and code.value == 0):
        call.frame.reading.fails_here(call.frame.at(call.node), None)
    return NoReturn()


def _message(frame: Frame, written: list[Node]) -> str | None:
    """Return what the author wrote for whoever sees it raised."""
    if not written:
        return None
    last = written[-1]
    if last.type == "keywords":
        values = [
            pair.child_by_field_name("value") for pair in parts(last) if pair_key(frame.file.source, pair) == "message"
        ]
        last = next((value for value in values if value is not None), last)
    known = variables.string(frame.walk(last)) if last.type not in ("alias", "keywords") else None
    if known is None and last.type == "string":
        known = _interpolated(frame, last)
    return known.strip() if known and known.strip() else None


def _interpolated(frame: Frame, node: Node) -> str:
    found = []
    for piece in quoted(frame.file.source, node):
        if isinstance(piece, str):
            try:
                found.append(unescape(piece))
            except NotLiteral:
                found.append(piece)
        else:
            value = frame.statements(piece)
            found.append(variables.string(value) or frame.file.source.text(piece))
    return "".join(found)


def _matches(frame: Frame, node: Node, piped: list[Value]) -> Value:
    written = arguments(node)
    if len(written) != 2:
        return frame.unknown_value(node)
    return Test(patterns.match_head(frame, [written[0]], [frame.walk(written[1])])[0])


def _ignored(frame: Frame, node: Node, piped: list[Value]) -> Value:
    return UnknownValue("nil")


SPECIAL: dict[str, Special] = {
    **dict.fromkeys(("raise", "reraise", "throw"), _raised),
    "match?": _matches,
    **dict.fromkeys(("defmodule", "import", "alias", "require", "use", "quote"), _ignored),
}

FUNCTIONS: dict[str, Function] = {
    "config": config_calls.note,
    "System.get_env": _get_env,
    "System.fetch_env": _fetch_env,
    "System.fetch_env!": _fetch_env_or_raise,
    "System.put_env": _put_env,
    ":os.getenv": _getenv,
    ":os.env": _environment,
    "apply": _apply,
    "Kernel.apply": _apply,
    "System.halt": _halted,
    "exit": _halted,
    "Map.get": _map(_get_env),
    "Map.fetch": _map(_fetch_env),
    "Map.fetch!": _map(_fetch_env_or_raise),
    "Map.has_key?": _map(_has_key),
    "Map.take": _take,
    "is_map_key": _map(_has_key),
    "is_nil": _is_nil,
    "is_binary": _is_binary,
    "is_bitstring": _is_binary,
    "is_function": _is_function,
    "then": _then,
    "tap": _tap,
    **_COLLECTIONS,
    "Code.require_file": _require_file,
    "Code.eval_file": _require_file,
    "Code.compile_file": _require_file,
    "Config.Reader.read!": _require_file,
    **dict.fromkeys(tables.EVALUATES, _evaluate),
    "import_config": _require_file,
    **variables.DOTENVY,
}
