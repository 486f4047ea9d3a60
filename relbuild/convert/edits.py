"""Changes of a text by its bytes, as the places of a syntax tree are."""

from __future__ import annotations

from collections.abc import Iterable

from relbuild.values import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """The bytes from `start` to before `end` become `text`; where both are the same it is put in there."""

    start: int
    end: int
    text: str = ""


def applied(content: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the content with the edits, whose places are those of the content as it is; none overlaps another."""
    result, at = [], 0
    for edit in sorted(edits):
        assert at <= edit.start <= edit.end, "edits overlap"
        result += [content[at : edit.start], edit.text.encode()]
        at = edit.end
    return b"".join((*result, content[at:]))
