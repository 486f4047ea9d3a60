"""What a container is given: values reach docker by its environment, in no argv."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from relbuild.commands.around import around
from relbuild.errors import UsageError


def test_values_stand_in_no_argv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "own")
    monkeypatch.setenv("REGION", "own")
    file = tmp_path / ".env"
    file.write_text("DATABASE_URL='postgres://u:p@db/shop'\nTOKEN\nREGION=eu\nABSENT\nKEY=\"a\nb\"\n")
    given = around(["KEY2=x=y", "REGION"], [str(file)], "net")
    assert shlex.join(given.surroundings(["--label", "a=b"]).argv) == (
        "--env DATABASE_URL --env TOKEN --env REGION --env KEY --env KEY2 --network net --label a=b"
    )
    assert given.values == {"DATABASE_URL": "postgres://u:p@db/shop", "KEY": "a\nb", "KEY2": "x=y"}
    assert given.variables == {**given.values, "TOKEN": "own", "REGION": "own"}


def test_an_option_comes_after_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("A=1\nB=1\n")
    (tmp_path / "b").write_text("B=2\nC=2\n")
    given = around(["C=3"], [str(tmp_path / "a"), str(tmp_path / "b")])
    assert given.values == {"A": "1", "B": "2", "C": "3"}


def test_what_the_docker_client_itself_heeds_is_kept_from_it() -> None:
    given = around(["DOCKER_HOST=tcp://build:2375", "PATH=/opt/bin:/bin", "A=1"])
    assert given.surroundings().argv == (
        *("--env", "DOCKER_HOST=tcp://build:2375", "--env", "PATH=/opt/bin:/bin"),
        *("--env", "A"),
    )
    assert given.values == {"A": "1"}


@pytest.mark.parametrize(
    ("env", "files", "message"),
    [
        (["RELBUILD_TEST_NOT_SET"], [], "--env RELBUILD_TEST_NOT_SET: it isn't set here"),
        (["=1"], [], "--env =1: it has no name"),
        ([], ["no/such/file"], "the env file no/such/file: there is no such file"),
        ([], ["."], "the env file .: is a directory"),
    ],
)
def test_what_makes_no_sense(env: list[str], files: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        around(env, files)
    assert str(raised.value) == message
