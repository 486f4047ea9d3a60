"""A POSIX shell script as it is parsed: its words, and where they stand."""

from __future__ import annotations

import re
from functools import cache

from tree_sitter import Language, Node, Parser

from relbuild.errors import Mark
from relbuild.mix.environment.conditions import Opaque
from relbuild.values import dataclass

_MESSAGE = re.compile(rb"(\$\{[A-Za-z_][A-Za-z0-9_]*:?\?)([^}$`\\]+)(?=\})")
# Characters that are told of a command whose outcome is not followed.
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Words:
    """A script's text by the nodes of its syntax tree."""

    file: str
    content: bytes
    root: Node

    def text(self, node: Node) -> str:
        """Return a node as it is written."""
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def literal(self, word: Node) -> str | None:
        """Return the text of a word in which nothing is expanded."""
        if word.type == "string":
            return "".join(map(self.text, word.named_children)) if not _expands(word) else None
        if word.type == "raw_string":
            return self.text(word)[1:-1]
        return self.text(word) if word.type in ("word", "number", "extglob_pattern") else None

    def shown(self, words: list[Node]) -> str | None:
        """Return what `echo` or `printf` prints of these words."""
        texts = [self.literal(word) or self.text(word).strip("\"'") for word in words]
        return " ".join(texts).removesuffix("\\n").strip() or None

    def message(self, operator: Node | None, node: Node) -> str | None:
        """Return what an expansion says after its operator, as in ``${X:?message}``."""
        if operator is None:
            return None
        text = self.content[operator.end_byte : node.end_byte - 1].decode("utf-8", "replace")
        return text.strip().strip("\"'") or None

    def opaque(self, node: Node) -> Opaque:
        """Return the condition that a command succeeds whose outcome only a run tells."""
        text = " ".join(self.text(node).split())
        return Opaque(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")

    def mark(self, node: Node) -> Mark:
        """Return where a node is."""
        line_start = self.content.rfind(b"\n", 0, node.start_byte) + 1
        before = self.content[line_start : node.start_byte].decode("utf-8", "replace")
        return Mark(self.file, self.content.count(b"\n", 0, node.start_byte) + 1, len(before) + 1)


def parse(file: str, content: bytes) -> Words:
    """Parse a script, or a template of one; in the tree's root ``has_error`` tells that it is none throughout."""
    plain = _without_eex(content)
    return Words(file, plain, _parser().parse(_without_messages(plain)).root_node)


def branches(node: Node) -> list[tuple[list[Node], list[Node]]]:
    """Return the conditions of an `if`, each with the commands it leads to; those of `else` have none."""
    found: list[tuple[list[Node], list[Node]]] = []
    for clause in (node, *(each for each in node.named_children if each.type in ("elif_clause", "else_clause"))):
        then = next((each for each in clause.children if each.type == "then"), None)
        inside = [each for each in clause.named_children if each.type not in ("elif_clause", "else_clause")]
        at = then.start_byte if then is not None else clause.start_byte
        found.append(
            ([each for each in inside if each.start_byte < at], [each for each in inside if each.start_byte >= at])
        )
    return found


def _without_eex(content: bytes) -> bytes:
    """Put letters in the place of EEx tags, so that everything else stays where it is."""
    out, at = bytearray(content), 0
    while (start := content.find(b"<%", at)) >= 0:
        end = content.find(b"%>", start)
        at = end + 2 if end >= 0 else len(content)
        filler = b"x" if content[start + 2 : start + 3] == b"=" else b" "
        out[start:at] = b"".join(b"\n" if byte == 10 else filler for byte in content[start:at])
    return bytes(out)


def _without_messages(content: bytes) -> bytes:
    """Put letters in the place of the messages of ``${X:?message}``, whose quotes the parser takes for a shell's."""
    return _MESSAGE.sub(lambda found: found[1] + b"x" * len(found[2]), content)


@cache
def _parser() -> Parser:
    import tree_sitter_bash  # loaded only where there is a script

    return Parser(Language(tree_sitter_bash.language()))


def _expands(node: Node) -> bool:
    return any(child.type != "string_content" for child in node.named_children)
