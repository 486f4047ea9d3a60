"""Whether conditions leave no case out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from relbuild.mix.environment.conditions import Among, Condition, Every, Opaque, leaves

# More cases than this are not gone through.
MAX_CASES = 4096

# A value for each variable, and whether what is asked is so; what is asked is known by its words and what it is of.
_Question = tuple[str, int]
_Case = Mapping[str | _Question, str | bool | None]


def certain(conditions: Iterable[Condition]) -> bool:
    """Say whether at least one of them holds whatever is set, and whatever only the running system knows is."""
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
    if isinstance(condition, Among):
        value = case[condition.variable]
        return condition.holds(value if isinstance(value, str) else None)
    if isinstance(condition, Opaque):
        return case[_question(condition)] is not condition.negated
    each = (_holds(part, case) for part in condition.parts)
    return all(each) if isinstance(condition, Every) else any(each)
