"""Conditions as JSON takes them."""

from __future__ import annotations

from typing import Any

from relbuild.mix.environment.conditions import Among, Condition, Either, Every, Opaque, either, every


def to_data(condition: Condition) -> Any:
    """Return the condition as JSON takes it."""
    match condition:
        case Among(variable, values, inside):
            ordered = sorted(values, key=lambda value: (value is not None, value or ""))
            return {"variable": variable, "in" if inside else "not_in": ordered}
        case Opaque(text, negated):
            return {"not" if negated else "text": text}
        case Every(parts):
            return {"every": [to_data(part) for part in parts]}
        case Either(parts):
            return {"either": [to_data(part) for part in parts]}


def from_data(data: Any) -> Condition:
    """Return the condition that `to_data` made this of; what isn't understood is left open."""
    match data:
        case {"variable": str(variable), "in": list(values)} if _values(values):
            return Among(variable, frozenset(values))
        case {"variable": str(variable), "not_in": list(values)} if _values(values):
            return Among(variable, frozenset(values), inside=False)
        case {"text": str(text)}:
            return Opaque(text)
        case {"not": str(text)}:
            return Opaque(text, negated=True)
        case {"every": list(parts)}:
            return every(map(from_data, parts))
        case {"either": list(parts)}:
            return either(map(from_data, parts))
    return Opaque("something this relbuild doesn't know")


def _values(values: list[Any]) -> bool:
    return all(value is None or isinstance(value, str) for value in values)
