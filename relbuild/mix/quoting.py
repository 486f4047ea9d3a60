"""What Elixir's literals and collections stand for: strings, sigils, aliases, lists, tuples, maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.mix import coerce, literals
from relbuild.mix.coerce import Undecided
from relbuild.mix.facts import Known, Unknown
from relbuild.mix.literals import NotLiteral
from relbuild.mix.source import child, operands, operator, pair_key, parts
from relbuild.mix.terms import Atom, Gap, Item, List, Map, Term, TreePath, Tuple, Value, atom, same

if TYPE_CHECKING:
    from relbuild.mix.evaluate import Evaluator
    from relbuild.mix.modules import Scope


def string(on: Evaluator, node: Node, scope: Scope) -> Value:
    """Return the value of a string, or of the text in a charlist or a quoted atom."""
    pieces: list[Value] = []
    for piece in literals.quoted(on.source, node):
        if isinstance(piece, str):
            pieces.append(literals.unescape(piece))
            continue
        value = coerce.known(on.block(parts(piece), scope, piece))
        pieces.append(value if isinstance(value, TreePath) else coerce.to_string(value))
    if pieces and isinstance(pieces[0], TreePath):
        return coerce.concat(pieces[0], "".join(coerce.texts(pieces[1:])))
    return coerce.limited("".join(coerce.texts(pieces)))


def _text(on: Evaluator, node: Node, scope: Scope) -> str:
    value = string(on, node, scope)
    if not isinstance(value, str):
        raise Undecided("it is an absolute path")
    return value


def _characters(on: Evaluator, text: str, node: Node) -> List:
    return List(tuple(on.known(node, ord(char)) for char in text))


def sigil(on: Evaluator, node: Node, scope: Scope) -> Value:
    """Return the value of ~s, ~c or ~w, of either case."""
    name, modifiers = child(node, "sigil_name"), child(node, "sigil_modifiers")
    letter = on.source.text(name) if name is not None else ""
    modifier = on.source.text(modifiers) if modifiers is not None else ""
    if letter.lower() not in ("s", "c", "w") or modifier not in (("", "a", "s", "c") if letter in "wW" else ("",)):
        raise Undecided(f"what the sigil ~{letter} makes isn't known")
    text = _text(on, node, scope) if letter.islower() else _raw(on, node, modifier)
    if letter in "sS":
        return text
    if letter in "cC":
        return _characters(on, text, node)
    make: dict[str, Callable[[str], Value]] = {"a": atom, "c": lambda word: _characters(on, word, node)}
    return List(tuple(on.known(node, make.get(modifier, str)(word)) for word in literals.words(text)))


def _raw(on: Evaluator, node: Node, modifier: str) -> str:
    end = on.source.text(node).removesuffix(modifier)[-1:]
    text = "".join(piece for piece in literals.quoted(on.source, node) if isinstance(piece, str))
    if f"\\{end}" in text:
        raise Undecided("its end is escaped in it")
    return text


def alias(on: Evaluator, node: Node, scope: Scope) -> Value:
    """Return the atom that a module's name stands for."""
    name = on.module_name(on.source.text(node))
    if name is None:
        raise Undecided("which module the alias means can't be told")
    return Atom(f"Elixir.{name}")


def items(on: Evaluator, node: Node, scope: Scope) -> Value:
    """Return the value of a list, or of keywords without brackets."""
    found: list[Item] = []
    for part in [node] if node.type == "keywords" else parts(node):
        if part.type == "keywords":
            found.extend(_pair(on, pair, scope) for pair in parts(part))
        elif part.type == "binary_operator" and operator(part) == "|":
            head, tail = operands(part)
            found.append(on.evaluate(head, scope))
            rest = on.evaluate(tail, scope)
            found.extend([Gap(rest)] if isinstance(rest, Unknown) else coerce.items(rest.value))
        else:
            found.append(on.evaluate(part, scope))
    return coerce.make_list(found)


def elements(on: Evaluator, node: Node, scope: Scope) -> Value:
    """Return the value of a tuple; keywords at its end are one list."""
    return Tuple(tuple(on.evaluate(part, scope) for part in parts(node)))


def _pair(on: Evaluator, pair: Node, scope: Scope) -> Known[Value]:
    key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
    assert key is not None
    assert value is not None
    plain = pair_key(on.source, pair)
    name: Term
    try:
        name = on.known(key, atom(plain if plain is not None else _text(on, key, scope)))
    except (Undecided, NotLiteral):
        name = on.unknown(key, "its text isn't known")
    return on.known(pair, Tuple((name, on.evaluate(value, scope))))


def mapping(on: Evaluator, node: Node, scope: Scope) -> Value:
    """Return the value of a map."""
    if child(node, "struct") is not None:
        raise Undecided("it is a struct")
    pairs: list[tuple[Term, Term]] = []
    for part in parts(child(node, "map_content")):
        if part.type == "keywords":
            for pair in parts(part):
                found = _pair(on, pair, scope).value
                assert isinstance(found, Tuple)
                pairs.append((found.items[0], found.items[1]))
        elif part.type == "binary_operator" and operator(part) == "=>":
            key, value = operands(part)
            pairs.append((on.evaluate(key, scope), on.evaluate(value, scope)))
        else:
            raise Undecided("it changes another map")
    if len(pairs) > 1000:
        raise Undecided("the map is too large")
    for i, (key_term, _) in enumerate(pairs):
        if any(same(key_term, other) is not False for other, _ in pairs[:i]):
            raise Undecided("two of its keys may be one")
    return Map(tuple(pairs))


LITERALS: dict[str, Callable[[Evaluator, Node, Scope], Value]] = {
    "integer": lambda on, node, scope: literals.integer(on.source.text(node)),
    "float": lambda on, node, scope: literals.decimal(on.source.text(node)),
    "char": lambda on, node, scope: literals.character(on.source.text(node)),
    "boolean": lambda on, node, scope: on.source.text(node) == "true",
    "nil": lambda on, node, scope: None,
    "atom": lambda on, node, scope: atom(on.source.text(node)[1:]),
    "quoted_atom": lambda on, node, scope: atom(_text(on, node, scope)),
    "string": string,
    "charlist": lambda on, node, scope: _characters(on, _text(on, node, scope), node),
    "sigil": sigil,
    "alias": alias,
    "list": items,
    "keywords": items,
    "tuple": elements,
    "map": mapping,
}
