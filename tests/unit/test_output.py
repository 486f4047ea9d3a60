"""What is printed where: annotations for GitHub."""

from __future__ import annotations

from pathlib import Path

import pytest

from relbuild import output
from relbuild.errors import CommandFailed, Mark, Problem


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
