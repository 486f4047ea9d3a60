"""A container's log in the engine's framing, shown as it grows."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from relbuild.engine.replay import Replay, streams

PIECES = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=300)), max_size=8)


def framed(pieces: list[tuple[int, bytes]]) -> bytes:
    return b"".join(bytes((stream, 0, 0, 0)) + len(piece).to_bytes(4) + piece for stream, piece in pieces)


def joined(pieces: list[tuple[int, bytes]], of: int) -> bytes:
    return b"".join(piece for stream, piece in pieces if stream == of)


@given(PIECES)
def test_the_streams_are_told_apart(pieces: list[tuple[int, bytes]]) -> None:
    assert streams(framed(pieces)) == {1: joined(pieces, 1), 2: joined(pieces, 2)}


@given(PIECES, st.integers(0, 8))
def test_what_was_shown_is_not_shown_again(pieces: list[tuple[int, bytes]], first: int) -> None:
    replay = Replay(keep=True)
    # Nothing goes to this process's own stderr: only stdout's part counts here.
    mine = [piece for piece in pieces if piece[0] == 1]
    for log in (framed(mine[:first]), framed(mine), framed(mine)):
        replay.show(log)
    assert replay.stdout == joined(mine, 1)


def test_each_stream_goes_to_its_own(capfdbinary: Any) -> None:
    replay = Replay(keep=False)
    replay.show(framed([(1, b"one\n"), (2, b"warn\xff\n")]))
    replay.show(framed([(1, b"one\n"), (2, b"warn\xff\n"), (1, b"two\n")]))
    assert capfdbinary.readouterr() == (b"one\ntwo\n", b"warn\xff\n")
