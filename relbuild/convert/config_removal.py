"""Keys taken out of `config` calls: the edits that leave all else as it is."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from tree_sitter import Node

from relbuild.convert.config_calls import Call, line_after, line_before
from relbuild.convert.config_values import keywords
from relbuild.convert.edits import Edit
from relbuild.mix.source import Source, parts


def removed(call: Call, gone: AbstractSet[Node]) -> list[Edit]:
    """Return the edits that take pairs out of a call; its own node among them stands for all of it.

    A keyword list that is emptied goes with its key, and an emptied call goes with the comments directly above it.
    """
    inside = None if call.node in gone else _without(call.source, call.value, gone)
    return inside if inside is not None else [_call(call.source, call.node)]


def _without(source: Source, value: Node, gone: AbstractSet[Node]) -> list[Edit] | None:
    """Return the edits that take pairs out of a keyword list; None when nothing of it would be left."""
    found = keywords(value)
    edits: list[Edit] = []
    emptied: list[Node] = []
    for pair in parts(found):
        inner = pair.child_by_field_name("value")
        below = _without(source, inner, gone) if inner is not None and keywords(inner) is not None else []
        if pair in gone or (below is None and parts(keywords(inner) if inner is not None else None)):
            emptied.append(pair)
        else:
            edits += below or []
    if found is None or not parts(found):
        return []
    return None if len(emptied) == len(parts(found)) else [*edits, *_pairs(source, found, emptied)]


def _pairs(source: Source, found: Node, emptied: list[Node]) -> list[Edit]:
    pairs = parts(found)
    last = max(number for number, pair in enumerate(pairs) if pair not in emptied) if emptied else -1
    behind = pairs[last + 1 :] if emptied and _comma(pairs[-1]) is None else []
    edits = [_pair(source, pair, _comma(pair)) for pair in emptied]
    if behind:
        # What is the last one now has no comma.
        start, end, comma = pairs[last].end_byte, behind[-1].end_byte, _comma(pairs[last])
        comments = [each for each in found.named_children if each.type == "comment"]
        if all(not start < each.start_byte < end for each in comments) and not _comment_at(source, end):
            edits = [edit for edit in edits if edit.start < start] + [Edit(start, end)]
        elif comma is not None:
            edits.append(Edit(comma.start_byte, comma.end_byte))
    return _apart(edits)


def _comma(pair: Node) -> Node | None:
    after = pair.next_sibling
    while after is not None and after.type == "comment":
        after = after.next_sibling
    return after if after is not None and after.type == "," else None


def _pair(source: Source, pair: Node, comma: Node | None) -> Edit:
    start, end = pair.start_byte, comma.end_byte if comma is not None else pair.end_byte
    before, after = line_before(source, start), line_after(source, end)
    rest = after.lstrip(b" \t")
    if before.strip():
        if not rest.strip() or comma is None:
            return Edit(start - (len(before) - len(before.rstrip())), end)
        return Edit(start, end + len(after) - len(rest))
    if not rest.strip():
        # The whole line, with its end.
        return Edit(start - len(before), min(end + len(after) + 1, len(source.content)))
    return Edit(start, end + len(after) - len(rest))


def _comment_at(source: Source, offset: int) -> bool:
    """Say whether the next thing on the line is a comment, and not a text that has such a line."""
    rest = line_after(source, offset)
    at = offset + len(rest) - len(rest.lstrip())
    node = source.root.descendant_for_byte_range(at, at + 1) if rest.lstrip().startswith(b"#") else None
    return node is not None and node.type == "comment"


def _apart(edits: list[Edit]) -> list[Edit]:
    """Return the edits without those places that an earlier one has already."""
    found: list[Edit] = []
    for edit in sorted(edits):
        start = max(edit.start, found[-1].end) if found else edit.start
        if start < edit.end:
            found.append(Edit(start, edit.end))
    return found


def _call(source: Source, node: Node) -> Edit:
    content = source.content
    start = node.start_byte - len(line_before(source, node.start_byte))
    while start > 0:
        above = content.rfind(b"\n", 0, start - 1) + 1
        if not _comment_at(source, above):
            break
        start = above
    end = node.end_byte + len(line_after(source, node.end_byte))
    end = min(end + 1, len(content))
    # Of the empty lines around it one is left, and none at the file's end.
    below = len(content) - len(content[end:].lstrip(b"\r\n \t"))
    if below == len(content):
        kept = content[:start].rstrip()
        return Edit(len(kept) + len(_newline(content, len(kept))), len(content)) if kept else Edit(start, end)
    following = content[end : content.find(b"\n", end) + 1]
    if following and not following.strip() and (start == 0 or _ends_empty(content[:start])):
        end += len(following)
    return Edit(start, end)


def _newline(content: bytes, at: int) -> bytes:
    return b"\r\n" if content.startswith(b"\r\n", at) else b"\n" if content.startswith(b"\n", at) else b""


def _ends_empty(before: bytes) -> bool:
    """Say whether a text's last line is empty."""
    return before.replace(b"\r", b"").endswith(b"\n\n")
