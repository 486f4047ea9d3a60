"""A log that grows is shown once."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from relbuild.engine.streams import Replay


@given(st.binary(max_size=300), st.integers(0, 300))
def test_shown_output_is_not_repeated(log: bytes, first: int) -> None:
    replay = Replay(keep=True)
    for part in (log[:first], log, log):
        replay.show(part, b"")
    assert replay.stdout == log


def test_each_stream_goes_to_its_own(capfdbinary: Any) -> None:
    replay = Replay(keep=False)
    replay.show(b"one\n", b"warn\xff\n")
    replay.show(b"one\ntwo\n", b"warn\xff\n")
    assert capfdbinary.readouterr() == (b"one\ntwo\n", b"warn\xff\n")
