"""Secrets taken out of what is printed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

# A shorter value is no secret, and hiding it would hide half of every line.
SHORTEST = 4
HIDDEN = "***"


def mask(values: Iterable[str]) -> Callable[[str], str]:
    """Return what replaces the secrets, and each line of one that has several, in a line of text."""
    parts = {part.strip() for value in values for part in (value, *value.splitlines())}
    # The longest first: of two secrets one may begin with the other.
    words = sorted((part for part in parts if len(part) >= SHORTEST), key=len, reverse=True)
    if not words:
        return str
    pattern = re.compile("|".join(map(re.escape, words)))
    return lambda text: pattern.sub(HIDDEN, text)
