"""Elixir's literals and collections as values: numbers, strings, sigils, aliases, lists, tuples, maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir import coerce
from relbuild.elixir.coerce import Undecided
from relbuild.elixir.syntax import Source, child, operands, operator, pair_key, parts
from relbuild.elixir.values import Atom, Gap, Item, List, Map, Term, TreePath, Tuple, Value, atom, same
from relbuild.facts import Known, Unknown

if TYPE_CHECKING:
    from relbuild.elixir.evaluate import Evaluator
    from relbuild.elixir.modules import Scope


# Python refuses to read longer ones by default, and no project means them.
MAX_DIGITS = 1000

_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "d": "\x7f",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "s": " ",
    "t": "\t",
    "v": "\v",
}

# Unicode's White_Space, which String.trim and String.split go by; str.strip takes four control characters more.
WHITESPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
# Those of them that String.split doesn't break at.
NON_BREAKING = "\xa0\u2007\u202f"


class NotLiteral(Exception):
    """The text has no meaning that is surely known; its message says why."""


def integer(text: str) -> int:
    """Return the value of an integer in any of Elixir's bases."""
    digits = text.replace("_", "")
    if len(digits) > MAX_DIGITS:
        raise NotLiteral("the number is too long")
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2], 10)
    return int(digits if base == 10 else digits[2:], base)


def decimal(text: str) -> float:
    """Return the value of a float."""
    value = float(text.replace("_", ""))
    if value in (float("inf"), float("-inf")):
        raise NotLiteral("the number is out of range")
    return value


def character(text: str) -> int:
    """Return the code point that `?a` stands for."""
    written = text[1:]
    value = unescape(written) if written.startswith("\\") else written
    if len(value) != 1:
        raise NotLiteral("it is no single character")
    return ord(value)


def unescape(text: str) -> str:
    """Return the text with its escapes resolved, as in a double-quoted string."""
    out: list[str] = []
    i = 0
    while (slash := text.find("\\", i)) >= 0:
        out.append(text[i:slash])
        value, i = _escape(text, slash + 1)
        out.append(value)
    out.append(text[i:])
    return "".join(out)


def _escape(text: str, i: int) -> tuple[str, int]:
    """Return what the escape whose letter stands at i means, and where the text goes on."""
    letter = text[i : i + 1]
    if letter == "\n":
        return "", i + 1
    if text[i : i + 2] == "\r\n":
        return "", i + 2
    if letter in ("x", "u"):
        return _code_point(text, i)
    if not letter:
        raise NotLiteral("an escape is not complete")
    return _ESCAPES.get(letter, letter), i + 1


def _code_point(text: str, i: int) -> tuple[str, int]:
    if text[i + 1 : i + 2] == "{":
        end = text.find("}", i)
        digits, after = text[i + 2 : end], end + 1
    else:
        after = i + (3 if text[i] == "x" else 5)
        digits = text[i + 1 : after]
    if not digits or len(digits) > 6 or any(c not in "0123456789abcdefABCDEF" for c in digits):
        raise NotLiteral("an escape is not complete")
    number = int(digits, 16)
    if text[i] == "x" and number > 0x7F:
        raise NotLiteral("it has a byte that may be no character")
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise NotLiteral("it has a code point that is no character")
    return chr(number), after


def quoted(source: Source, node: Node) -> list[str | Node]:
    """Return the raw parts of a quoted text: text as written, without a heredoc's indentation, and interpolations."""
    pieces: list[str | Node] = []
    for part in node.children:
        if part.type == "interpolation":
            pieces.append(part)
        elif part.type in ("quoted_content", "escape_sequence"):
            text = source.text(part)
            if pieces and isinstance(pieces[-1], str):
                pieces[-1] += text
            else:
                pieces.append(text)
    closing = next((c for c in reversed(node.children) if c.type in ('"""', "'''")), None)
    return pieces if closing is None else _dedent(pieces, source.mark(closing).column - 1)


def _dedent(pieces: list[str | Node], indentation: int) -> list[str | Node]:
    """Take a heredoc's first line break away, and from each line as much indentation as its end has."""
    out: list[str | Node] = []
    at_start = True
    for piece in pieces:
        if not isinstance(piece, str):
            out.append(piece)
            at_start = False
            continue
        lines = piece.split("\n")
        if not out and not lines[0].strip():
            lines = lines[1:]
        kept = [line if n == 0 and not at_start else _cut(line, indentation) for n, line in enumerate(lines)]
        out.append("\n".join(kept))
        at_start = False
    return out


def _cut(line: str, indentation: int) -> str:
    i = 0
    while i < min(indentation, len(line)) and line[i] in " \t":
        i += 1
    return line[i:]


def words(text: str) -> list[str]:
    """Return the words of `~w`, split as String.split does."""
    for space in WHITESPACE:
        text = text if space in NON_BREAKING else text.replace(space, " ")
    return [word for word in text.split(" ") if word]


def string(on: Evaluator, node: Node, scope: Scope) -> Value:
    """Return the value of a string, or of the text in a charlist or a quoted atom."""
    pieces: list[Value] = []
    for piece in quoted(on.source, node):
        if isinstance(piece, str):
            pieces.append(unescape(piece))
            continue
        value = coerce.known(on.block(parts(piece), scope, piece))
        pieces.append(value if isinstance(value, TreePath) else coerce.to_string(value))
    if pieces and isinstance(pieces[0], TreePath):
        return coerce.concat(pieces[0], "".join(coerce.texts(pieces[1:])))
    return coerce.limited("".join(coerce.texts(pieces)))


def _string(on: Evaluator, node: Node, scope: Scope) -> str:
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
    text = _string(on, node, scope) if letter.islower() else _raw(on, node, modifier)
    if letter in "sS":
        return text
    if letter in "cC":
        return _characters(on, text, node)
    make: dict[str, Callable[[str], Value]] = {"a": atom, "c": lambda word: _characters(on, word, node)}
    return List(tuple(on.known(node, make.get(modifier, str)(word)) for word in words(text)))


def _raw(on: Evaluator, node: Node, modifier: str) -> str:
    end = on.source.text(node).removesuffix(modifier)[-1:]
    text = "".join(piece for piece in quoted(on.source, node) if isinstance(piece, str))
    if f"\\{end}" in text:
        raise Undecided("its end is escaped in it")
    return text


def alias(on: Evaluator, node: Node, scope: Scope) -> Value:
    """Return the atom that a module's name stands for."""
    name = on.module_name(on.source.text(node))
    if name is None:
        raise Undecided("which module the alias means can't be told")
    return Atom(f"Elixir.{name}")


def list_items(on: Evaluator, node: Node, scope: Scope) -> Value:
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
        name = on.known(key, atom(plain if plain is not None else _string(on, key, scope)))
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
    "integer": lambda on, node, scope: integer(on.source.text(node)),
    "float": lambda on, node, scope: decimal(on.source.text(node)),
    "char": lambda on, node, scope: character(on.source.text(node)),
    "boolean": lambda on, node, scope: on.source.text(node) == "true",
    "nil": lambda on, node, scope: None,
    "atom": lambda on, node, scope: atom(on.source.text(node)[1:]),
    "quoted_atom": lambda on, node, scope: atom(_string(on, node, scope)),
    "string": string,
    "charlist": lambda on, node, scope: _characters(on, _string(on, node, scope), node),
    "sigil": sigil,
    "alias": alias,
    "list": list_items,
    "keywords": list_items,
    "tuple": elements,
    "map": mapping,
}
