"""When a value of a configuration file matches a pattern, and what the pattern's variables are then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir.patterns import match as match_term
from relbuild.elixir.patterns import variables as bound
from relbuild.elixir.syntax import child, operand, operands, operator, parts
from relbuild.elixir.values import List, TreePath, Tuple
from relbuild.facts import Known
from relbuild.mix.environment import variables
from relbuild.mix.environment.conditions import ALWAYS, NEVER, Condition, Opaque, either, every, is_set
from relbuild.mix.environment.values import (
    Choice,
    Closure,
    EnvFetch,
    EnvMap,
    EnvVar,
    Static,
    Test,
    UnknownValue,
    Value,
    equals,
    made_of,
    seen,
    truthy,
)

if TYPE_CHECKING:
    from relbuild.mix.environment.frame import Frame


Matched = tuple[Condition, dict[str, Value]]

_LITERALS = frozenset({"string", "integer", "float", "char", "boolean", "nil", "atom", "quoted_atom", "alias"})


def match(frame: Frame, pattern: Node, value: Value) -> Matched:
    """Return when the value matches the pattern, and its variables."""
    if pattern.type == "identifier":
        name = frame.file.source.text(pattern)
        return ALWAYS, {} if name == "_" else {name: value}
    if pattern.type in _LITERALS:
        same = equals(value, frame.plain(pattern).compute(), _is(frame, value, pattern))
        return frame.reading.uses.compared(same), {}
    if pattern.type == "binary_operator" and operator(pattern) == "=":
        one, other = (match(frame, side, value) for side in operands(pattern))
        return every((one[0], other[0])), {**one[1], **other[1]}
    if pattern.type == "unary_operator" and operator(pattern) == "^":
        pinned = operand(pattern)
        known = frame.walk(pinned) if pinned is not None else None
        if isinstance(known, Static):
            return equals(value, known.compute(), _is(frame, value, pattern)), {}
    if isinstance(value, EnvFetch) and pattern.type == "tuple":
        return _fetched(frame, pattern, value)
    if isinstance(value, EnvMap) and pattern.type == "map" and child(pattern, "struct") is None:
        return _variables(frame, pattern)
    if isinstance(value, Choice):
        return _choice(frame, pattern, value)
    if isinstance(value, Static):
        items = _items(pattern, value)
        if items is not None:
            return match_head(frame, parts(pattern), items)
        if _is_concatenation(pattern) and _no_text(value):
            return NEVER, unknown(frame, pattern)
        found = match_term(pattern, value.compute(), lambda node: frame.plain(node).compute())
        if found is False:
            return NEVER, unknown(frame, pattern)
        if found is not None:
            return ALWAYS, {name: _term(term, name) for name, term in found.items()}
    if isinstance(value, EnvVar) and _is_concatenation(pattern):
        opaque = Opaque(_matches(frame, value, pattern), sees=seen(value))
        return every((is_set(value.variable), opaque)), unknown(frame, pattern, value)
    if isinstance(value, EnvVar | Test | EnvMap | Closure) and pattern.type in ("tuple", "list"):
        return NEVER, unknown(frame, pattern)
    return Opaque(_matches(frame, value, pattern), sees=seen(value)), unknown(frame, pattern, value)


def _is_concatenation(pattern: Node) -> bool:
    return pattern.type == "binary_operator" and operator(pattern) == "<>"


def _items(pattern: Node, value: Static) -> tuple[Value, ...] | None:
    """Return the items of a list or tuple that the pattern takes one by one."""
    kind = {"list": List, "tuple": Tuple}.get(pattern.type)
    if value.items is None or kind is None:
        return None
    term = value.compute()
    one_by_one = all(each.type != "keywords" and operator(each) != "|" for each in parts(pattern))
    return value.items if one_by_one and isinstance(term, Known) and isinstance(term.value, kind) else None


def _no_text(value: Static) -> bool:
    term = value.compute()
    return isinstance(term, Known) and not isinstance(term.value, str | TreePath)


def _term(term: object, name: str) -> Value:
    return Static(lambda: term, name) if isinstance(term, Known) else UnknownValue(name)


def _is(frame: Frame, value: Value, pattern: Node) -> str:
    return f"{_subject(value)} is {frame.text(pattern)}"


def _matches(frame: Frame, value: Value, pattern: Node) -> str:
    return f"{_subject(value)} matches {frame.text(pattern)}"


def _subject(value: Value) -> str:
    match value:
        case EnvVar(variable) | EnvFetch(variable):
            return variable
        case Static() | UnknownValue():
            return value.text
    return "it"


def _fetched(frame: Frame, pattern: Node, value: EnvFetch) -> Matched:
    wanted = parts(pattern)
    if len(wanted) == 2 and frame.file.source.text(wanted[0]) == ":ok":
        condition, bindings = match(frame, wanted[1], EnvVar(value.variable))
        return every((is_set(value.variable), condition)), bindings
    return (NEVER if wanted and wanted[0].type == "atom" else frame.opaque(pattern)), unknown(frame, pattern)


def _variables(frame: Frame, pattern: Node) -> Matched:
    """Match the map of all variables: those that are named have to be set."""
    conditions, bindings = [], dict[str, Value]()
    for entry in parts(child(pattern, "map_content")):
        key, wanted = operands(entry) if operator(entry) == "=>" else (entry, entry)
        value = frame.plain(key)
        name = variables.string(value) if key.type == "string" else None
        if name is None or name in frame.reading.assigned:
            return frame.opaque(pattern), unknown(frame, pattern)
        variables.note(frame, name, value, key)
        condition, found = match(frame, wanted, EnvVar(name))
        conditions += [is_set(name), condition]
        bindings |= found
    return every(conditions), bindings


def _choice(frame: Frame, pattern: Node, value: Choice) -> Matched:
    """Match each of the alternatives; the variables are those of the only one that can match, else unknown."""
    found = [(when, *match(frame, pattern, each)) for when, each in value.cases]
    possible = [(when, condition, bindings) for when, condition, bindings in found if condition != NEVER]
    condition = either(every((when, condition)) for when, condition, _ in possible)
    return condition, possible[0][2] if len(possible) == 1 else unknown(frame, pattern)


def unknown(frame: Frame, pattern: Node | None, *values: Value) -> dict[str, Value]:
    """Return the variables of a pattern of which nothing is known but what they are taken out of."""
    names = bound(pattern) if pattern is not None else []
    # Elsewhere nobody knows a name that a pattern gives.
    of = (
        f" of {_subject(values[0])}"
        if len(values) == 1 and isinstance(values[0], Static | UnknownValue | EnvVar)
        else ""
    )
    return {
        name: UnknownValue(f"{name}{of}", sees=seen(*values), made_of=made_of(*values)) for name in names if name != "_"
    }


def match_head(frame: Frame, written: Sequence[Node], values: Sequence[Value]) -> Matched:
    """Return when values match patterns, the last of which may have a guard, and their variables."""
    guard = None
    heads = list(written)
    if heads and heads[-1].type == "binary_operator" and operator(heads[-1]) == "when":
        heads[-1], guard = operands(heads[-1])
    if len(heads) == 1 and heads[0].type == "arguments":
        heads = parts(heads[0])
    if len(heads) != len(values):
        return NEVER, {}
    conditions, bindings = [], dict[str, Value]()
    for pattern, value in zip(heads, values, strict=True):
        condition, found = match(frame, pattern, value)
        repeated = bindings.keys() & found.keys()
        conditions.append(every((condition, frame.opaque(pattern))) if repeated else condition)
        bindings |= found
    condition = every(conditions)
    return (condition if guard is None else guarded(frame, condition, bindings, guard)), bindings


def match_clause(frame: Frame, clause: Node, values: Sequence[Value]) -> Matched:
    """Return when values match the head of a `->` clause, and the head's variables."""
    head = clause.child_by_field_name("left")
    if head is None:
        return (ALWAYS if not values else NEVER), {}
    if head.type == "binary_operator" and operator(head) == "when":
        patterns, guard = operands(head)
        condition, bindings = match_head(frame, parts(patterns) if patterns.type == "arguments" else [patterns], values)
        return guarded(frame, condition, bindings, guard), bindings
    return match_head(frame, parts(head) if head.type == "arguments" else [head], values)


def guarded(frame: Frame, condition: Condition, bindings: dict[str, Value], guard: Node) -> Condition:
    """Return the condition with a guard's on top."""
    return every((condition, truthy(frame.inner(bindings).walk(guard)))) if condition != NEVER else condition
