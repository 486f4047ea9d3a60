"""Elixir's values as Python values, each part with its place, and parts that are not known left open.

nil, true, false, numbers and binaries are Python's own; the rest has a type here. A list whose length is not known
has a `Gap` where elements may be missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from tree_sitter import Node

from relbuild.errors import Mark
from relbuild.facts import Known, Unknown

# Sharing makes a small file stand for a huge value; whoever walks one stops here.
MAX_PARTS = 100_000


@dataclass(frozen=True, slots=True, order=True)
class Atom:
    """An atom other than nil, true and false; a module's is `Elixir.` and its name, as in Elixir."""

    name: str

    def __str__(self) -> str:
        return self.module or f":{self.name}"

    @property
    def module(self) -> str | None:
        """The module's name as it is written, when the atom is one."""
        return self.name.removeprefix("Elixir.") if self.name.startswith("Elixir.") else None


@dataclass(frozen=True, slots=True)
class TreePath:
    """An absolute path in the project, whose place in the file system is not known: relative to the tree's root."""

    path: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A place in a list where any number of elements may stand."""

    unknown: Unknown


@dataclass(frozen=True, slots=True)
class List:
    """A list, also a keyword list: its elements in order."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Tuple:
    """A tuple."""

    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """A map, its pairs in the order they are written."""

    pairs: tuple[tuple[Term, Term], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function value: where it is written, and the variables it sees."""

    node: Node
    bindings: dict[str, Term] = field(default_factory=dict)


Value: TypeAlias = bool | int | float | str | Atom | List | Tuple | Map | Function | TreePath | None
Term: TypeAlias = Known[Value] | Unknown
Item: TypeAlias = Known[Value] | Unknown | Gap


def atom(name: str) -> Value:
    """Return the value of the atom of that name: Python's own for nil, true and false."""
    return {"nil": None, "true": True, "false": False}.get(name, Atom(name))


def pair(key: str, value: Term, at: Mark) -> Term:
    """Return an element of a keyword list."""
    return Known(Tuple((Known(atom(key), at), value)), at)


def unknowns(term: Item) -> Iterator[Unknown]:
    """Yield what is not known in a term, outermost and first before the rest."""
    pending: list[Item] = [term]
    left = MAX_PARTS
    while pending and left:
        left -= 1
        part = pending.pop()
        if isinstance(part, Unknown):
            yield part
        elif isinstance(part, Gap):
            yield part.unknown
        else:
            pending.extend(reversed(_inside(part.value)))
    if pending and isinstance(term, Known):
        yield Unknown("a value", "it is too large to read", term.at)


def _inside(value: Value) -> tuple[Item, ...]:
    if isinstance(value, List | Tuple):
        return value.items
    if isinstance(value, Map):
        return tuple(part for entry in value.pairs for part in entry)
    return ()


def exact(term: Term) -> bool:
    """Return whether every part of the term is known."""
    return next(unknowns(term), None) is None


def same(left: Term, right: Term) -> bool | None:
    """Return whether two terms are equal as a pattern sees it (`===`); None when that isn't known."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return None
    if not (exact(left) and exact(right)):
        return None
    a, b = left.value, right.value
    if isinstance(a, Function | TreePath | Map) or isinstance(b, Function | TreePath | Map):
        return (
            None if type(a) is type(b) or (isinstance(a, TreePath | str) and isinstance(b, TreePath | str)) else False
        )
    if type(a) is not type(b):
        return False
    if isinstance(a, List | Tuple) and isinstance(b, List | Tuple):
        return _same_items(a, b)
    # Before OTP 27 0.0 and -0.0 were one.
    return None if isinstance(a, float) and a == 0 and math.copysign(1, a) != math.copysign(1, b) else a == b  # type: ignore[arg-type]


def _same_items(left: List | Tuple, right: List | Tuple) -> bool | None:
    if len(left.items) != len(right.items):
        return False
    answers = [
        same(a, b)
        for a, b in zip(left.items, right.items, strict=True)
        if not isinstance(a, Gap) and not isinstance(b, Gap)
    ]
    if False in answers:
        return False
    return None if None in answers else True


def get(keywords: List, key: str) -> Term | None:
    """Return the value `Keyword.get` finds, the first of that key; None when there is none.

    It is Unknown when something before it that isn't known could be of that key.
    """
    wanted = atom(key)
    for item in keywords.items:
        if isinstance(item, Gap):
            return item.unknown
        if isinstance(item, Unknown):
            return item
        if not isinstance(item.value, Tuple) or len(item.value.items) != 2:
            continue
        found, value = item.value.items
        if isinstance(found, Unknown):
            return found
        if type(found.value) is type(wanted) and found.value == wanted:
            return value
    return None


def entries(keywords: List) -> Iterator[tuple[str, Term, Mark] | Unknown]:
    """Yield key, value and place of each pair with a known key, and an Unknown for everything else."""
    for item in keywords.items:
        if isinstance(item, Gap):
            yield item.unknown
        elif isinstance(item, Unknown):
            yield item
        elif isinstance(item.value, Tuple) and len(item.value.items) == 2:
            key, value = item.value.items
            if isinstance(key, Unknown):
                yield key
            elif isinstance(name := key.value, Atom):
                yield name.name, value, item.at
            else:
                yield Unknown("a keyword list", "an element's key is no atom", item.at)
        else:
            yield Unknown("a keyword list", "an element is no key and value", item.at)


def show(value: Value) -> str:
    """Return a value's short form for a message; only for what is known to be no secret."""
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, List | Tuple | Map | Function):
        return {List: "a list", Tuple: "a tuple", Map: "a map", Function: "a function"}[type(value)]
    return value.path if isinstance(value, TreePath) else str(value)
