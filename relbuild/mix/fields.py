"""Typed facts out of evaluated keyword lists: a known value of the type that is requested, or Unknown and why."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from relbuild.elixir.values import Atom, Gap, List, Term, TreePath, Tuple, Value, get, show
from relbuild.facts import Fact, Known, Unknown

T = TypeVar("T")

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRE}(?:\.{_PRE})*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)


class WrongType(Exception):
    """The value isn't of the type that is requested; its message says which that is."""


@dataclass(slots=True)
class Fields:
    """A keyword list that is read key by key; what isn't known is noted in `unknown`, under `what` and the key."""

    keywords: List
    what: str = ""
    directory: str = ""
    unknown: list[Unknown] = field(default_factory=list)

    def term(self, key: str) -> Term | None:
        """Return the value of a key; None when the list surely has no such key, or nil there."""
        found = get(self.keywords, key)
        return None if isinstance(found, Known) and found.value is None else found

    def fact(self, key: str, convert: Callable[[Value], T], *, note: bool = True) -> Fact[T] | None:
        """Return a key's value as converted, Unknown also when it can't be; None when there is none."""
        term = self.term(key)
        if term is None:
            return None
        fact = fact_of(term, f"{self.what}{key}", convert)
        if isinstance(fact, Unknown) and note:
            self.unknown.append(fact)
        return fact

    def value(self, key: str, convert: Callable[[Value], T]) -> T | None:
        """Return a key's value as converted; None when there is none, and when it isn't known, which is noted."""
        fact = self.fact(key, convert)
        return fact.value if isinstance(fact, Known) else None

    def path(self, value: Value) -> str:
        """Return a path, which is relative to the project's directory, relative to the tree's root."""
        if isinstance(value, TreePath):
            return value.path
        written = string(value)
        if written.startswith("/"):
            return written
        found = posixpath.normpath(posixpath.join(self.directory, written))
        return "" if found == "." else found

    def paths(self, value: Value) -> tuple[str, ...]:
        """Return a path, or each path of a list, relative to the tree's root."""
        if isinstance(value, List):
            return tuple(self.path(element) for element in plain(value))
        return (self.path(value),)


def fact_of(term: Term, what: str, convert: Callable[[Value], T]) -> Fact[T]:
    """Return the term's value as converted; Unknown of `what` when it isn't known or not of that type."""
    if isinstance(term, Unknown):
        return named(term, what)
    try:
        return Known(convert(term.value), term.at)
    except Unreadable as unreadable:
        return named(unreadable.unknown, what)
    except WrongType as wrong:
        return Unknown(what, f"should be {wrong}, is {show(term.value)}", term.at)


def named(unknown: Unknown, what: str) -> Unknown:
    """Return the Unknown as one of `what`, with what it was of in its reason."""
    return Unknown(what, f"{unknown.what}: {unknown.reason}", unknown.at)


class Unreadable(Exception):
    """A part of the value isn't known."""

    def __init__(self, unknown: Unknown) -> None:
        super().__init__(unknown.reason)
        self.unknown = unknown


def plain(value: Value) -> list[Value]:
    """Return the values of a list's elements; raise Unreadable when one isn't known, WrongType for no list."""
    if not isinstance(value, List):
        raise WrongType("a list")
    found: list[Value] = []
    for item in value.items:
        if isinstance(item, Gap):
            raise Unreadable(item.unknown)
        if isinstance(item, Unknown):
            raise Unreadable(item)
        found.append(item.value)
    return found


def string(value: Value) -> str:
    """Return a string as it is."""
    if not isinstance(value, str):
        raise WrongType("a string")
    return value


def name(value: Value) -> str:
    """Return an atom's name."""
    if not isinstance(value, Atom):
        raise WrongType("an atom")
    return value.name


def module(value: Value) -> str:
    """Return a module's name as it is written in Elixir."""
    return str(Atom(name(value)))


def boolean(value: Value) -> bool:
    """Return a boolean as it is."""
    if not isinstance(value, bool):
        raise WrongType("true or false")
    return value


def strings(value: Value) -> tuple[str, ...]:
    """Return a list of strings, or one, as a tuple."""
    return tuple(string(element) for element in (plain(value) if isinstance(value, List) else [value]))


def names(value: Value) -> tuple[str, ...]:
    """Return the names in a list of atoms, or of one, as Mix's `List.wrap` takes them."""
    return tuple(name(element) for element in (plain(value) if isinstance(value, List) else [value]))


def application_module(value: Value) -> str:
    """Return the module of an application's `mod: {Module, argument}`."""
    if not isinstance(value, Tuple) or not value.items:
        raise WrongType("a module and its argument")
    first = value.items[0]
    if isinstance(first, Unknown):
        raise Unreadable(first)
    return module(first.value)


def applications(value: Value) -> tuple[str, ...]:
    """Return the names in a list of applications, some with a mode: `[:logger, tools: :optional]`."""
    found = []
    for element in plain(value):
        first = element.items[0] if isinstance(element, Tuple) and element.items else None
        if isinstance(first, Unknown):
            raise Unreadable(first)
        found.append(name(first.value if first is not None else element))
    return tuple(found)


def is_version(text: str) -> bool:
    """Return whether Elixir's Version.parse/1 takes the text."""
    return _VERSION.fullmatch(text) is not None
