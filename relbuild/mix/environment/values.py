"""What an expression of a configuration file may be when the release boots, as far as its environment decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from tree_sitter import Node

from relbuild.elixir.values import Atom, Gap, List, Term, same
from relbuild.errors import Mark
from relbuild.facts import Known
from relbuild.mix.environment.conditions import (
    ALWAYS,
    NEVER,
    Condition,
    OneOf,
    Opaque,
    constant,
    either,
    every,
    given,
    is_set,
    missing,
    negation,
    nil_tested,
)

if TYPE_CHECKING:
    from relbuild.mix.environment.files import File


# Alternatives of one value; with more of them nothing is said about it.
MAX_CHOICES = 12
# A list of more items is followed as one that isn't known.
MAX_ITEMS = 200


@dataclass(frozen=True, slots=True)
class EnvVar:
    """The value of a variable, nil where it isn't set."""

    variable: str


@dataclass(frozen=True, slots=True)
class Test:
    """true where the condition holds, else false."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class EnvFetch:
    """What `System.fetch_env` gives: `{:ok, value}` or `:error`."""

    variable: str


@dataclass(frozen=True, slots=True)
class EnvMap:
    """The map of all variables."""


@dataclass(frozen=True, slots=True)
class UnknownValue:
    """A value that isn't known; `present` when it surely is neither nil nor false.

    `sees` are the variables that give nil to what computes it where they aren't set, `made_of` those it is computed of.
    """

    text: str
    present: bool = False
    sees: frozenset[str] = frozenset()
    made_of: frozenset[str] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True, eq=False)
class Static:
    """An expression whose term is worked out when it is requested: unknown where it depends on the environment.

    `sees` and `made_of` as `UnknownValue` has them; `items` are a list's or tuple's, where it is written out.
    """

    compute: Callable[[], Term]
    text: str
    present: bool = False
    sees: frozenset[str] = frozenset()
    made_of: frozenset[str] = frozenset()
    items: tuple[Value, ...] | None = None


@dataclass(frozen=True, slots=True)
class NoReturn:
    """No value: what computes it raises, or ends the system."""


@dataclass(frozen=True, slots=True, eq=False)
class Closure:
    """A function value: where it is written, and the variables it sees."""

    file: File
    node: Node
    bindings: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values, each under its condition; the conditions exclude each other, the text describes it."""

    cases: tuple[tuple[Condition, Value], ...]
    text: str = field(default="", compare=False)


Value: TypeAlias = EnvVar | Test | EnvFetch | EnvMap | UnknownValue | Static | NoReturn | Closure | Choice

NIL = Static(lambda: Known(None, Mark("", 1)), "nil")


def choice(cases: Iterable[tuple[Condition, Value]], text: str) -> Value:
    """Return which of the values it is; the text describes it where that can't be said."""
    found: list[tuple[Condition, Value]] = []
    stops = False
    for condition, value in cases:
        if isinstance(value, NoReturn):
            stops = True
            continue
        inner = value.cases if isinstance(value, Choice) else ((ALWAYS, value),)
        both = ((every((condition, when)), each) for when, each in inner)
        found.extend((when, each) for when, each in both if when != NEVER)
    if len(found) == 1 and found[0][0] == ALWAYS:
        return found[0][1]
    if not found and stops:
        return NoReturn()
    return Choice(tuple(found), text) if 0 < len(found) <= MAX_CHOICES else UnknownValue(text)


def texts(value: Value) -> frozenset[str]:
    """Return the variables of which the value is the text."""
    match value:
        case EnvVar(variable) | EnvFetch(variable):
            return frozenset({variable})
        case Choice(cases):
            return frozenset(name for _, each in cases for name in texts(each))
    return frozenset()


def made_of(*values: Value) -> frozenset[str]:
    """Return the variables that the values are computed of."""
    return frozenset().union(
        *(each.made_of if isinstance(each, Static | UnknownValue) else texts(each) for each in values)
    )


def seen(*values: Value) -> frozenset[str]:
    """Return the variables that give nil to what is computed from the values, where they aren't set."""
    return frozenset().union(*map(_seen, values))


def _seen(value: Value) -> frozenset[str]:
    match value:
        case EnvVar(variable) | EnvFetch(variable):
            return frozenset({variable})
        case UnknownValue() | Static():
            return value.sees
        case Test(condition):
            return nil_tested(condition)
        case Choice(cases):
            return frozenset(name for when, each in cases for name in _seen(each) if given(when, name, None) != NEVER)
    return frozenset()


def asked(text: str, value: Value) -> Opaque:
    """Return that only the running system knows whether that is so of the value."""
    return Opaque(text, of=value, sees=_seen(value))


def truthy(value: Value) -> Condition:
    """Return when Elixir takes the value as true: when it is neither nil nor false."""
    match value:
        case EnvVar(variable):
            return is_set(variable)
        case Test(condition):
            return condition
        case UnknownValue(text, present):
            return ALWAYS if present else asked(text, value)
        case Static(compute, text, present):
            term = compute()
            if isinstance(term, Known):
                return constant(term.value is not None and term.value is not False)
            return ALWAYS if present else asked(text, value)
        case Choice(cases):
            return either(every((when, truthy(each))) for when, each in cases)
    return ALWAYS


def falsy(value: Value) -> Condition:
    """Return when Elixir takes the value as false."""
    if isinstance(value, Choice):
        # One of the alternatives it is, so that this need not be said as what none of them is.
        return either(every((when, falsy(each))) for when, each in value.cases)
    return negation(truthy(value))


def equals(value: Value, term: Term, text: str) -> Condition:
    """Return when the value is that one; the text says so where it can't be told."""
    if not isinstance(term, Known):
        return asked(text, value)
    wanted = term.value
    match value:
        case EnvVar(variable):
            return OneOf(variable, frozenset({wanted})) if wanted is None or isinstance(wanted, str) else NEVER
        case Test(condition):
            return condition if wanted is True else negation(condition) if wanted is False else NEVER
        case EnvFetch(variable) if wanted == Atom("error"):
            return missing(variable)
        case UnknownValue(_, True) if wanted is None or wanted is False:
            return NEVER
        case Static(compute):
            answer = same(compute(), term)
            return asked(text, value) if answer is None else constant(answer)
        case Choice(cases):
            return either(every((when, equals(each, term, text))) for when, each in cases)
        case Closure() | EnvMap() if wanted is None or isinstance(wanted, bool | str | int | Atom):
            return NEVER
    return asked(text, value)


def is_nil(value: Value, text: str) -> Condition:
    """Return when the value is nil."""
    match value:
        case EnvVar(variable):
            return missing(variable)
        case Test():
            return NEVER
        case UnknownValue(_, True):
            return NEVER
        case Static(compute):
            term = compute()
            if isinstance(term, Known):
                return constant(term.value is None)
            return NEVER if value.present else asked(text, value)
        case Choice(cases):
            return either(every((when, is_nil(each, text))) for when, each in cases)
        case UnknownValue():
            return asked(text, value)
    return NEVER


def known_items(value: Value) -> list[Term] | None:
    """Return the items of a list that is known as a whole; None for anything else."""
    term = value.compute() if isinstance(value, Static) else None
    if not isinstance(term, Known) or not isinstance(term.value, List) or len(term.value.items) > MAX_ITEMS:
        return None
    items = [item for item in term.value.items if not isinstance(item, Gap)]
    return items if len(items) == len(term.value.items) else None
