"""Env files: what they say, what is wrong with them, and that what is written is read back."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relbuild.errors import Mark, Problem, UsageError
from relbuild.release.envfile import MAX_BYTES, Entry, parse, render


def read(text: str | bytes) -> dict[str, str | None]:
    content = text.encode() if isinstance(text, str) else text
    return {entry.name: entry.value for entry in parse(".env", content)}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("A=", {"A": ""}),
        ("A", {"A": None}),
        ("A # why", {"A": None}),
        ("export A=1", {"A": "1"}),
        ("export\tA = 1", {"A": "1"}),
        ("  A=1  ", {"A": "1"}),
        ("export=1", {"export": "1"}),
        ("# A=1", {}),
        ("   # A=1", {}),
        ("", {}),
        ("A=postgres://u:p#w@h/db?ssl=true", {"A": "postgres://u:p#w@h/db?ssl=true"}),
        ("A=two words", {"A": "two words"}),
        ("A=1 # one", {"A": "1"}),
        ("A= # none", {"A": ""}),
        ("A=#1", {"A": "#1"}),
        ("A=it's", {"A": "it's"}),
        ("A=a\\nb", {"A": "a\\nb"}),
        ("A=$HOME ${X}", {"A": "$HOME ${X}"}),
        ("A='a # b'", {"A": "a # b"}),
        ("A='a\\n$b\"' # c", {"A": 'a\\n$b"'}),
        ('A=" a "', {"A": " a "}),
        ('A="a\\n\\r\\t\\\\\\"\\$\\d"', {"A": 'a\n\r\t\\"$\\d'}),
        ('A="one\ntwo"\nB=2', {"A": "one\ntwo", "B": "2"}),
        ("A='one\ntwo' # and\nB=2", {"A": "one\ntwo", "B": "2"}),
        ('A=""', {"A": ""}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=1\n\n\n#\nB=é", {"A": "1", "B": "é"}),
        ("A-b.c_D=1", {"A-b.c_D": "1"}),
        ('A="{\\"a\\": 1}"', {"A": '{"a": 1}'}),
    ],
)
def test_what_a_line_says(line: str, expected: dict[str, str | None]) -> None:
    assert read(line) == expected


def test_a_file_from_windows() -> None:
    content = b'\xef\xbb\xbf# Notepad\r\nA=1\r\nB="one\r\ntwo"\r\n\r\nC=x # y\r\n'
    assert parse(".env", content) == (
        Entry("A", "1", Mark(".env", 2, 1)),
        Entry("B", "one\ntwo", Mark(".env", 3, 1)),
        Entry("C", "x", Mark(".env", 6, 1)),
    )


@pytest.mark.parametrize(
    ("content", "problems"),
    [
        (b"A=1\n=2\n", [("there is no name before the =", 2, 1)]),
        (b"A B=1\n  1A=2\nC=3", [("'A B' is no name", 1, 1), ("'1A' is no name", 2, 3)]),
        (b"A: 1", [("'A: 1' is no name", 1, 1)]),
        (b'A=1\nB="open\nC=3\nD E\n', [("the value's \" has no closing one", 2, 3)]),
        (b"B='it''s'", [("something follows the closing '", 1, 7)]),
        (
            b'B="a"b\nC="a" #\nD="a" b',
            [('something follows the closing "', 1, 6), ('something follows the closing "', 3, 7)],
        ),
        (b"A=1\nB=\xff", [(".env: is not UTF-8", 2, 3)]),
        ("A=é\nÄ=\0".encode(), [(".env: has a NUL character", 2, 3)]),
        ("A=1".encode("utf-16"), [(".env: is UTF-16, not UTF-8", 1, 1)]),
        (b"#" * (MAX_BYTES + 1), [(".env: larger than 1000 kB", 1, 1)]),
    ],
)
def test_what_is_wrong_is_told_at_its_place(content: bytes, problems: list[tuple[str, int, int]]) -> None:
    with pytest.raises(UsageError) as raised:
        parse(".env", content)
    told = [Problem(each.message, each.at) for each in raised.value.problems]
    assert told == [Problem(message, Mark(".env", line, column)) for message, line, column in problems]
    assert all(each.hint for each in raised.value.problems)


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30) | st.text(
    "\"'\\\n\r\t #$nr=a", max_size=12
)


@given(st.dictionaries(NAMES, VALUES, max_size=6))
@example({"A": "\r\n", "B": "\\n", "C": "\\\\\n", "D": " \t", "E": "\ufeff", "F": "#"})
def test_what_is_written_is_read_back(values: dict[str, str]) -> None:
    assert read(render(values)) == values
    assert read(render(values).replace("\n", "\r\n")) == values


@given(st.binary(max_size=200) | st.text("AB=\"'\\\n\r# \t$", max_size=60).map(str.encode))
def test_garbage_gives_variables_or_places(content: bytes) -> None:
    try:
        entries = parse(".env", content)
    except UsageError as error:
        places = [problem.at for problem in error.problems]
    else:
        places = [entry.at for entry in entries]
        assert all(entry.value is None or "\0" not in entry.value for entry in entries)
    lines = content.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    for at in places:
        assert at is not None
        assert 1 <= at.column <= len(lines[at.line - 1]) + 1
    assert places == sorted(place for place in places if place)
