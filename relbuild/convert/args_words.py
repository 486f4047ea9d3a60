"""The words of an args_file as `erl` reads them: quotes join, a # outside of them begins a comment."""

from __future__ import annotations

import re

from relbuild.errors import Mark
from relbuild.values import dataclass

_QUOTED = r""""(?:\\.|[^"\\])*"|'[^']*'"""
_PIECE = re.compile(rf"""<%.*?%>|\\.|{_QUOTED}|.""", re.DOTALL)
# Distillery's template is carried out first: what is in its tags is no matter of quotes.
_TOKEN = re.compile(rf"""\#[^\n]*|(?:<%.*?%>|\\.|{_QUOTED}|[^\s\#])+""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it is written, quotes included, and the lines that it begins and ends on."""

    written: str
    at: Mark
    last: int

    @property
    def text(self) -> str:
        """The word as the VM is given it."""
        return "".join(map(_plain, _PIECE.findall(self.written)))

    @property
    def flag(self) -> bool:
        """Whether it is no value but the name of a flag."""
        return self.text.startswith(("-", "+"))


def split(file: str, text: str) -> list[Word]:
    """Return the words of a file, without its comments."""
    found = []
    for token in _TOKEN.finditer(text):
        if token[0].startswith("#"):
            continue
        line = text.count("\n", 0, token.start()) + 1
        at = Mark(file, line, token.start() - text.rfind("\n", 0, token.start()))
        found.append(Word(token[0], at, line + token[0].count("\n")))
    return found


def _plain(piece: str) -> str:
    if piece.startswith("\\") and len(piece) == 2:
        return piece[1]
    if len(piece) > 1 and piece[0] == piece[-1] == "'":
        return piece[1:-1]
    return re.sub(r"\\(.)", r"\1", piece[1:-1], flags=re.DOTALL) if len(piece) > 1 and piece[0] == '"' else piece
