"""The `config APP, KEY, VALUE` calls of a configuration file, each with the condition under which it is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir.syntax import pair_key, parts
from relbuild.elixir.values import Atom, List, Tuple
from relbuild.errors import Mark
from relbuild.facts import Known
from relbuild.mix.environment.conditions import ALWAYS, Condition
from relbuild.mix.environment.values import Choice, Static, Value

if TYPE_CHECKING:
    from relbuild.mix.environment.calls import Call
    from relbuild.mix.environment.frame import Frame


# The options whose value may depend on the environment and is followed.
FOLLOWED = frozenset({"server"})


@dataclass(frozen=True, slots=True)
class ConfigCall:
    """One key that is set. `key` is an atom's name or a module's; `options` are those of a keyword list written out."""

    app: str
    key: str
    value: Value
    options: Mapping[str, Value] | None
    when: Condition
    at: Mark

    @property
    def literal(self) -> str | None:
        """The atom's name or the text that the key is set to; None for any other value."""
        found = _atom(self.value)
        term = self.value.compute() if found is None and isinstance(self.value, Static) else None
        return term.value if isinstance(term, Known) and isinstance(term.value, str) else found

    def option(self, name: str) -> tuple[tuple[Condition, Value], ...]:
        """Return the values that an option of a keyword list may have, each with its condition.

        () when the option isn't set, or the value isn't a list that can be read: it is merged into what was set before.
        """
        if self.options is not None:
            return ((ALWAYS, self.options[name]),) if name in self.options else ()
        return tuple(_option(self.value, name))


def _option(value: Value, name: str) -> Iterator[tuple[Condition, Value]]:
    if isinstance(value, Choice):
        for when, each in value.cases:
            yield from ((when, found) for _, found in _option(each, name))
        return
    term = value.compute() if isinstance(value, Static) else None
    items = term.value.items if isinstance(term, Known) and isinstance(term.value, List) else ()
    for item in reversed(items):
        pair = item.value.items if isinstance(item, Known) and isinstance(item.value, Tuple) else ()
        if len(pair) == 2 and isinstance(pair[0], Known) and pair[0].value == Atom(name):
            yield ALWAYS, Static(partial(itemgetter(1), pair), name)
            return


def note(call: Call) -> Value:
    """Note what a call of `config` sets."""
    frame, args, nodes = call.frame, call.args, call.nodes
    app = _atom(args[0]) if args else None
    if app is None:
        return call.unknown_value(present=True)
    if len(args) == 3:
        key, node = _atom(args[1]), nodes[2]
        if key is not None:
            _set(frame, app, key, args[2], node, call.node)
    elif len(args) == 2 and nodes[1] is not None:
        for pair in _pairs(nodes[1]):
            key, written = pair_key(frame.file.source, pair), pair.child_by_field_name("value")
            if key is not None and written is not None:
                _set(frame, app, key, frame.plain(written), written, pair)
    return call.unknown_value(present=True)


def _set(frame: Frame, app: str, key: str, value: Value, node: Node | None, at: Node) -> None:
    pairs = _pairs(node) if node is not None else []
    options: dict[str, Value] | None = None
    if pairs:
        options = {}
        for pair in pairs:
            name, written = pair_key(frame.file.source, pair), pair.child_by_field_name("value")
            if name is not None and written is not None:
                options[name] = frame.walk(written) if name in FOLLOWED else frame.plain(written)
    frame.reading.config_calls.append(ConfigCall(app, key, value, options, frame.reading.reached, frame.at(at)))


def _pairs(node: Node) -> list[Node]:
    """Return the pairs of a keyword list that is written out, with or without its brackets."""
    if node.type == "list":
        written = parts(node)
        return _pairs(written[0]) if len(written) == 1 and written[0].type == "keywords" else []
    return parts(node) if node.type == "keywords" else []


def _atom(value: Value) -> str | None:
    term = value.compute() if isinstance(value, Static) else None
    if not isinstance(term, Known) or not isinstance(term.value, Atom):
        return None
    return term.value.module or term.value.name
