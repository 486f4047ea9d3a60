"""Cookies in a shell script: which lines hold one as it is, and not by the name of a variable."""

from __future__ import annotations

import re

_ELSEWHERE = r"""(?:""|''|"?\$(?:\w+|\{\w+\}|\(cat [^()`\n]*\))"?)?(?=[\s;&|)]|$)"""
_NAME = r"\w*COOKIE|(?:ERL|ERLANG|NODE|RELEASE)_?COOKIE\w*"
_HELD = re.compile(
    rf"(?:\b(?:{_NAME})=|-setcookie['\"]?\s+)(?!{_ELSEWHERE})"
    r"|\$\{\w*COOKIE\w*:?[-=+](?![$}])"
    r"|-setcookie\s*\\?$"
    r"|\b(?:echo|printf)\b.*\.erlang\.cookie",
    re.IGNORECASE,
)
_ALONE = re.compile(
    rf"\s*(?:export\s+)?(?:{_NAME})=(?:\"[^\"$`\\]*\"|'[^']*'|[^\s;&|<>()\"'`$\\]+)\s*(?:;\s*)?(?:\s#.*)?",
    re.IGNORECASE,
)


def held(line: str) -> bool:
    """Say whether a line, or comment, holds a cookie."""
    return _HELD.search(line) is not None


def alone(line: str) -> bool:
    """Say whether a line that holds a cookie does nothing but set it."""
    return _ALONE.fullmatch(line) is not None
