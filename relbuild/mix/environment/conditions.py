"""Conditions on environment variables: what can be told of them is a test, everything else keeps its text.

A test says that a variable's value is, or isn't, among some; None among them stands for a variable that isn't set.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

# More alternatives than this tell a reader nothing; what they would say is then left open.
MAX_PARTS = 12
TOO_MANY = "conditions that are too many to name"


@dataclass(frozen=True, slots=True)
class OneOf:
    """The variable's value is one of these, or (`inside` is false) none of them."""

    variable: str
    values: frozenset[str | None]
    inside: bool = True

    def holds(self, value: str | None) -> bool:
        """Return whether it holds for that value."""
        return (value in self.values) == self.inside


@dataclass(frozen=True, slots=True)
class Opaque:
    """Something that only the running system knows, as it is written.

    `of` is what is asked: the same words about another value, or asked another time, may have another answer.
    `sees` are the variables that may decide it by not being set.
    """

    text: str
    negated: bool = False
    of: object = field(default_factory=object, compare=False, repr=False)
    sees: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of them; without any it is always true."""

    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them; without any it is never true."""

    parts: tuple[Condition, ...] = ()


Condition: TypeAlias = OneOf | Opaque | And | Or

ALWAYS = And()
NEVER = Or()
# Not set, or set to nothing: a shell's `-z` doesn't tell them apart.
EMPTY = frozenset({None, ""})


def is_set(variable: str) -> Condition:
    """Return that the variable is set, be it to nothing."""
    return OneOf(variable, frozenset({None}), inside=False)


def missing(variable: str) -> OneOf:
    """Return that the variable isn't set."""
    return OneOf(variable, frozenset({None}))


def constant(value: bool) -> Condition:
    """Return the condition that always, or never, holds."""
    return ALWAYS if value else NEVER


def every(conditions: Iterable[Condition]) -> Condition:
    """Return that all hold, as short as it can be said."""
    parts = [each for each in conditions if each is not ALWAYS]
    if any(each is NEVER for each in parts):
        return NEVER
    if len(parts) < 2 and not (parts and isinstance(parts[0], OneOf) and not parts[0].values):
        return parts[0] if parts else ALWAYS
    return _joined(parts, And, Or, _both)


def _simplified(part: Condition, tests: Mapping[str, OneOf]) -> Condition:
    """Return a part as short as it can be said where the tests hold."""
    match part:
        case OneOf(variable) if variable in tests:
            known = tests[variable]
            both = _both(known, part)
            if both.inside and not both.values:
                return NEVER
            return ALWAYS if both == known else part
        case And(parts) | Or(parts):
            shorter = [_simplified(each, tests) for each in parts]
            if all(one is other for one, other in zip(shorter, parts, strict=True)):
                return part
            return every(shorter) if isinstance(part, And) else either(shorter)
    return part


def given(condition: Condition, variable: str, value: str | None) -> Condition:
    """Return the condition where the variable has this value."""
    return _simplified(condition, {variable: OneOf(variable, frozenset({value}))})


def either(conditions: Iterable[Condition]) -> Condition:
    """Return that at least one holds, as short as it can be said."""
    parts = [each for each in conditions if each is not NEVER]
    if any(each is ALWAYS for each in parts):
        return ALWAYS
    if len(parts) < 2 and not (parts and isinstance(parts[0], OneOf) and not parts[0].values):
        return parts[0] if parts else NEVER
    return _joined(parts, Or, And, _one)


def negation(condition: Condition) -> Condition:
    """Return that it doesn't hold."""
    match condition:
        case OneOf(variable, values, inside):
            return OneOf(variable, values, not inside)
        case Opaque(text, negated, of, sees):
            return Opaque(text, not negated, of, sees)
        case And(parts):
            return either(negation(part) for part in parts)
        case Or(parts):
            return every(negation(part) for part in parts)


