"""Lines of `config` calls, laid out as `mix format` leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from relbuild.values import dataclass

# mix format's 98 columns, less the indentation of a condition that the lines may be put into.
WIDTH = 96
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Item:
    """An element of a list, a tuple or a map: the comments above it, its key as written and its value."""

    value: Value
    key: str = ""
    above: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What stands before the value on its line."""
        return f"{self.key} " if self.key else ""


@dataclass(frozen=True, slots=True)
class Box:
    """A list, a tuple or a map; `broken` where it was written over several lines, which `mix format` keeps."""

    opening: str
    items: tuple[Item, ...]
    closing: str
    broken: bool = False
    below: tuple[str, ...] = ()


# A text with line breaks is a heredoc, whose lines are indented alike.
Value: TypeAlias = Box | str


def flat(value: Value) -> str | None:
    """Return the value on one line; None where it takes several."""
    if isinstance(value, str):
        return None if "\n" in value else value
    if value.broken or value.below or any(item.above for item in value.items):
        return None
    inside = [(item.prefix, flat(item.value)) for item in value.items]
    if any(text is None for _, text in inside):
        return None
    return value.opening + ", ".join(f"{prefix}{text}" for prefix, text in inside) + value.closing


def lines(head: str, items: Sequence[Item]) -> list[str]:
    """Return a call with its last arguments: keyword pairs, or one value without a key."""
    first = items[0]
    whole = flat(first.value)
    one = f"{head}, {first.prefix}{whole}"
    if len(items) == 1 and not first.above:
        if whole is not None and len(one) <= WIDTH:
            return [one]
        if not first.key and (isinstance(first.value, Box) or whole is None):
            return _broken(f"{head}, ", first.value, 0, "")
    return [f"{head},", *_items(items, 1)]


def _items(items: Sequence[Item], depth: int) -> list[str]:
    found = []
    for number, item in enumerate(items, 1):
        found += [f"{_INDENT * depth}{comment}" for comment in item.above]
        found += _item(item, depth, "," if number < len(items) else "")
    return found


def _item(item: Item, depth: int, after: str) -> list[str]:
    text, indent = flat(item.value), _INDENT * depth
    if text is not None:
        one = f"{indent}{item.prefix}{text}{after}"
        if len(one) <= WIDTH:
            return [one]
        if isinstance(item.value, str):
            return [f"{indent}{item.key}", f"{indent}{_INDENT}{text}{after}"] if item.key else [one]
    return _broken(item.prefix, item.value, depth, after)


def _broken(before: str, value: Value, depth: int, after: str) -> list[str]:
    indent = _INDENT * depth
    if isinstance(value, str):
        first, *rest = value.split("\n")
        return [f"{indent}{before}{first}", *(f"{indent}{line}" if line else "" for line in rest[:-1]),
                f"{indent}{rest[-1]}{after}"]  # fmt: skip
    below = [f"{indent}{_INDENT}{comment}" for comment in value.below]
    inside = [*_items(value.items, depth + 1), *below]
    return [f"{indent}{before}{value.opening}", *inside, f"{indent}{value.closing}{after}"]
