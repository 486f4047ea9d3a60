"""What mix.lock says, in each form that Hex has written."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.errors import ProjectError
from relbuild.mix import lockfile
from relbuild.mix.lockfile import GitCommit, HexPackage

INNER, OUTER = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("entry", "locked"),
    [
        (f'{{:hex, :jason, "1.4.1", "{INNER}", [:mix], [], "hexpm", "{OUTER.upper()}"}}', ("jason", "hexpm", OUTER)),
        (f'{{:hex, :jason, "1.4.1", "{INNER}", [:mix], [], "hexpm:acme", "{OUTER}"}}', ("jason", "hexpm:acme", OUTER)),
        (f'{{:hex, :jason_x, "1.4.1", "{INNER}", [:mix], [], "own", "{OUTER}"}}', ("jason_x", "own", OUTER)),
        (f'{{:hex, :jason, "1.4.1", "{INNER}", [:mix], [], "hexpm"}}', ("jason", "hexpm", None)),
        (f'{{:hex, :jason, "1.4.1", "{INNER}", [:mix], []}}', ("jason", "hexpm", None)),
        (f'{{:hex, :jason, "1.4.1", "{INNER}"}}', ("jason", "hexpm", None)),
        ('{:hex, :jason, "1.4.1"}', ("jason", "hexpm", None)),
        ('{:hex, :jason, "1.4.1", nil, nil, [], "hexpm", "no checksum"}', ("jason", "hexpm", None)),
    ],
)
def test_hex_packages(entry: str, locked: tuple[str, str, str | None]) -> None:
    name, repository, checksum = locked
    package = HexPackage("jason", name, "1.4.1", repository, checksum)
    assert lockfile.read(f'%{{\n  "jason": {entry},\n}}\n'.encode()) == {"jason": package}
    assert package.public == (repository != "own")
    assert package.organization == ("acme" if repository == "hexpm:acme" else None)


def test_git_commits_are_without_logins() -> None:
    text = """%{
      "a": {:git, "https://me:secret@git.example.com/a@b.git", "f00", [branch: "main"]},
      "b": {:git, "git@github.com:acme/b.git", "ba5", []},
      c: {:git, "https://example.com/c.git", "cafe", []},
    }"""
    assert lockfile.read(text.encode()) == {
        "a": GitCommit("a", "https://git.example.com/a@b.git", "f00"),
        "b": GitCommit("b", "git@github.com:acme/b.git", "ba5"),
        "c": GitCommit("c", "https://example.com/c.git", "cafe"),
    }


@pytest.mark.parametrize(
    "text", ["", "%{}", "%{\n}\n", "[]", '%{"a" => 1}', '%{"a": {:path, "x"}, "b": {:hex}, "c": {:git, :x, 1}}', "x()"]
)
def test_what_locks_nothing(text: str) -> None:
    assert lockfile.read(text.encode()) == {}


def test_what_is_no_elixir() -> None:
    with pytest.raises(ProjectError):
        lockfile.read(b'%{"a": {')


@given(st.binary(max_size=80) | st.text('%{}": :hex, git"ab\n', max_size=60).map(str.encode))
def test_whatever_is_written_it_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(ProjectError):
        lockfile.read(content)