def _joined(
    conditions: Iterable[Condition],
    kind: type[And] | type[Or],
    opposite: type[And] | type[Or],
    merge: Callable[[OneOf, OneOf], OneOf],
) -> Condition:
    flat = list(_flat(conditions, kind))
    if len(flat) == 1 and not isinstance(flat[0], OneOf):
        return flat[0]
    tests: dict[str, OneOf] = {}
    order: dict[Condition | str | tuple[str, bool], Condition] = {}
    for condition in flat:
        if isinstance(condition, opposite) and not condition.parts:
            return condition
        key: Condition | str | tuple[str, bool] = condition
        if isinstance(condition, OneOf):
            key = condition.variable
            known = tests.get(key)
            tests[key] = merge(known, condition) if known else condition
        elif isinstance(condition, Opaque):
            key = condition.text, condition.negated
            denied = order.get((condition.text, not condition.negated))
            if isinstance(denied, Opaque) and denied.of is condition.of:
                return NEVER if kind is And else ALWAYS
        order[key] = _unified(order.get(key), condition)
    if any(not test.values and test.inside == (kind is And) for test in tests.values()):
        return NEVER if kind is And else ALWAYS
    # Where all parts hold, each is read as if the others do; of alternatives, as if the others don't.
    assumed = tests if kind is And else {name: _opposite(test) for name, test in tests.items()}
    parts = [tests[key] if isinstance(key, str) else _simplified(each, assumed) for key, each in order.items()]
    if any(
        isinstance(each, And | Or) and part is not each and part != each
        for each, part in zip(order.values(), parts, strict=True)
    ):
        return _joined(parts, kind, opposite, merge)
    parts = [part for part in parts if not isinstance(part, OneOf) or part.values]
    if len(parts) == 1:
        return parts[0]
    if len(parts) <= MAX_PARTS:
        return kind(tuple(parts))
    # Of what all holds each part still does.
    kept = [part for part in parts if kind is And and isinstance(part, OneOf)][: MAX_PARTS - 1]
    return And((*kept, Opaque(TOO_MANY))) if kept else Opaque(TOO_MANY)


def _same(one: Condition | None, other: Condition) -> bool:
    """Return whether two conditions in the same words ask the same."""
    return one is other or (isinstance(one, Opaque) and isinstance(other, Opaque) and one.of is other.of)


def _unified(known: Condition | None, condition: Condition) -> Condition:
    """Return a condition of which the same words are known: where they may ask something else, as asked of neither."""
    return condition if known is None or _same(known, condition) else _apart(condition)


def _apart(condition: Condition) -> Condition:
    match condition:
        case Opaque(text, negated, _, sees):
            return Opaque(text, negated, sees=sees)
        case And(parts):
            return And(tuple(map(_apart, parts)))
        case Or(parts):
            return Or(tuple(map(_apart, parts)))
    return condition


def _opposite(test: OneOf) -> OneOf:
    return OneOf(test.variable, test.values, not test.inside)


def _flat(conditions: Iterable[Condition], kind: type[And] | type[Or]) -> Iterable[Condition]:
    for condition in conditions:
        if isinstance(condition, kind):
            yield from condition.parts
        else:
            yield condition


def _both(one: OneOf, other: OneOf) -> OneOf:
    if one.inside and other.inside:
        return OneOf(one.variable, one.values & other.values)
    if one.inside or other.inside:
        inner, outer = (one, other) if one.inside else (other, one)
        return OneOf(one.variable, inner.values - outer.values)
    return OneOf(one.variable, one.values | other.values, inside=False)


def _one(one: OneOf, other: OneOf) -> OneOf:
    return _opposite(_both(_opposite(one), _opposite(other)))


def evaluate(condition: Condition, environment: Mapping[str, str]) -> bool | None:
    """Return whether it holds in an environment; None when that can't be told."""
    match condition:
        case OneOf(variable):
            return condition.holds(environment.get(variable))
        case Opaque():
            return None
        case And(parts):
            answers = [evaluate(part, environment) for part in parts]
            return False if False in answers else None if None in answers else True
        case Or(parts):
            answers = [evaluate(part, environment) for part in parts]
            return True if True in answers else None if None in answers else False


def given_set(condition: Condition, variable: str) -> Condition:
    """Return the condition where the variable is set, to what isn't known."""
    match condition:
        case OneOf(name, values, inside) if name == variable:
            return constant(not inside) if values <= {None} else Opaque(describe(condition))
        case And(parts):
            return every(given_set(part, variable) for part in parts)
        case Or(parts):
            return either(given_set(part, variable) for part in parts)
    return condition


def describe(condition: Condition) -> str:
    """Return the condition in words."""
    match condition:
        case OneOf():
            return _test(condition)
        case Opaque(text, negated):
            return f"not ({text})" if negated else text
        case And(parts) | Or(parts):
            if not parts:
                return "always" if isinstance(condition, And) else "never"
            word = " and " if isinstance(condition, And) else " or "
            return word.join(f"({describe(part)})" if _compound(part) else describe(part) for part in parts)


def _compound(condition: Condition) -> bool:
    return isinstance(condition, And | Or) and len(condition.parts) > 1


