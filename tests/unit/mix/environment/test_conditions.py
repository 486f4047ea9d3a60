"""Conditions keep their meaning however they are joined, shortened and carried."""

from __future__ import annotations

import itertools
import json

from hypothesis import given
from hypothesis import strategies as st

from relbuild.mix.environment import conditions as c
from relbuild.mix.environment.conditions import (
    ALWAYS,
    NEVER,
    And,
    Condition,
    OneOf,
    Opaque,
    Or,
    condition_from_data,
    condition_to_data,
)

VALUES = (None, "", "a")
WORLDS = [dict(zip("AB", values, strict=True)) for values in itertools.product(VALUES, repeat=2)]

leaves = st.builds(
    OneOf, st.sampled_from("AB"), st.frozensets(st.sampled_from(VALUES)), st.booleans()
) | st.builds(Opaque, st.sampled_from("xy"), st.booleans())  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(And, st.lists(inner, max_size=3).map(tuple)) | st.builds(Or, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


def holds(condition: Condition, world: dict[str, str | None], opaque: dict[str, bool]) -> bool:
    """Say whether it holds, by its definition alone."""
    match condition:
        case OneOf(variable, values, inside):
            return (world[variable] in values) == inside
        case Opaque(text, negated):
            return opaque[text] != negated
        case And(parts):
            return all(holds(part, world, opaque) for part in parts)
        case Or(parts):
            return any(holds(part, world, opaque) for part in parts)


def worlds() -> list[tuple[dict[str, str | None], dict[str, bool]]]:
    return [
        (world, {"x": x, "y": y}) for world in WORLDS for x, y in itertools.product((True, False), repeat=2)
    ]  # fmt: skip


@given(st.lists(trees, max_size=3))
def test_joining_keeps_the_meaning(parts: list[Condition]) -> None:
    for world, opaque in worlds():
        answers = [holds(part, world, opaque) for part in parts]
        assert holds(c.every(parts), world, opaque) == all(answers)
        assert holds(c.either(parts), world, opaque) == any(answers)


@given(trees)
def test_a_negation_is_the_opposite(condition: Condition) -> None:
    for world, opaque in worlds():
        assert holds(c.negation(condition), world, opaque) != holds(condition, world, opaque)


@given(trees, st.sampled_from(VALUES))
def test_what_a_value_leaves_of_it(condition: Condition, value: str | None) -> None:
    for world, opaque in worlds():
        if world["A"] == value:
            assert holds(c.given(condition, "A", value), world, opaque) == holds(condition, world, opaque)
            if value is not None:
                set_ = c.given_set(condition, "A")
                assert c.unclear(set_) or holds(set_, world, opaque) == holds(condition, world, opaque)


@given(trees)
def test_what_is_told_is_true(condition: Condition) -> None:
    """An answer holds whatever the parts that can't be told turn out to be."""
    for world in WORLDS:
        environment = {name: value for name, value in world.items() if value is not None}
        answer = c.evaluate(condition, environment)
        for x, y in itertools.product((True, False), repeat=2):
            assert answer in (None, holds(condition, world, {"x": x, "y": y}))


@given(trees)
def test_it_comes_back_from_json(condition: Condition) -> None:
    back = condition_from_data(json.loads(json.dumps(condition_to_data(condition))))
    for world, opaque in worlds():
        assert holds(back, world, opaque) == holds(condition, world, opaque)


@given(
    st.recursive(
        st.none() | st.text(max_size=3) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(("variable", "in", "not_in", "text", "not", "every", "either")), inner)
        ),
    )
)
def test_a_foreign_form_is_left_open(data: object) -> None:
    assert isinstance(c.describe(condition_from_data(data)), str)


def test_in_words() -> None:
    described = [
        c.describe(condition)
        for condition in (
            ALWAYS,
            NEVER,
            c.is_set("A"),
            c.missing("A"),
            OneOf("A", frozenset({"on", "1"})),
            OneOf("A", frozenset({"on", None})),
            OneOf("A", frozenset({"", None}), inside=False),
            Opaque("x > 1", negated=True),
            c.every((c.is_set("A"), c.either((c.is_set("B"), Opaque("x"))))),
        )
    ]
    assert described == [
        "always",
        "never",
        "A is set",
        "A is not set",
        'A is "1" or "on"',
        'A is "on", or not set',
        "A is set and not empty",
        "not (x > 1)",
        "A is set and (B is set or x)",
    ]
