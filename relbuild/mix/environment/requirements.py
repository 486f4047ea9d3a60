"""What a failing condition requires: which variable, when, and what of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from relbuild.errors import Mark
from relbuild.mix.environment.conditions import (
    ALWAYS,
    EMPTY,
    NEVER,
    Among,
    Condition,
    Either,
    Every,
    Opaque,
    every,
    given,
    missing,
)
from relbuild.mix.environment.contract import Requirement
from relbuild.mix.environment.coverage import certain


def needed(condition: Condition) -> Iterator[tuple[Among, Condition]]:
    """Yield each variable whose absence makes the condition hold, with what else has to hold for that."""
    match condition:
        case Opaque(sees=names):
            yield from ((missing(name), condition) for name in sorted(names))
        case Among() if condition.holds(None):
            yield condition, ALWAYS
        case Every(parts):
            found = [part for part in parts if isinstance(part, Among) and part.holds(None)]
            # Of "X is not set and Y isn't 1" the first is what is asked for.
            found.sort(key=lambda test: not (test.inside and test.values <= EMPTY))
            # "X is not set" is a reason; "X is not this" beside something that isn't known is hardly one.
            unclear = any(isinstance(part, Opaque) for part in parts)
            for test in found:
                if test.inside or not unclear:
                    yield test, every(part for part in parts if part != test)
                    return
            for part in parts:
                if isinstance(part, Opaque) and part.sees:
                    yield from ((test, condition) for test, _ in needed(part))
                    return
        case Either(parts):
            for part in parts:
                yield from needed(part)


def requirement(test: Among, when: Condition, at: Mark, message: str | None) -> Requirement | None:
    """Return the requirement, all that is asked of its own variable in one test; None when absence does no harm."""
    around = when.parts if isinstance(when, Every) else (when,)
    own = [part for part in around if isinstance(part, Among) and part.variable == test.variable]
    joined = every((test, *own))
    fails = joined if isinstance(joined, Among) else test
    rest = every(part for part in around if part not in own)
    lacking = given(rest, test.variable, None)
    if joined == NEVER or not fails.holds(None) or lacking == NEVER:
        return None
    return Requirement(fails if lacking == rest else missing(test.variable), lacking, at, message)


def together(requirements: tuple[Requirement, ...]) -> tuple[Requirement, ...]:
    """Return the requirements of a variable; where one of them always holds, so does what they have in common."""
    if any(each.unconditional for each in requirements) or not certain(each.when for each in requirements):
        return requirements
    fails = every(each.fails for each in requirements)
    if not isinstance(fails, Among):
        return requirements
    common = replace(next((each for each in requirements if each.message), requirements[0]), fails=fails, when=ALWAYS)
    rest = (each for each in requirements if each.fails != fails or each.message not in (None, common.message))
    return (common, *rest)
