"""Conditions of which at least one always holds."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from relbuild.mix.environment import conditions as c
from relbuild.mix.environment.conditions import ALWAYS, NEVER, And, Condition, OneOf, Opaque, Or, certain

X = Opaque("x")
NOT_X = c.negation(X)
ON = OneOf("A", frozenset({"on"}))

leaves = st.sampled_from((X, NOT_X, ON, c.negation(ON), c.missing("A"), Opaque("y")))
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3).map(c.every) | st.lists(inner).map(c.either))


def holds(condition: Condition, value: str | None, answers: dict[str, bool]) -> bool:
    """Say whether it holds, by its definition alone."""
    match condition:
        case OneOf():
            return condition.holds(value)
        case Opaque(text, negated):
            return answers[text] != negated
        case And(parts):
            return all(holds(part, value, answers) for part in parts)
        case Or(parts):
            return any(holds(part, value, answers) for part in parts)


@given(st.lists(trees, max_size=4))
def test_what_is_certain_holds_in_every_case(conditions: list[Condition]) -> None:
    if certain(conditions):
        for value, x, y in itertools.product((None, "", "on"), (True, False), (True, False)):
            assert any(holds(each, value, {"x": x, "y": y}) for each in conditions)


def test_what_is_certain() -> None:
    assert certain([ALWAYS])
    assert certain([X, NOT_X])
    assert certain([c.every((X, ON)), c.every((NOT_X, ON)), c.negation(ON)])
    assert not certain([])
    assert not certain([NEVER])
    assert not certain([X, c.every((NOT_X, ON))])
    assert not certain([ON, c.missing("A")])


def test_the_same_words_may_ask_something_else() -> None:
    other = Opaque("x", negated=True)
    assert not certain([X, other])
    assert not certain([c.every((X, Opaque("x"))), NOT_X])
    assert c.either((X, other)) != ALWAYS
    assert not certain([c.every((Or((X, ON)), Or((Opaque("x"), ON)))), NOT_X])


def test_too_many_cases_are_not_gone_through() -> None:
    many = [Opaque(f"x{i}") for i in range(13)]
    assert not certain([*many, *map(c.negation, many)])
