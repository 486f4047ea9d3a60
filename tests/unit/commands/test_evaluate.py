"""Scripts of any length, as an argument or ahead of stdin."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.commands.evaluate import LONGEST, as_argument
from relbuild.errors import UsageError


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1))
def test_a_short_script_is_the_expression(script: str) -> None:
    if script.strip():
        assert as_argument(script, "EXPR") == (script, b"")


@pytest.mark.parametrize("letter", ["x", "é", "商"])
def test_a_long_one_goes_ahead_of_stdin_on_one_line(letter: str) -> None:
    """Counted in bytes: the kernel takes no argument of 128 KiB."""
    script = letter * LONGEST + "\n"
    loader, feed = as_argument(script, "f.exs")
    assert len(loader) < 200
    assert (feed.count(b"\n"), feed[-1:], base64.b64decode(feed).decode()) == (1, b"\n", script)


@pytest.mark.parametrize("script", ["", " \n\t"])
def test_nothing_is_no_expression(script: str) -> None:
    with pytest.raises(UsageError, match="there is nothing to evaluate in stdin"):
        as_argument(script, "stdin")
