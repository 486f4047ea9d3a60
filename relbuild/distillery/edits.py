"""Edits of a text by its bytes, which are the places of a syntax tree, and the removal of an element of a list."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tree_sitter import Node

from relbuild.elixir.syntax import Source


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The bytes from `start` to before `end` become `text`; where both are the same it is put in there."""

    start: int
    end: int
    text: str = ""


def applied(content: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the content with the edits, whose places are those of the content as it is; none overlaps another."""
    result, at = [], 0
    for edit in sorted(edits):
        assert at <= edit.start <= edit.end, "edits overlap"
        result += [content[at : edit.start], edit.text.encode()]
        at = edit.end
    return b"".join((*result, content[at:]))


# What may stand on an element's line beside it and has no meaning without it: its comma, and a comment.
_REST = re.compile(rb"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)")
_GROUPS = ("keywords", "map_content")


def removal(source: Source, node: Node) -> list[Edit]:
    """Return the edits that take an element out of a list, a map or keywords; the elements beside it stay as they are.

    One that has its lines for itself goes with them, and with a comment at its end.
    """
    before, after = _comma(node, forwards=False), _comma(node, forwards=True)
    content = source.content
    start, end = node.start_byte, after.end_byte if after is not None else node.end_byte
    line = content.rfind(b"\n", 0, start) + 1
    rest = _REST.match(content, end)
    edits = []
    if after is None and before is not None and before.end_byte <= start:
        edits.append(Edit(before.start_byte, before.end_byte))
    if rest is not None and not content[line:start].strip():
        return [*edits, Edit(line, rest.end())]
    if edits:
        # `, {:b, "2"}`: all from the comma on.
        return [Edit(edits[0].start, end)]
    space = re.compile(rb"[ \t]*").match(content, end)
    assert space is not None
    return [Edit(start, space.end() if after is not None else end)]


def _comma(node: Node, *, forwards: bool) -> Node | None:
    """Return the comma beside an element, comments between them passed over."""
    at: Node | None = node
    while at is not None:
        beside = at.next_sibling if forwards else at.prev_sibling
        while beside is not None and beside.type == "comment":
            beside = beside.next_sibling if forwards else beside.prev_sibling
        if beside is not None:
            return beside if beside.type == "," else None
        at = at.parent if at.parent is not None and at.parent.type in _GROUPS else None
    return None
