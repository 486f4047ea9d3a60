"""Values of the configuration with ``${VAR}`` in them, as Elixir that reads the variables from the environment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from relbuild.distillery.edits import Edit, applied
from relbuild.elixir.syntax import Source, callee, child, operator, parts, walk

# What Distillery replaced: https://hexdocs.pm/distillery/config/runtime.html, "[$]{[^}]*}" in its boot script.
_PLACE = re.compile(r"\$\{([^}\n]*)\}")
# A backslash before the dollar means nothing in Elixir.
_TOKEN = re.compile(r"\\?\$\{([^}\n]*)\}|\\.", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = ("string", "charlist", "sigil", "quoted_atom", "quoted_keyword")
# A value of these alone means the same in any file.
_LITERAL = {
    "atom", "alias", "integer", "float", "boolean", "nil", "char", "list", "tuple", "map", "map_content", "keywords",
    "pair", "keyword", "quoted_keyword", "comment", "unary_operator", "binary_operator", *_QUOTED,
}  # fmt: skip
_OPERATORS = ("<>", "++", "+", "-", "*", "=>")


class Immovable(Exception):
    """The value isn't converted; the message is the reason."""


def named(source: Source, node: Node) -> list[str]:
    """Return the names of the variables that Distillery put into a value, each once, in the order of the text.

    What is no plain name, as in ``${VAR:-x}``, counts as the name that it begins with, and may be "".
    """
    found: dict[str, None] = {}
    for each in occurrences(source, node):
        for written in _PLACE.findall(_inside(source, each)):
            name = _NAME.match(written)
            found[name.group() if name else ""] = None
    return list(found)


def occurrences(source: Source, node: Node) -> list[Node]:
    """Return the quoted texts at a node and below it that have ``${VAR}`` in them."""
    if b"${" not in source.content[node.start_byte : node.end_byte]:
        return []
    return [each for each in walk(node) if each.type in _QUOTED and _PLACE.search(_inside(source, each))]


def whole(source: Source, node: Node) -> str | None:
    """Return the variable that is all of a text, `X` of ``"${X}"``; None for other values."""
    found = _TOKEN.fullmatch(_inside(source, node)) if node.type in ("string", "charlist", "sigil") else None
    return found.group(1) if found and found.group(1) and _NAME.fullmatch(found.group(1)) else None


def value(source: Source, node: Node) -> str:
    """Return the value's text with System.fetch_env!/1 for each variable; raise Immovable for what isn't literal."""
    _require_literal(source, node)
    edits = []
    for each in occurrences(source, node):
        text = _fetching(source, each)
        edits.append(Edit(each.start_byte - node.start_byte, each.end_byte - node.start_byte, text))
    return applied(source.content[node.start_byte : node.end_byte], edits).decode().replace("\r\n", "\n")


def _require_literal(source: Source, node: Node) -> None:
    for each in _nodes(node):
        if each.type == "binary_operator" and operator(each) not in _OPERATORS:
            raise Immovable(f"its value has `{operator(each)}` in it")
        if each.type in _QUOTED and child(each, "interpolation") is not None:
            raise Immovable("its value has an interpolation in it")
        if child(each, "struct") is not None:
            raise Immovable("its value has a struct in it")
        if each.type not in _LITERAL:
            raise Immovable(f"its value has {_what(source, each)} in it")


def _what(source: Source, node: Node) -> str:
    """Return what an expression is, without its values, which may be secret."""
    if node.type == "identifier":
        return f"`{source.text(node)}`"
    if node.type == "call":
        return f"a call of {callee(node)}" if callee(node) else "a call"
    return "an expression"


def _nodes(node: Node) -> Iterator[Node]:
    """Yield the node and all below it, but nothing inside of quotes."""
    pending = [node]
    while pending:
        each = pending.pop()
        yield each
        if each.type not in _QUOTED:
            pending.extend(reversed(each.named_children))


def _fetching(source: Source, node: Node) -> str:
    """Return a quoted text as an expression that reads its variables."""
    names = [name for name in _PLACE.findall(_inside(source, node)) if not _NAME.fullmatch(name)]
    if names:
        raise Immovable("a ${…} in it isn't the plain name of a variable")
    sigil = child(node, "sigil_name")
    letter = source.text(sigil) if sigil is not None else ""
    if letter not in ("", "s", "S", "c", "C") or child(node, "sigil_modifiers") is not None:
        raise Immovable(f"its value has a sigil ~{letter} in it")
    variable = whole(source, node)
    if variable is not None:
        fetched = f'System.fetch_env!("{variable}")'
        return f"String.to_charlist({fetched})" if node.type == "charlist" or letter in ("c", "C") else fetched
    if letter in ("S", "C"):
        raise Immovable(f"its value has a sigil ~{letter} in it")
    return _TOKEN.sub(_fetched, source.text(node))


def _fetched(found: re.Match[str]) -> str:
    name = found.group(1)
    return found.group() if name is None else f'#{{System.fetch_env!("{name}")}}'


def keywords(node: Node) -> Node | None:
    """Return the pairs of a plain keyword list, which merges with others of the same key; None for other values."""
    if node.type == "list":
        inside = parts(node)
        node = inside[0] if len(inside) == 1 else node
    if node.type != "keywords":
        return None
    names = [key(pair) for pair in parts(node)]
    return node if None not in names and len(set(names)) == len(names) else None


def key(pair: Node) -> str | None:
    """Return the name of a pair's key; None where only Elixir can tell."""
    written = pair.child_by_field_name("key")
    if written is None or written.text is None:
        return None
    text = written.text.decode("utf-8", "replace").rstrip()[:-1]
    if written.type == "quoted_keyword":
        return None if "#{" in text or "${" in text or "\\" in text else text[1:-1]
    return text


def _inside(source: Source, node: Node) -> str:
    start, end = node.child_by_field_name("quoted_start"), node.child_by_field_name("quoted_end")
    if start is None or end is None:
        return ""
    return source.content[start.end_byte : end.start_byte].decode("utf-8", "replace")
