"""Shell syntax: a script's bytes in, its syntax tree out, with the text and the place of every node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Language, Node, Parser

from relbuild.errors import Mark

# What a shell of its own runs: nothing in there sets a variable of the script or ends it.
SUBSHELLS = frozenset({"command_substitution", "process_substitution", "subshell"})
_EXPANDED = SUBSHELLS | {"simple_expansion", "expansion", "arithmetic_expansion"}
_MESSAGE = re.compile(rb"(\$\{[A-Za-z_][A-Za-z0-9_]*:?\?)([^}$`\\]+)(?=\})")


@dataclass(frozen=True, slots=True)
class Shell:
    """A parsed script; `plain` is its content with letters in the place of EEx tags."""

    file: str
    content: bytes
    plain: bytes
    root: Node

    def text(self, node: Node) -> str:
        """Return a node as it is written."""
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def literal(self, node: Node) -> str | None:
        """Return the text of a word in which nothing is expanded."""
        found = list(pieces(self, node))
        return "".join(map(str, found)) if all(isinstance(each, str) for each in found) else None

    def mark(self, node: Node) -> Mark:
        """Return where a node begins."""
        return self.mark_at(node.start_byte)

    def mark_at(self, offset: int) -> Mark:
        """Return the place of a byte offset; columns count characters."""
        line_start = self.content.rfind(b"\n", 0, offset) + 1
        before = self.content[line_start:offset].decode("utf-8", "replace")
        return Mark(self.file, self.content.count(b"\n", 0, offset) + 1, len(before) + 1)


def parse(file: str, content: bytes) -> Shell:
    """Parse a script or a template of one; its root's ``has_error`` is true where it isn't a shell script."""
    import tree_sitter_bash  # loaded only where there is a script

    plain, at = bytearray(content), 0
    while (start := content.find(b"<%", at)) >= 0:
        end = content.find(b"%>", start)
        at = end + 2 if end >= 0 else len(content)
        filler = b"x" if content[start + 2 : start + 3] == b"=" else b" "
        plain[start:at] = b"".join(b"\n" if byte == 10 else filler for byte in content[start:at])
    # The parser takes quotes in the message of `${X:?message}` for the shell's.
    readable = _MESSAGE.sub(lambda found: found[1] + b"x" * len(found[2]), bytes(plain))
    root = Parser(Language(tree_sitter_bash.language())).parse(readable).root_node
    return Shell(file, content, bytes(plain), root)


def pieces(script: Shell, word: Node) -> Iterator[str | Node]:
    """Yield the texts of a word, and the nodes that are expanded between them."""
    if word.type in _EXPANDED:
        yield word
    elif word.type == "raw_string":
        yield script.text(word)[1:-1]
    elif word.type in ("string", "concatenation") or word.named_children:
        for child in word.named_children:
            yield from pieces(script, child)
    else:
        yield script.text(word)