def _test(test: OneOf) -> str:
    values = sorted((value for value in test.values if value is not None), key=lambda value: (len(value), value))
    shown = " or ".join(f'"{value}"' if value else "empty" for value in values)
    unset = None in test.values
    if not values:
        return f"{test.variable} is {'not ' if test.inside else ''}set"
    if test.inside:
        return f"{test.variable} is {shown}" + (", or not set" if unset else "")
    return f"{test.variable} is {'set and ' if unset else ''}not {shown}"


def leaves(condition: Condition) -> Iterator[OneOf | Opaque]:
    """Yield the tests and the open questions that it is made of."""
    if isinstance(condition, And | Or):
        for part in condition.parts:
            yield from leaves(part)
    else:
        yield condition


def unclear(condition: Condition) -> bool:
    """Return whether a part of it only the running system knows."""
    return any(isinstance(each, Opaque) for each in leaves(condition))


def variables(condition: Condition) -> frozenset[str]:
    """Return the variables that it tests."""
    return frozenset(each.variable for each in leaves(condition) if isinstance(each, OneOf))


def seen(condition: Condition) -> frozenset[str]:
    """Return the variables that may decide what only the running system knows by not being set."""
    return frozenset(name for each in leaves(condition) if isinstance(each, Opaque) for name in each.sees)


def nil_tested(condition: Condition) -> frozenset[str]:
    """Return the variables of which it may matter that they aren't set, whatever else they are."""
    tests = (each for each in leaves(condition) if isinstance(each, OneOf))
    return seen(condition) | {test.variable for test in tests if None in test.values}


def condition_to_data(condition: Condition) -> Any:
    """Return the condition as JSON takes it."""
    match condition:
        case OneOf(variable, values, inside):
            ordered = sorted(values, key=lambda value: (value is not None, value or ""))
            return {"variable": variable, "in" if inside else "not_in": ordered}
        case Opaque(text, negated):
            return {"not" if negated else "text": text}
        case And(parts):
            return {"every": [condition_to_data(part) for part in parts]}
        case Or(parts):
            return {"either": [condition_to_data(part) for part in parts]}


def condition_from_data(data: Any) -> Condition:
    """Return the condition that `to_data` made this of; what isn't understood is left open."""
    match data:
        case {"variable": str(variable), "in": list(values)} if _values(values):
            return OneOf(variable, frozenset(values))
        case {"variable": str(variable), "not_in": list(values)} if _values(values):
            return OneOf(variable, frozenset(values), inside=False)
        case {"text": str(text)}:
            return Opaque(text)
        case {"not": str(text)}:
            return Opaque(text, negated=True)
        case {"every": list(parts)}:
            return every(map(condition_from_data, parts))
        case {"either": list(parts)}:
            return either(map(condition_from_data, parts))
    return Opaque("something this relbuild doesn't know")


def _values(values: list[Any]) -> bool:
    return all(value is None or isinstance(value, str) for value in values)


# More cases than this are not gone through.
MAX_CASES = 4096

# A value for each variable, and whether what is asked is so; what is asked is known by its words and what it is of.
_Question = tuple[str, int]
_Case = Mapping[str | _Question, str | bool | None]


def certain(conditions: Iterable[Condition]) -> bool:
    """Return whether at least one of them holds whatever is set, and whatever only the running system knows is."""
    wanted = tuple(conditions)
    answers = _answers(wanted)
    count = 1
    for possible in answers.values():
        count *= len(possible)
        if count > MAX_CASES:
            return False
    cases = (dict(zip(answers, each, strict=True)) for each in itertools.product(*answers.values()))
    return all(any(_holds(condition, case) for condition in wanted) for case in cases)


def _answers(conditions: Iterable[Condition]) -> dict[str | _Question, tuple[str | bool | None, ...]]:
    """Return for all that is asked which answers make a difference."""
    values: dict[str, frozenset[str | None]] = {}
    found: dict[str | _Question, tuple[str | bool | None, ...]] = {}
    for leaf in itertools.chain.from_iterable(map(leaves, conditions)):
        if isinstance(leaf, Opaque):
            found[_question(leaf)] = (True, False)
        else:
            values[leaf.variable] = values.get(leaf.variable, frozenset({None})) | leaf.values
    another = {name: "".join(value or "" for value in known) + "x" for name, known in values.items()}
    return found | {name: (*known, another[name]) for name, known in values.items()}


def _question(opaque: Opaque) -> _Question:
    return opaque.text, id(opaque.of)


def _holds(condition: Condition, case: _Case) -> bool:
    if isinstance(condition, OneOf):
        value = case[condition.variable]
        return condition.holds(value if isinstance(value, str) else None)
    if isinstance(condition, Opaque):
        return case[_question(condition)] is not condition.negated
    each = (_holds(part, case) for part in condition.parts)
    return all(each) if isinstance(condition, And) else any(each)
