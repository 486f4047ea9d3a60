"""Elixir's functions that follow another one for the items of a collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from relbuild.mix.environment import control
from relbuild.mix.environment.conditions import ALWAYS, Condition, either, every
from relbuild.mix.environment.values import NIL, Something, Truth, Value, choice, equals, falsy, listed, truthy

if TYPE_CHECKING:
    from relbuild.mix.environment.calls import Call


def _member(call: Call) -> Value:
    items = listed(call.args[0]) if len(call.args) == 2 else None
    if items is None:
        return Truth(call.frame.opaque(call.whole, call.args))
    found = either(equals(call.args[1], item, call.frame.text(call.whole)) for item in items)
    return Truth(call.frame.reading.uses.compared(found))


def _each(call: Call) -> Value:
    """Follow a function once for each item of a list that is known, else once for any."""
    if len(call.args) < 2:
        return call.something()
    given = [call.args[0]]
    for condition, item in control.each_item(call.frame, call.args[0], call.written(0)):
        rest = [Something("the accumulator")] if call.name == "Enum.reduce" else []
        with call.frame.reading.under(condition):
            given.append(call.frame.apply(call.args[-1], [item, *rest], call.node))
    return call.frame.something(call.whole, present=True, of=given)


def _asked_one_by_one(call: Call, until: bool) -> list[tuple[Condition, Value, Value]] | None:
    """Follow a function for each item until it says so, or doesn't; return when it is asked of which, and its answers.

    None where the items aren't known.
    """
    found: list[tuple[Condition, Value, Value]] = []
    goes_on: Condition = ALWAYS
    for condition, item in control.each_item(call.frame, call.args[0], call.written(0)):
        with call.frame.reading.under(condition, goes_on):
            answer = call.frame.apply(call.args[-1], [item], call.node) if len(call.args) > 1 else item
        if condition != ALWAYS:
            return None
        found.append((goes_on, item, answer))
        goes_on = every((goes_on, falsy(answer) if until else truthy(answer)))
    return found


def _all(call: Call) -> Value:
    asked = _asked_one_by_one(call, until=False) if call.args else None
    return call.something() if asked is None else Truth(every(truthy(answer) for _, _, answer in asked))


def _any(call: Call) -> Value:
    asked = _asked_one_by_one(call, until=True) if call.args else None
    return call.something() if asked is None else Truth(either(truthy(answer) for _, _, answer in asked))


def _find(call: Call) -> Value:
    asked = _asked_one_by_one(call, until=True) if len(call.args) > 1 else None
    if asked is None:
        return call.something()
    cases = [
        (every((reached, truthy(answer))), answer if call.name == "Enum.find_value" else item)
        for reached, item, answer in asked
    ]
    otherwise = call.args[1] if len(call.args) > 2 else NIL
    none = every(falsy(answer) for _, _, answer in asked)
    return choice([*cases, (none, otherwise)], call.frame.text(call.whole))


_EACH = ("each", "filter", "flat_map", "map", "map_join", "reduce", "reject")
FUNCTIONS: dict[str, Callable[[Call], Value]] = {
    "Enum.member?": _member,
    **{f"Enum.{name}": _each for name in _EACH},
    "Enum.all?": _all,
    "Enum.any?": _any,
    "Enum.find": _find,
    "Enum.find_value": _find,
}
