"""Elixir syntax: a file's bytes in, its syntax tree out, with a place for every node."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate

import tree_sitter_elixir
from tree_sitter import Language, Node, Parser, Query, QueryCursor

from relbuild import facts
from relbuild.errors import Mark, ProjectError

# No mix.exs or config file written by hand comes near this; parsing more only keeps the user waiting.
MAX_BYTES = 1_000_000

_BOM = b"\xef\xbb\xbf"
# A URL with someone's name, and perhaps password, in it.
_LOGIN = re.compile(r"://[^/\s\"]*@")


class Source:
    """A parsed Elixir file: its root node, the text of its nodes and their places."""

    def __init__(self, file: str, content: bytes) -> None:
        self.file = file
        self.content = content.removeprefix(_BOM)
        self.root: Node = _parser().parse(self.content).root_node
        self._lines = [0, *accumulate(len(line) + 1 for line in self.content.split(b"\n"))]
        # A function that is called hundreds of times is shown and placed as often.
        self._marks: dict[int, Mark] = {}
        self._excerpts: dict[tuple[int, int, int], str] = {}

    def text(self, node: Node) -> str:
        """Return the node's text."""
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def mark(self, node: Node) -> Mark:
        """Return the place where the node begins."""
        return self.mark_at(node.start_byte)

    def mark_at(self, offset: int) -> Mark:
        """Return the place of a byte offset; columns count characters."""
        mark = self._marks.get(offset)
        if mark is None:
            line = bisect_right(self._lines, offset) - 1
            before = self.content[self._lines[line] : offset]
            mark = self._marks[offset] = Mark(self.file, line + 1, len(before.decode("utf-8", "replace")) + 1)
        return mark

    def excerpt(self, node: Node, length: int = 50) -> str:
        """Return the node's text on one line, cut to the length; only its kind when it may hold a secret."""
        key = node.start_byte, node.end_byte, length
        if key not in self._excerpts:
            text = " ".join(self.text(node).split())
            if "cookie" in text or _LOGIN.search(text):
                text = f"… ({node.type.replace('_', ' ')})"
            self._excerpts[key] = text if len(text) <= length else text[: length - 1] + "…"
        return self._excerpts[key]


def parse(file: str, content: bytes) -> Source:
    """Return the syntax of an Elixir file; raise ProjectError at the first place that is not Elixir."""
    if len(content) > MAX_BYTES:
        raise ProjectError(
            f"{file}: larger than {MAX_BYTES // 1000} kB, no Elixir file made by hand is",
            at=Mark(file, 1),
            hint="check that this is the file you mean",
        )
    _refuse_what_is_not_text(file, content)
    source = Source(file, content)
    if source.root.has_error:
        broken = first_error(source.root)
        missing = f": missing `{broken.type}`" if broken.is_missing else ""
        raise ProjectError(
            f"{file}: syntax error{missing}",
            at=source.mark(broken),
            hint=f"run `mix format {file}` to see Elixir's own word",
        )
    return source


def _refuse_what_is_not_text(file: str, content: bytes) -> None:
    body = content.removeprefix(_BOM)
    try:
        body.decode()
        wrong, what = body.find(b"\0"), "has a NUL byte"
    except UnicodeDecodeError as error:
        wrong, what = error.start, "is not UTF-8"
    if wrong < 0:
        return
    hint = "save it as UTF-8 text, which is all that Elixir reads"
    raise ProjectError(f"{file}: {what}", at=facts.place_in_text(file, body, wrong), hint=hint)


@cache
def _language() -> Language:
    return Language(tree_sitter_elixir.language())


@cache
def _parser() -> Parser:
    return Parser(_language())


def first_error(root: Node) -> Node:
    """Return the node where a tree with errors goes wrong first: the innermost, which is nearest to the cause."""
    found = root
    for node in walk(root, into=lambda node: node.has_error or node.is_missing):
        if not (node.is_error or node.is_missing):
            continue
        if found is root or (found.start_byte <= node.start_byte and node.end_byte <= found.end_byte):
            found = node
        else:
            break
    return found


def walk(root: Node, into: Callable[[Node], bool] = lambda node: True) -> Iterator[Node]:
    """Yield the node and all below it in the order of the text; `into` (a predicate) limits where it goes."""
    pending = [root]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(child for child in reversed(node.children) if into(child))


def calls_of(root: Node, *names: str) -> list[Node]:
    """Return the calls of these plain names below a node, such as those of `alias` and `import`, in text order."""
    found = QueryCursor(_calls_query(names)).captures(root).get("call", [])
    return sorted(found, key=lambda node: node.start_byte)


@cache
def _calls_query(names: tuple[str, ...]) -> Query:
    listed = " ".join(f'"{name}"' for name in names)
    return Query(_language(), f"(call target: (identifier) @name (#any-of? @name {listed})) @call")


def parts(node: Node | None) -> list[Node]:
    """Return the node's named children without comments; [] for None."""
    return [] if node is None else [child for child in node.named_children if child.type != "comment"]


def child(node: Node, kind: str) -> Node | None:
    """Return the node's first child of that type."""
    return next((child for child in node.named_children if child.type == kind), None)


def operator(node: Node) -> str:
    """Return the operator of a unary or binary node, its white space made single: `not in`, not `not  in`."""
    token = node.child_by_field_name("operator")
    return " ".join(token.text.decode("utf-8", "replace").split()) if token and token.text else ""


def operand(node: Node) -> Node | None:
    """Return what a unary operator stands before, its parentheses left out."""
    return next(iter(parts(node)), None)


def operands(node: Node) -> tuple[Node, Node]:
    """Return both sides of a binary operator."""
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    assert left is not None
    assert right is not None
    return left, right


def callee(node: Node) -> str | None:
    """Return the name in a call of a plain name, as in `def x`; None for other calls and nodes."""
    target = node.child_by_field_name("target") if node.type == "call" else None
    return _text(target) if target is not None and target.type == "identifier" else None


def arguments(node: Node) -> list[Node]:
    """Return a call's arguments as written, its trailing keywords as one node and without its do-block."""
    return parts(child(node, "arguments"))


def pair_key(source: Source, pair: Node) -> str | None:
    """Return the name of a pair's key, `do` of `do: 1`; None when it is quoted."""
    key = pair.child_by_field_name("key")
    return source.text(key).rstrip()[:-1] if key is not None and key.type == "keyword" else None


def body(source: Source, call: Node, section: str = "do") -> list[Node] | None:
    """Return the expressions of a call's do-block, or of its `do:`; None when there is none.

    Another section, such as `else`, gives that one's expressions.
    """
    block = child(call, "do_block")
    if block is not None:
        if section == "do":
            return [node for node in parts(block) if not node.type.endswith("_block") or node.type == "do_block"]
        found = child(block, f"{section}_block")
        return parts(found) if found is not None else None
    written = arguments(call)
    if written and written[-1].type == "keywords":
        for pair in parts(written[-1]):
            value = pair.child_by_field_name("value")
            if pair_key(source, pair) == section and value is not None:
                return [value]
    return None


def module_name(node: Node) -> str | None:
    """Return the name a `defmodule` is written with; None for other nodes and computed names."""
    if callee(node) != "defmodule":
        return None
    written = arguments(node)
    return _text(written[0]).removeprefix("Elixir.") if written and written[0].type == "alias" else None


def _text(node: Node) -> str:
    return node.text.decode("utf-8", "replace") if node.text else ""
