"""What mix.lock pins, in every form that Hex and Mix have written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.errors import Mark, Problem, ProjectError
from relbuild.mix.lock import Locked, Needed, read_lock


def test_every_form_of_an_entry() -> None:
    content = b"""%{
  "acme": {:hex, :acme_auth, "2.1.0", "aa", [:mix, :rebar3],
    [{:b, "~> 1.0", [hex: :b, optional: true]}, {:c, nil}], "hexpm:acme", "bb"},
  old: {:hex, :old, "1.0.0"},
  "ui": {:git, "git@github.com:acme/ui.git", "0a1b", [tag: "v1"]},
  "later": {:oci, "something"},
}
"""
    assert dict(read_lock("mix.lock", content)) == {
        "acme": Locked(
            "acme",
            Mark("mix.lock", 2, 3),
            "hex",
            "acme_auth",
            "2.1.0",
            "hexpm:acme",
            ("mix", "rebar3"),
            (Needed("b", True), Needed("c", False)),
        ),
        "old": Locked(
            "old", Mark("mix.lock", 4, 3), "hex", "old", "1.0.0", "hexpm", deps=None, checked=False, free=True
        ),
        "ui": Locked(
            "ui",
            Mark("mix.lock", 5, 3),
            "git",
            "ui",
            git="git@github.com:acme/ui.git",
            commit="0a1b",
            asked={"tag": "v1"},
        ),
        "later": Locked("later", Mark("mix.lock", 6, 3), "unknown", "later"),
    }


@pytest.mark.parametrize(
    ("entry", "checksum"),
    [
        ('"1.0.0", "INNER", [:mix], [], "hexpm", "OUTER"', "b" * 64),
        ('"1.0.0", "INNER", [:mix], [], "hexpm"', None),
        ('"1.0.0", "INNER", [:mix], []', None),
        ('"1.0.0", "INNER"', None),
        ('"1.0.0"', None),
        ('"1.0.0", nil, nil, [], "hexpm", "no checksum"', None),
    ],
)
def test_only_the_archives_own_checksum_is_one(entry: str, checksum: str | None) -> None:
    written = entry.replace("INNER", "a" * 64).replace("OUTER", "B" * 64)
    assert read_lock("mix.lock", f'%{{"a": {{:hex, :a, {written}}}}}'.encode())["a"].checksum == checksum


@pytest.mark.parametrize(
    ("repo", "organization", "public"),
    [("hexpm", None, True), ("hexpm:acme", "acme", True), ("own", None, False), ("own:acme", None, False)],
)
def test_where_a_package_comes_from(repo: str, organization: str | None, public: bool) -> None:
    locked = Locked("a", Mark("mix.lock", 1), "hex", "a", "1.0.0", repo)
    assert (locked.organization, locked.public) == (organization, public)


@pytest.mark.parametrize(
    ("git", "address"),
    [
        ("https://me:secret@git.example.com/a@b.git", "https://git.example.com/a@b.git"),
        ("https://example.com/c.git", "https://example.com/c.git"),
        ("git@github.com:acme/b.git", "git@github.com:acme/b.git"),
        (None, None),
    ],
)
def test_an_address_without_its_login(git: str | None, address: str | None) -> None:
    assert Locked("a", Mark("mix.lock", 1), "git", "a", git=git).address == address


def test_keys_as_strings() -> None:
    assert [*read_lock("mix.lock", b'%{"a" => {:hex, :a, "1.0.0"}}')] == ["a"]


@pytest.mark.parametrize("content", [b"", b"\n", b"%{}", b"%{\n}\n"])
def test_nothing_is_pinned(content: bytes) -> None:
    assert read_lock("mix.lock", content) == {}


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        (
            b'%{\n<<<<<<< HEAD\n  "a": {:hex, :a, "1.0.0"},\n=======\n>>>>>>> b\n}',
            2,
            "the file has an unresolved merge conflict",
        ),
        (b"[]", 1, "should be a map"),
        (b"%{} %{}", 1, "syntax error"),
        (b'%{\n "a": {:hex\n', 1, "syntax error"),
        (b'%{\n "a": "\xff"\n}', 2, "is not UTF-8"),
    ],
)
def test_a_lock_file_that_is_none(content: bytes, line: int, message: str) -> None:
    with pytest.raises(ProjectError, match=message) as raised:
        read_lock("mix.lock", content)
    at = raised.value.problems[0].at
    assert at is not None
    assert (at.file, at.line) == ("mix.lock", line)


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)


@given(
    st.dictionaries(
        NAMES,
        st.tuples(
            st.sampled_from(["hexpm", "hexpm:acme", "own"]), st.lists(st.tuples(NAMES, st.booleans()), max_size=4)
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read(entries: dict[str, tuple[str, list[tuple[str, bool]]]]) -> None:
    lines = ["%{"]
    for app, (repo, deps) in entries.items():
        written = ", ".join(
            f'{{:{name}, "~> 1.0", [hex: :{name}, repo: "hexpm", optional: {json.dumps(optional)}]}}'
            for name, optional in deps
        )
        lines.append(f'  "{app}": {{:hex, :{app}, "1.0.0", "aa", [:mix], [{written}], "{repo}", "bb"}},')
    found = read_lock("mix.lock", "\n".join([*lines, "}"]).encode())
    assert {
        app: (each.repo, [(need.app, need.optional) for need in each.deps]) for app, each in found.items()
    } == entries


@given(st.binary(max_size=200))
def test_garbage_is_told_with_its_place(content: bytes) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        read_lock("mix.lock", content)
    except ProjectError as error:
        problems = error.problems
    assert all(problem.at is not None for problem in problems)
