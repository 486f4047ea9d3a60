"""Expressions followed to their values: literals, collections, variables, operators and blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir.syntax import operand, operands, operator, parts
from relbuild.mix.environment import calls, control, patterns, variables
from relbuild.mix.environment.conditions import NEVER, Opaque, either, negation
from relbuild.mix.environment.values import (
    NIL,
    Fetched,
    Plain,
    Stop,
    Text,
    Truth,
    Value,
    Whole,
    choice,
    equals,
    falsy,
    is_nil,
    known_items,
    seen,
    truthy,
)

if TYPE_CHECKING:
    from relbuild.mix.environment.frame import Frame


_LITERALS = frozenset({"integer", "float", "char", "boolean", "nil", "atom", "alias"})
_COLLECTIONS = frozenset({"string", "charlist", "quoted_atom", "sigil", "map", "bitstring"})


def follow(frame: Frame, node: Node) -> Value:
    """Follow an expression and return its value."""
    kind = node.type
    if kind in _LITERALS:
        return frame.plain(node, present=kind not in ("nil", "boolean"))
    if kind in ("list", "tuple"):
        return _listed(frame, node)
    if kind in _COLLECTIONS:
        frame.children(node)
        return frame.plain(node, present=True)
    structure = _STRUCTURES.get(kind)
    if structure is not None:
        return structure(frame, node)
    frame.children(node)
    return frame.something(node)


def _listed(frame: Frame, node: Node) -> Value:
    """Follow a list or tuple, whose items are known one by one where each is written by itself."""
    written = parts(node)
    if node.type == "tuple":
        frame.reading.note_tuple(frame, node)
    if any(each.type == "keywords" or operator(each) == "|" for each in written):
        frame.children(node)
        return frame.plain(node, present=True)
    return frame.plain(node, present=True, items=tuple(map(frame.walk, written)))


def _identifier(frame: Frame, node: Node) -> Value:
    name = frame.file.source.text(node)
    if name in frame.bindings:
        return frame.bindings[name]
    if name in ("__DIR__", "__MODULE__"):
        return frame.plain(node, present=True)
    return calls.named(frame, name, [], node)


def _binary(frame: Frame, node: Node) -> Value:
    left, right = operands(node)
    match operator(node):
        case "&&" | "and":
            return _junction(frame, node, wanted=True)
        case "||" | "or":
            return _junction(frame, node, wanted=False)
        case "|>":
            return calls.call(frame, right, [frame.walk(left)], whole=node)
        case "=":
            return _assign(frame, left, frame.walk(right))
        case "==" | "===":
            return _compared(frame, node, frame.text(node))
        case "!=" | "!==" as sign:
            return _opposite(_compared(frame, node, _positive(frame, node, sign.replace("!", "=", 1))))
        case "in":
            return _member(frame, node, frame.text(node))
        case "not in":
            return _opposite(_member(frame, node, _positive(frame, node, "in")))
        case "<>":
            values = [frame.walk(side) for side in (left, right)]
            for side, value in zip((left, right), values, strict=True):
                frame.reading.fails(is_nil(value, f"{frame.text(side)} is nil"), frame.at(node))
            return frame.plain(node, present=True)
        case "->":
            return frame.something(node)
    return frame.plain(node, of=[frame.walk(left), frame.walk(right)])


def _junction(frame: Frame, node: Node, wanted: bool) -> Value:
    """Follow `&&` or `||`: its right side counts where the left one is, or isn't, true."""
    left, right = operands(node)
    first = frame.walk(left)
    if isinstance(first, Stop):
        return first
    goes_on, ends = (truthy(first), falsy(first)) if wanted else (falsy(first), truthy(first))
    second: Value = Stop()
    with frame.reading.under(goes_on) as reachable:
        if reachable:
            second = frame.walk(right)
            if not wanted and isinstance(second, Plain) and isinstance(first, Text):
                variables.note_default(frame, first.variable, second)
    if not wanted:
        return choice([(ends, first), (goes_on, second)], frame.text(node))
    # What isn't true is nil or false; which of them makes no difference to a condition.
    otherwise = Truth(NEVER) if isinstance(first, Truth) else NIL
    return choice([(goes_on, second), (ends, otherwise)], frame.text(node))


def _assign(frame: Frame, pattern: Node, value: Value) -> Value:
    condition, bindings = patterns.match(frame, pattern, value)
    if pattern.type != "identifier" and isinstance(value, Fetched | Whole):
        frame.reading.fails(negation(condition), frame.at(pattern))
    frame.bind(bindings)
    return value


def _compared(frame: Frame, node: Node, text: str) -> Value:
    left, right = (frame.walk(side) for side in operands(node))
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Plain):
            return Truth(frame.reading.uses.compared(equals(one, other.compute(), text)))
    return Truth(Opaque(text, sees=seen(left, right)))


def _member(frame: Frame, node: Node, text: str) -> Value:
    left, right = (frame.walk(side) for side in operands(node))
    items = known_items(right)
    if items is None:
        return Truth(Opaque(text, sees=seen(left, right)))
    return Truth(frame.reading.uses.compared(either(equals(left, item, text) for item in items)))


def _positive(frame: Frame, node: Node, sign: str) -> str:
    """Return what a comparison denies, with the sign that asserts it."""
    left, right = operands(node)
    return f"{frame.text(left)} {sign} {frame.text(right)}"


def _opposite(value: Value) -> Value:
    return Truth(falsy(value))


def _unary(frame: Frame, node: Node) -> Value:
    inner = operand(node)
    assert inner is not None
    match operator(node):
        case "!" | "not":
            return _opposite(frame.walk(inner))
        case "&" if inner.type == "integer":
            return frame.bindings.get(f"&{frame.file.source.text(inner)}") or frame.something(node)
        case "&":
            return frame.reading.closure(frame, node)
        case "@":
            return frame.plain(node)
    return frame.plain(node, of=[frame.walk(inner)])


def _access(frame: Frame, node: Node) -> Value:
    target, key = node.child_by_field_name("target"), node.child_by_field_name("key")
    assert target is not None
    assert key is not None
    container, wanted = frame.walk(target), frame.walk(key)
    if isinstance(container, Whole):
        return variables.read(frame, wanted, key, node)
    return frame.plain(node, of=[container, wanted])


def _closure(frame: Frame, node: Node) -> Value:
    return frame.reading.closure(frame, node)


def _block(frame: Frame, node: Node) -> Value:
    if any(part.type.endswith("_block") and part.type != "do_block" for part in parts(node)):
        return control.tried(frame, node)
    return frame.statements(node)


_STRUCTURES: dict[str, Callable[[Frame, Node], Value]] = {
    "identifier": _identifier,
    "binary_operator": _binary,
    "unary_operator": _unary,
    "access_call": _access,
    "anonymous_function": _closure,
    "block": _block,
    "do_block": _block,
    "body": _block,
    "call": lambda frame, node: calls.call(frame, node, [], whole=node),
    "dot": lambda frame, node: calls.call(frame, node, [], whole=node),
}
