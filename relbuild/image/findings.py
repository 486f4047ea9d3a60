"""What the checks of an image, and doctor, report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from relbuild.result import TextTable


def format_size(size: int | None) -> str:
    """Return a size in bytes as people read it, in powers of ten as registries count; empty where it isn't known."""
    if size is None:
        return ""
    if abs(size) >= 100_000:
        return f"{size / 1e6:.1f} MB"
    return f"{size / 1e3:.1f} kB" if abs(size) >= 1000 else f"{size} B"


def change(size: int) -> str:
    """Return a difference in bytes with its sign."""
    return f"+{format_size(size)}" if size > 0 else f"-{format_size(-size)}" if size < 0 else "0 B"


Status = Literal["ok", "note", "warning", "failed"]
# An image that grew by more than this factor and this many bytes contains something that nobody meant to ship.
GROWTH, GROWTH_BYTES = 1.25, 20_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; ``hint`` is what to do about it."""

    check: str
    status: Status
    message: str
    hint: str | None = None


def table(findings: Iterable[Finding]) -> TextTable:
    """Return the findings for people: each with its hint below it, unless it is ok."""
    rows: list[tuple[str, ...]] = []
    for each in findings:
        first, *rest = each.message.splitlines() or [""]
        hint = each.hint.splitlines() if each.hint is not None and each.status != "ok" else []
        rows += [(each.status, each.check, first), *(("", "", line) for line in (*rest, *hint))]
    return TextTable(tuple(rows))


def size(size: int, previous: tuple[str, int] | None, *, compressed: bool) -> Finding:
    """Return how an image's size in bytes compares with that of the previous image, given by name and size.

    ``compressed`` says which size it is: containerd's image store has the compressed one.
    """
    own = f"{format_size(size)} {'compressed' if compressed else 'uncompressed'}"
    if previous is None:
        return Finding("size", "note", own)
    name, before = previous
    more = size - before
    change = f"{format_size(abs(more))} {'more' if more > 0 else 'less'} than {name}" if more else f"the same as {name}"
    if more > GROWTH_BYTES and size > before * GROWTH:
        return Finding("size", "warning", f"{own}, {change}", "relbuild inspect --against shows what grew")
    return Finding("size", "note", f"{own}, {change}")
