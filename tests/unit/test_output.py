"""What is printed where: annotations for GitHub, and tables within the width of the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from relbuild import output
from relbuild.errors import CommandFailed, Mark, Problem
from relbuild.result import TextTable


@pytest.fixture
def workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_has_a_place_is_annotated_on_github(workspace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problems = [
        Problem("100% wrong:\nhere", Mark("lib/a,b:c.ex", 3, 5), "mend it"),
        Problem("placeless"),
        Problem("in a generated Dockerfile", Mark("/nowhere/Dockerfile", 3)),
        *[Problem("more", Mark("lib/x.ex", line)) for line in range(20)],
    ]
    output.show_error("image", CommandFailed.of(problems), as_json=True, directory="shop")
    err = capsys.readouterr().err.splitlines()
    assert err[0] == "::error file=shop/lib/a%2Cb%3Ac.ex,line=3,col=5,title=relbuild::100%25 wrong:%0Ahere%0Amend it"
    assert len(err) == 8
    assert err[1] == "::error file=shop/lib/x.ex,line=0,col=1,title=relbuild::more"


def test_elsewhere_nothing_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    output.show_error("image", CommandFailed("no", at=Mark("a.ex", 3)), as_json=False)
    assert capsys.readouterr().err == "error: a.ex:3:1: no\n"


TABLE = TextTable(
    (("web", "registry.example.com/shop:1.2.0", "", "running"), ("worker", "shop:1", "", "exited (1) 2 minutes ago")),
    header=("NAME", "IMAGE", "VERSION", "STATUS"),
)


def test_a_table_is_as_wide_as_its_cells() -> None:
    assert output.laid_out(TABLE, None) == (
        "NAME    IMAGE                            STATUS\n"
        "web     registry.example.com/shop:1.2.0  running\n"
        "worker  shop:1                           exited (1) 2 minutes ago"
    )


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_table_keeps_within_the_width(width: int) -> None:
    text = output.laid_out((TABLE, "", TextTable((("a [b] " * 40,),), indent=2)), width)
    assert max(map(len, text.splitlines())) <= width
    letters = "".join(text.split())
    for row in TABLE.rows:
        assert set("".join(row).replace(" ", "")) <= set(letters)
    assert text.count("[b]") == 40


def test_tables_of_as_many_columns_are_aligned() -> None:
    tables = TextTable((("a", "1"),), indent=2), "", TextTable((("longer", "2"),), indent=2)
    assert output.laid_out(tables, None) == "  a       1\n\n  longer  2"


def test_numbers_are_aligned_to_the_right() -> None:
    assert output.laid_out(TextTable((("1.0 MB", "a"), ("12 kB", "b")), right=(0,)), 80) == "1.0 MB  a\n 12 kB  b"


def test_an_empty_table_is_nothing() -> None:
    assert output.laid_out(TextTable(()), 80) == ""
