"""Erlang's terms, as the files of a release have them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.release import terms
from relbuild.release.terms import Atom, NotATerm


def test_a_rel_file() -> None:
    text = '%% coding: utf-8\n{release,{"shop","0.1.0"},\n {erts,"15.2.7"},\n [{kernel,"10.2",permanent}]}.\n'
    assert terms.parse(text) == (
        Atom("release"),
        ("shop", "0.1.0"),
        (Atom("erts"), "15.2.7"),
        [(Atom("kernel"), "10.2", Atom("permanent"))],
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[].", []),
        ("{}.", ()),
        ("'Elixir.Shop'.", Atom("Elixir.Shop")),
        (r"'it\'s'.", Atom("it's")),
        ('"a" "b" % joined\n "c".', "abc"),
        (r'"\x{263A}\t\101\"".', '☺\tA"'),
        ("[1,-2,16#ff,1_000,2.5,1.0e3].", [1, -2, 255, 1000, 2.5, 1000.0]),
        (r"[$a,$\n,$\\].", [97, 10, 92]),
        ('<<"ab",10,"c"/utf8>>.', b"ab\nc"),
        ("<<>>.", b""),
        ("#{a => 1,{b} => [c]}.", [(Atom("a"), 1), ((Atom("b"),), [Atom("c")])]),
        ("#{}.", []),
        ("[a|[b]].", [Atom("a"), Atom("b")]),
    ],
)
def test_terms(text: str, value: Any) -> None:
    assert terms.parse(text) == value


@pytest.mark.parametrize(
    "text", ["", "a", "{a", "[a,].", "{,}.", "#{a}.", "<<a>>.", "Var.", "fun() -> 1 end.", "1#0.", "\\", "\x00."]
)
def test_what_is_no_term(text: str) -> None:
    with pytest.raises(NotATerm):
        terms.parse(text)


def test_nothing_is_nested_so_deeply() -> None:
    with pytest.raises(NotATerm):
        terms.parse("[" * 100_000)


ATOMS = st.builds(Atom, st.text(st.characters(exclude_categories=("Cs",)), max_size=5))
LEAVES = ATOMS | st.integers() | st.text(st.characters(exclude_categories=("Cs",)), max_size=8) | st.binary(max_size=5)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple), max_leaves=20
)


def written(value: Any) -> str:
    """Return a value as Erlang writes it."""
    if isinstance(value, Atom):
        return f"'{escaped(value.name, chr(39))}'"
    if isinstance(value, str):
        return f'"{escaped(value, chr(34))}"'
    if isinstance(value, bytes):
        return f"<<{','.join(map(str, value))}>>"
    if isinstance(value, int):
        return str(value)
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}{', '.join(map(written, value))}{closing}"


def escaped(text: str, quote: str) -> str:
    return text.replace("\\", "\\\\").replace(quote, f"\\{quote}")


@given(VALUES)
def test_what_is_written_is_read(value: Any) -> None:
    assert terms.parse(f"{written(value)} .") == value


@given(st.text(max_size=60) | st.text("{}[]<>,.|#=>$'\"\\%a1 ", max_size=40))
def test_whatever_is_no_term_is_refused_as_such(text: str) -> None:
    try:
        terms.parse(text)
    except NotATerm:
        return
