"""Values of the configuration with `${VAR}` in them: the same values, read from the environment."""

from __future__ import annotations

import re

from tree_sitter import Node

from relbuild.convert.config_layout import Box, Item, Value, flat
from relbuild.mix.literals import quoted
from relbuild.mix.source import Source, callee, child, operand, operands, operator, parts, walk

# What Distillery replaced: https://hexdocs.pm/distillery/config/runtime.html, "[$]{[^}]*}" in its boot script.
_PLACE = re.compile(r"\$\{([^}\n]*)\}")
# A backslash before the dollar says nothing in Elixir; before anything else it goes with what follows it.
_TOKEN = re.compile(r"\\?\$\{([^}\n]*)\}|\\(?:\r\n|.)", re.DOTALL)
# What is written otherwise between double quotes than between single ones.
_QUOTE = re.compile(r'\\.|"', re.DOTALL)
_BREAK = re.compile(r"\\(?:\r\n|.)|\r?\n", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_QUOTED = ("string", "charlist", "sigil", "quoted_atom", "quoted_keyword")
_PLAIN = ("atom", "alias", "integer", "float", "boolean", "nil", "char")
# Nothing but their operands is in what they give.
_OPERATORS = ("<>", "++", "+", "-", "*")


class Immovable(Exception):
    """The value has a meaning only where it stands; the message says by what."""


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


def plain(source: Source, node: Node) -> bool:
    """Say whether all that Distillery put into a value are variables, by their plain names."""
    places = [name for each in occurrences(source, node) for name in _PLACE.findall(_inside(source, each))]
    return all(_NAME.fullmatch(name) for name in places)


def whole(source: Source, node: Node) -> str | None:
    """Return the variable that is all of a text, `X` of ``"${X}"``; None for other values."""
    found = _TOKEN.fullmatch(_inside(source, node)) if node.type in ("string", "charlist", "sigil") else None
    return found.group(1) if found and found.group(1) and _NAME.fullmatch(found.group(1)) else None


def value(source: Source, node: Node) -> Value:
    """Return the value with what comes from the environment read from there; raise Immovable for what isn't literal."""
    if node.type in _PLAIN:
        return source.text(node)
    if node.type in _QUOTED:
        return _quoted(source, node)
    if node.type in ("list", "tuple", "map"):
        return _box(source, node)
    if node.type == "unary_operator" and operator(node) in ("-", "+"):
        inner = operand(node)
        if inner is not None and inner.type in ("integer", "float"):
            return source.text(node)
    if node.type == "binary_operator" and operator(node) in _OPERATORS:
        left, right = (flat(value(source, side)) for side in operands(node))
        if left is not None and right is not None and "#" not in _between(source, node):
            return f"{left} {operator(node)} {right}"
    raise Immovable(_what(source, node))


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
    """Return the key of a pair, as an atom's name; None for a computed one."""
    written = pair.child_by_field_name("key")
    if written is None or written.text is None:
        return None
    text = written.text.decode("utf-8", "replace").rstrip()[:-1]
    if written.type == "quoted_keyword":
        return None if "#{" in text or "${" in text or "\\" in text else text[1:-1]
    return text


def _between(source: Source, node: Node) -> str:
    left, right = operands(node)
    return source.content[left.end_byte : right.start_byte].decode("utf-8", "replace")


def _what(source: Source, node: Node) -> str:
    if node.type == "identifier":
        return f"`{source.text(node)}`"
    if node.type == "call":
        target = node.child_by_field_name("target")
        name = callee(node) or (source.text(target) if target is not None and len(source.text(target)) < 40 else "")
        return f"a call of {name}" if re.fullmatch(r"[\w.!?]+", name) else "a call"
    if node.type == "binary_operator":
        return f"`{operator(node)}`"
    return {"map": "a struct", "interpolation": "an interpolation"}.get(node.type, "an expression")


def _ends(node: Node) -> tuple[Node, Node] | None:
    start, end = node.child_by_field_name("quoted_start"), node.child_by_field_name("quoted_end")
    return (start, end) if start is not None and end is not None else None


def _inside(source: Source, node: Node) -> str:
    ends = _ends(node)
    inside = source.content[ends[0].end_byte : ends[1].start_byte] if ends else b""
    return inside.decode("utf-8", "replace")


def _quoted(source: Source, node: Node) -> Value:
    sigil, ends = child(node, "sigil_name"), _ends(node)
    letter = source.text(sigil) if sigil is not None else ""
    if ends is None or child(node, "interpolation") is not None:
        raise Immovable("an interpolation")
    opening = source.content[node.start_byte : ends[0].end_byte].decode()
    closing = source.content[ends[1].start_byte : node.end_byte].decode()
    heredoc = opening.endswith(('"""', "'''"))
    inside = "".join(piece for piece in quoted(source, node) if isinstance(piece, str)) if heredoc else ""
    raw = inside.replace("\r\n", "\n") if heredoc else _inside(source, node)
    if opening == "'":
        # As mix format writes it since Elixir 1.15; single quotes are deprecated.
        opening, raw, closing = '~c"', _QUOTE.sub(_double_quoted, raw), '"'
    if occurrences(source, node):
        _require_a_text(source, node, letter, raw)
        variable = whole(source, node)
        if variable is not None:
            fetched = f'System.fetch_env!("{variable}")'
            return f"String.to_charlist({fetched})" if node.type == "charlist" or letter in ("c", "C") else fetched
        opening = opening.replace(f"~{letter}", f"~{letter.lower()}", 1) if letter else opening
        raw, letter = _TOKEN.sub(_fetched, raw), letter.lower()
    if heredoc:
        return f"{opening}\n{raw}{closing}"
    if "\n" in raw and letter not in ("", "s", "c"):
        raise Immovable(f"a sigil ~{letter} of several lines")
    return opening + _BREAK.sub(_on_one_line, raw) + closing


def _require_a_text(source: Source, node: Node, letter: str, raw: str) -> None:
    """Raise Immovable for what no interpolation can be put into, or not without changing what else is there."""
    if letter not in ("", "s", "S", "c", "C") or child(node, "sigil_modifiers") is not None:
        raise Immovable(f"a sigil ~{letter}")
    if letter in ("S", "C") and ("\\" in raw or "#{" in raw):
        raise Immovable(f"a sigil ~{letter}")


def _double_quoted(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found.group(), found.group())


def _on_one_line(found: re.Match[str]) -> str:
    written = found.group()
    if written in ("\n", "\r\n"):
        return written.replace("\r", "\\r").replace("\n", "\\n")
    # A backslash at the end of a line takes the line break away.
    return "" if written.endswith("\n") else written


def _fetched(found: re.Match[str]) -> str:
    name = found.group(1)
    return found.group() if name is None else f'#{{System.fetch_env!("{name}")}}'


def _box(source: Source, node: Node) -> Box:
    if child(node, "struct") is not None:
        raise Immovable("a struct")
    content = child(node, "map_content")
    inside = [*_children(node), *(_children(content) if content is not None else [])]
    nodes = sorted((each for one in inside for each in _opened(one)), key=lambda each: each.start_byte)
    items: list[Item] = []
    above: list[str] = []
    ended = -1
    for each in nodes:
        if each.type != "comment":
            items.append(_item(source, each, tuple(above)))
            above, ended = [], each.end_point.row
        elif items and each.start_point.row == ended:
            # mix format puts what stands behind an element above it.
            last = items[-1]
            items[-1] = Item(last.value, last.key, (*last.above, source.text(each).rstrip()))
        else:
            above.append(source.text(each).rstrip())
    opening = {"list": "[", "tuple": "{", "map": "%{"}[node.type]
    closing = "]" if node.type == "list" else "}"
    broken = bool(nodes) and source.text(node)[len(opening) :].lstrip(" \t\r").startswith("\n")
    return Box(opening, tuple(items), closing, broken, tuple(above))


def _children(node: Node) -> list[Node]:
    return [each for each in node.named_children if each.type != "map_content"]


def _opened(node: Node) -> list[Node]:
    return list(node.named_children) if node.type == "keywords" else [node]


def _item(source: Source, node: Node, above: tuple[str, ...]) -> Item:
    if node.type == "pair":
        written, inner = node.child_by_field_name("key"), node.child_by_field_name("value")
        if written is None or inner is None or key(node) is None:
            raise Immovable("a computed key")
        return Item(value(source, inner), source.text(written).rstrip(), above)
    if node.type == "binary_operator" and operator(node) == "=>":
        left, right = operands(node)
        before = flat(value(source, left))
        if before is None:
            raise Immovable("a key of several lines")
        return Item(value(source, right), f"{before} =>", above)
    return Item(value(source, node), above=above)
