"""Where an expression of a configuration stands, and its value: literals, collections, variables, operators, blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir.modules import Module, Scope
from relbuild.elixir.syntax import operand, operands, operator, pair_key, parts
from relbuild.elixir.values import Term
from relbuild.errors import Mark
from relbuild.facts import Unknown
from relbuild.mix.environment import calls, control, patterns, variables
from relbuild.mix.environment.conditions import NEVER, Opaque, either, negation
from relbuild.mix.environment.files import File
from relbuild.mix.environment.values import (
    NIL,
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
    made_of,
    seen,
    truthy,
)

if TYPE_CHECKING:
    from relbuild.mix.environment.reading import Reading


@dataclass(slots=True)
class Frame:
    """Where an expression stands: its file, its module, and the variables it sees."""

    reading: Reading
    file: File
    module: Module | None = None
    bindings: Mapping[str, Value] = field(default_factory=dict)

    def walk(self, node: Node) -> Value:
        """Follow an expression and return its value."""
        with self.reading.step(self.file):
            return follow(self, node)

    def statements(self, node: Node) -> Value:
        """Follow the expressions of a block and return the last one's value."""
        return self.sequence(parts(node))

    def sequence(self, nodes: Sequence[Node]) -> Value:
        """Follow expressions one after the other and return the last one's value, or where they stop."""
        value: Value = UnknownValue("nil")
        for node in nodes:
            value = self.walk(node)
            if isinstance(value, NoReturn):
                return value
        return value

    def statements_of(self, node: Node | None) -> Value:
        """Follow the expressions of a clause's right side and return the last one's value."""
        return self.statements(node) if node is not None else UnknownValue("nil")

    def children(self, node: Node) -> None:
        """Follow all that stands inside a collection."""
        for part in parts(node):
            if part.type == "pair":
                value = part.child_by_field_name("value")
                if value is not None:
                    self._configure(pair_key(self.file.source, part), value)
            elif part.type in ("keywords", "interpolation", "map_content"):
                self.children(part)
            elif part.type not in ("quoted_content", "escape_sequence", "sigil_name", "sigil_modifiers", "struct"):
                self.walk(part)

    def _configure(self, key: str | None, node: Node) -> None:
        value = self.walk(node)
        if isinstance(value, EnvMap):
            variables.escapes(self, node, value)
        self.reading.configured(key, value)

    def apply(self, function: Value, args: list[Value], node: Node) -> Value:
        """Follow a function value with these arguments."""
        return calls.apply(self, function, args, node)

    def call(self, name: str, args: list[Value], node: Node) -> Value:
        """Follow a call of a function by its name."""
        return calls.named(self, name, args, node)

    def function(self, name: str, args: list[Value], node: Node) -> Value:
        """Follow a function of the frame's module as a part of what is being read, not as a call in it."""
        return calls.function(self, name, args, node)

    def inner(self, bindings: Mapping[str, Value] | None = None) -> Frame:
        """Return a frame inside this one: what it binds is not seen outside."""
        return Frame(self.reading, self.file, self.module, {**self.bindings, **(bindings or {})})

    def within(self, file: File, module: Module | None, bindings: Mapping[str, Value]) -> Frame:
        """Return the frame of a function that is called from here."""
        return Frame(self.reading, file, module, bindings)

    def bind(self, bindings: Mapping[str, Value]) -> None:
        """Set variables for what follows."""
        self.bindings = {**self.bindings, **bindings}

    def text(self, node: Node) -> str:
        """Return the node's text for a message."""
        return self.file.source.excerpt(node, 80)

    def at(self, node: Node) -> Mark:
        """Return the node's place."""
        return self.file.source.mark(node)

    def unknown_value(self, node: Node, present: bool = False, of: Sequence[Value] = ()) -> UnknownValue:
        """Return that nothing is known of the node's value, but perhaps that there is one, and what it is made of."""
        return UnknownValue(self.text(node), present, seen(*of), made_of(*of))

    def plain(
        self, node: Node, present: bool = False, of: Sequence[Value] = (), items: tuple[Value, ...] | None = None
    ) -> Static:
        """Return the node's value as one that can be worked out, unless what it is made of needs the environment."""
        bindings = self.bindings
        known: list[Term] = []

        def compute() -> Term:
            if not known:
                known.append(self._evaluate(node, bindings))
            return known[0]

        parts = (*of, *(items or ()))
        return Static(compute, self.text(node), present, seen(*parts), made_of(*parts), items)

    def _evaluate(self, node: Node, bindings: Mapping[str, Value]) -> Term:
        if node.type in _LITERALS:
            literal = self.file.literals.get(node.start_byte)
            if literal is None:
                literal = self.file.evaluator.evaluate(node, Scope(self.module, {}))
                self.file.literals[node.start_byte] = literal
            return literal
        evaluator = self.file.evaluator
        evaluator.start_anew()
        text = self.file.source.text(node)
        terms: dict[str, Term] = {}
        for name, value in bindings.items():
            if name not in text:
                continue
            unknown = Unknown(name, "it depends on the environment", self.at(node))
            terms[name] = value.compute() if isinstance(value, Static) else unknown
        for name, value in bindings.items():
            if name.startswith("&") and isinstance(value, Static):
                terms[name] = value.compute()
        return evaluator.evaluate(node, Scope(self.module, terms))

    def opaque(self, node: Node, of: Sequence[Value] = ()) -> Opaque:
        """Return that only the running system knows whether this is true, which it is of these values."""
        return Opaque(self.text(node), sees=seen(*of))


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
    return frame.unknown_value(node)


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
            return frame.unknown_value(node)
    return frame.plain(node, of=[frame.walk(left), frame.walk(right)])


