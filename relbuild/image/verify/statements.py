"""Which environment variables a line of Elixir depends on, read from its text by its indentation.

The text is formatted as people format Elixir; what is computed in another file is not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

READ = re.compile(r"""(?:System\.(?:get|fetch)_env!?|:os\.getenv)[\s(]*(?:~c)?["']([A-Za-z_]\w*)["']""")
# NAME = …, {:ok, NAME} = …, and the heads of functions.
BOUND = re.compile(r"\s*(?:\{:ok, *)?([a-z_]\w*[?!]?)\}? *=(?![=~>])|\s*defp? +([a-z_]\w*[?!]?)")
CLOSES = frozenset({"end", "else", ")", "]", "}", "])", "})"})


@dataclass(frozen=True, slots=True)
class Statement:
    """A line with all that is indented deeper below it; of a block the head alone."""

    line: int
    indent: int
    text: str

    @property
    def is_block(self) -> bool:
        """Whether the statements that are indented deeper below it are its own."""
        return self.text.rstrip().endswith((" do", "->"))


def variables_at(text: str, line: int, names: Iterable[str] = ()) -> list[str]:
    """Return the variables on which a line of a file depends, through the blocks around it and the names it uses.

    They are those that Elixir's own functions read, and the given names wherever they are in quotes.
    """
    statements = list(_statements(text))
    at = next((i for i in reversed(range(len(statements))) if statements[i].line <= line), None)
    if at is None:
        return []
    todo = [statements[at], *_around(statements, at)]
    seen = set(todo)
    found: dict[str, None] = {}
    while todo:
        statement = todo.pop()
        known = (name for name in names if f'"{name}"' in statement.text)
        found.update(dict.fromkeys((*READ.findall(statement.text), *known)))
        for i, other in enumerate(statements):
            bound = BOUND.match(other.text)
            name = bound and (bound[1] or bound[2])
            if name and other not in seen and re.search(rf"(?<![.:\w]){re.escape(name)}(?!:|\w)", statement.text):
                new = [other, *_inside(statements, i)]
                todo += (each for each in new if each not in seen)
                seen.update(new)
    return list(found)


def _around(statements: list[Statement], at: int) -> Iterator[Statement]:
    """Yield the heads of the blocks that a statement is in."""
    indent = statements[at].indent
    for statement in reversed(statements[:at]):
        if statement.indent < indent:
            indent = statement.indent
            if statement.is_block:
                yield statement


def _inside(statements: list[Statement], at: int) -> Iterator[Statement]:
    """Yield the statements of a block."""
    if statements[at].is_block:
        for statement in statements[at + 1 :]:
            if statement.indent <= statements[at].indent:
                return
            yield statement


def _statements(text: str) -> Iterator[Statement]:
    current: Statement | None = None
    for number, line in enumerate(text.splitlines(), 1):
        indent = len(line) - len(line.lstrip())
        if not line.strip() or line.strip() in CLOSES:
            continue
        if current is not None and indent > current.indent and not current.is_block:
            current = Statement(current.line, current.indent, f"{current.text}\n{line}")
            continue
        if current is not None:
            yield current
        current = Statement(number, indent, line)
    if current is not None:
        yield current
