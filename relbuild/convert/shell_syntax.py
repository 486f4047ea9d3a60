"""What a script's syntax tree tells against moving it into env.sh, which a shell reads on after it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from relbuild.errors import Mark
from relbuild.mix.shell import parse

# What ends there ends nothing but itself.
_APART = ("function_definition", "subshell", "command_substitution", "process_substitution")

# The parser takes what a shell doesn't: nothing between these.
_EMPTY = re.compile(r"(?m)(?:^|[;\s])(?:then|else|do)\s+(?:fi|else|elif|done)\b")
_CLOSING = ("then", "elif", "else", "fi", "do", "done", "esac")
_COMMENT = re.compile(r"(?m)^[ \t]*#.*$")


def refused(file: str, text: str) -> Iterator[tuple[Mark, str]]:
    """Yield the place of what is no shell script, or of what would end env.sh, and why it isn't moved."""
    script = parse(file, text.encode())
    if script.root.has_error:
        yield script.mark(_error(script.root)), "a plain sh can't read it from here on"
        return
    code = _COMMENT.sub("", text)
    if empty := _EMPTY.search(code):
        yield Mark(file, code.count("\n", 0, empty.start()) + 1), "a plain sh can't read what has nothing to do here"
        return
    for node in _inside(script.root):
        name = node.child_by_field_name("name") if node.type == "command" else None
        command = script.text(name) if name is not None else ""
        if command in ("return", "exit"):
            yield script.mark(node), f"`{command}` would end rel/env.sh.eex"
        elif command in _CLOSING:
            yield script.mark(node), "a plain sh can't read it from here on"


def _inside(node: Node) -> Iterator[Node]:
    left = [node]
    while left:
        each = left.pop()
        yield each
        left += [child for child in reversed(each.named_children) if child.type not in _APART]


def _error(root: Node) -> Node:
    """Return the first node that is an error; the root where it can't be told."""
    node = root
    while not (node.is_error or node.is_missing):
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None:
            return node
        node = inner
    return node