def _junction(frame: Frame, node: Node, wanted: bool) -> Value:
    """Follow `&&` or `||`: its right side counts where the left one is, or isn't, true."""
    left, right = operands(node)
    first = frame.walk(left)
    if isinstance(first, NoReturn):
        return first
    goes_on, ends = (truthy(first), falsy(first)) if wanted else (falsy(first), truthy(first))
    second: Value = NoReturn()
    with frame.reading.under(goes_on) as reachable:
        if reachable:
            second = frame.walk(right)
            if not wanted and isinstance(second, Static) and isinstance(first, EnvVar):
                variables.note_default(frame, first.variable, second)
    if not wanted:
        return choice([(ends, first), (goes_on, second)], frame.text(node))
    # What isn't true is nil or false; which of them makes no difference to a condition.
    otherwise = Test(NEVER) if isinstance(first, Test) else NIL
    return choice([(goes_on, second), (ends, otherwise)], frame.text(node))


def _assign(frame: Frame, pattern: Node, value: Value) -> Value:
    condition, bindings = patterns.match(frame, pattern, value)
    if pattern.type != "identifier" and isinstance(value, EnvFetch | EnvMap):
        frame.reading.fails(negation(condition), frame.at(pattern))
    frame.bind(bindings)
    return value


def _compared(frame: Frame, node: Node, text: str) -> Value:
    left, right = (frame.walk(side) for side in operands(node))
    for one, other in ((left, right), (right, left)):
        if isinstance(other, Static):
            return Test(frame.reading.uses.compared(equals(one, other.compute(), text)))
    return Test(Opaque(text, sees=seen(left, right)))


def _member(frame: Frame, node: Node, text: str) -> Value:
    left, right = (frame.walk(side) for side in operands(node))
    items = known_items(right)
    if items is None:
        return Test(Opaque(text, sees=seen(left, right)))
    return Test(frame.reading.uses.compared(either(equals(left, item, text) for item in items)))


def _positive(frame: Frame, node: Node, sign: str) -> str:
    """Return what a comparison denies, with the sign that asserts it."""
    left, right = operands(node)
    return f"{frame.text(left)} {sign} {frame.text(right)}"


def _opposite(value: Value) -> Value:
    return Test(falsy(value))


def _unary(frame: Frame, node: Node) -> Value:
    inner = operand(node)
    assert inner is not None
    match operator(node):
        case "!" | "not":
            return _opposite(frame.walk(inner))
        case "&" if inner.type == "integer":
            return frame.bindings.get(f"&{frame.file.source.text(inner)}") or frame.unknown_value(node)
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
    if isinstance(container, EnvMap):
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
