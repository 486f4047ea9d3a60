"""Where an expression of a configuration stands while it is followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir.modules import Module, Scope
from relbuild.elixir.syntax import pair_key, parts
from relbuild.elixir.values import Term
from relbuild.errors import Mark
from relbuild.facts import Unknown
from relbuild.mix.environment import calls, structures, variables
from relbuild.mix.environment.conditions import Opaque
from relbuild.mix.environment.files import File
from relbuild.mix.environment.values import Plain, Something, Stop, Value, Whole, made_of, seen

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
            return structures.follow(self, node)

    def statements(self, node: Node) -> Value:
        """Follow the expressions of a block and return the last one's value."""
        return self.sequence(parts(node))

    def sequence(self, nodes: Sequence[Node]) -> Value:
        """Follow expressions one after the other and return the last one's value, or where they stop."""
        value: Value = Something("nil")
        for node in nodes:
            value = self.walk(node)
            if isinstance(value, Stop):
                return value
        return value

    def statements_of(self, node: Node | None) -> Value:
        """Follow the expressions of a clause's right side and return the last one's value."""
        return self.statements(node) if node is not None else Something("nil")

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
        if isinstance(value, Whole):
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

    def something(self, node: Node, present: bool = False, of: Sequence[Value] = ()) -> Something:
        """Return that nothing is known of the node's value, but perhaps that there is one, and what it is made of."""
        return Something(self.text(node), present, seen(*of), made_of(*of))

    def plain(
        self, node: Node, present: bool = False, of: Sequence[Value] = (), items: tuple[Value, ...] | None = None
    ) -> Plain:
        """Return the node's value as one that can be worked out, unless what it is made of needs the environment."""
        bindings = self.bindings
        known: list[Term] = []

        def compute() -> Term:
            if not known:
                known.append(self._evaluate(node, bindings))
            return known[0]

        parts = (*of, *(items or ()))
        return Plain(compute, self.text(node), present, seen(*parts), made_of(*parts), items)

    def _evaluate(self, node: Node, bindings: Mapping[str, Value]) -> Term:
        evaluator = self.file.evaluator
        evaluator.start_anew()
        text = self.file.source.text(node)
        terms: dict[str, Term] = {}
        for name, value in bindings.items():
            if name not in text:
                continue
            unknown = Unknown(name, "it depends on the environment", self.at(node))
            terms[name] = value.compute() if isinstance(value, Plain) else unknown
        for name, value in bindings.items():
            if name.startswith("&") and isinstance(value, Plain):
                terms[name] = value.compute()
        return evaluator.evaluate(node, Scope(self.module, terms))

    def opaque(self, node: Node, of: Sequence[Value] = ()) -> Opaque:
        """Return that only the running system knows whether this is true, which it is of these values."""
        return Opaque(self.text(node), sees=seen(*of))
