"""What an operation or a library function works with: the context of its call, and terms as values of a type.

A term that isn't surely known, or is of another type, raises Undecided.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from relbuild.elixir.values import Atom, Gap, Item, List, Term, TreePath, Value, unknowns
from relbuild.errors import Mark
from relbuild.facts import Known, Tree, Unknown

# A text grows past this only by doubling itself again and again.
MAX_TEXT = 1_000_000
MAX_ITEMS = 10_000


class Undecided(Exception):
    """The value isn't surely known: why, or which part of it isn't."""

    def __init__(self, reason: str, unknown: Unknown | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unknown = unknown


class Context(Protocol):
    """What a function uses besides its arguments: the place of the call, the project's files, other functions."""

    @property
    def at(self) -> Mark: ...
    @property
    def tree(self) -> Tree: ...
    @property
    def directory(self) -> str: ...
    @property
    def reads(self) -> set[str]: ...
    @property
    def required(self) -> list[str]: ...
    @property
    def git(self) -> list[Mark]: ...
    def apply(self, function: Term, args: list[Term]) -> Term:
        """Return what a function value gives for the arguments."""


Result: TypeAlias = Value | Known[Value] | Unknown
Pure: TypeAlias = Callable[..., Result]


def at_call(context: Context, value: Value) -> Known[Value]:
    """Return the value as one that comes from the call."""
    return Known(value, context.at)


def known(term: Item) -> Value:
    """Return the term's value; its parts may still be unknown."""
    if isinstance(term, Unknown):
        raise Undecided(term.reason, term)
    if isinstance(term, Gap):
        raise Undecided(term.unknown.reason, term.unknown)
    return term.value


def whole(term: Item) -> Value:
    """Return the term's value, which is known in all its parts."""
    for unknown in unknowns(term):
        raise Undecided(unknown.reason, unknown)
    return known(term)


def text(term: Item) -> str:
    """Return the term's value, a string."""
    value = known(term)
    if not isinstance(value, str):
        raise Undecided("a string is needed here" if not isinstance(value, TreePath) else "it is an absolute path")
    return value


def number(term: Item) -> int:
    """Return the term's value, an integer."""
    value = known(term)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Undecided("an integer is needed here")
    return value


def items(value: Value) -> tuple[Item, ...]:
    """Return the elements of a list."""
    if not isinstance(value, List):
        raise Undecided("a list is needed here")
    return value.items


def listed(term: Item) -> tuple[Item, ...]:
    """Return the elements of a term that is a list."""
    return items(known(term))


def exactly(term: Item) -> list[Term]:
    """Return the elements of a list whose length is known."""
    found: list[Term] = []
    for item in listed(term):
        if isinstance(item, Gap):
            raise Undecided(item.unknown.reason, item.unknown)
        found.append(item)
    return found


def limited(value: str) -> str:
    """Return the text unless it is absurdly long."""
    if len(value) > MAX_TEXT:
        raise Undecided("the text is too long")
    return value


def make_list(found: Iterable[Item]) -> List:
    """Return a list of the elements unless they are absurdly many."""
    made = tuple(found)
    if len(made) > MAX_ITEMS:
        raise Undecided("the list is too long")
    return List(made)


def texts(pieces: Iterable[object]) -> list[str]:
    """Return the pieces, which all are strings."""
    found = list(pieces)
    if not all(isinstance(piece, str) for piece in found):
        raise Undecided("it has an absolute path in it")
    return [str(piece) for piece in found]


def to_string(value: Value) -> str:
    """Return what `to_string/1` gives."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value) if abs(value) < 10**1000 else _refuse("the number is too long")
    if isinstance(value, Atom):
        return value.name
    if isinstance(value, List):
        return charlist(value)
    return _refuse("what to_string makes of it isn't known")


def _refuse(reason: str) -> str:
    raise Undecided(reason)


def charlist(value: List) -> str:
    """Return the text of a charlist."""
    out: list[str] = []
    for item in value.items:
        code = number(item)
        if not 0 < code <= 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise Undecided("it is no charlist")
        out.append(chr(code))
    return "".join(out)


def concat(left: Value, right: Value) -> Value:
    """Return what `<>` gives."""
    if isinstance(left, str) and isinstance(right, str):
        return limited(left + right)
    if isinstance(left, TreePath) and isinstance(right, str) and (right == "" or right.startswith("/")):
        return expand(right.strip("/") or ".", left.path)
    raise Undecided("what <> makes of it isn't known")


def expand(path: str, base: str) -> TreePath:
    """Return the place in the tree that a path means from a directory of it."""
    if path.startswith(("/", "~")):
        raise Undecided("it is outside the project")
    found = posixpath.normpath(posixpath.join(base, path))
    return TreePath("" if found == "." else found)


def place(term: Item, directory: str) -> str:
    """Return which file of the tree a path names, a string or a charlist, a relative one from that directory."""
    value = known(term)
    if isinstance(value, List):
        return expand(charlist(value), directory).path
    return value.path if isinstance(value, TreePath) else expand(text(term), directory).path
