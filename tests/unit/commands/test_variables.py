"""The variables of a container, in no argv, and what it lacks of its image's contract."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from relbuild.commands.release_image import ReleaseImage
from relbuild.commands.variables import given_environment, require_variables
from relbuild.engine.facts import ImageFacts
from relbuild.errors import CommandFailed, Mark, UsageError
from relbuild.image import labels
from relbuild.mix.environment import Contract, Requirement, Variable, to_label
from relbuild.mix.environment.conditions import ALWAYS, Condition, OneOf, missing


def test_no_value_is_in_an_argv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "own")
    monkeypatch.setenv("REGION", "own")
    file = tmp_path / ".env"
    file.write_text("DATABASE_URL='postgres://u:p@db/shop'\nTOKEN\nREGION=eu\nABSENT\nKEY=\"a\nb\"\n")
    given = given_environment(["KEY2=x=y", "REGION"], [str(file)], "net")
    assert shlex.join(given.run_options(["--label", "a=b"]).argv) == (
        "--env DATABASE_URL --env TOKEN --env REGION --env KEY --env KEY2 --network net --label a=b"
    )
    assert given.values == {"DATABASE_URL": "postgres://u:p@db/shop", "KEY": "a\nb", "KEY2": "x=y"}
    assert given.variables == {**given.values, "TOKEN": "own", "REGION": "own"}


def test_an_option_comes_after_the_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("A=1\nB=1\n")
    (tmp_path / "b").write_text("B=2\nC=2\n")
    given = given_environment(["C=3"], [str(tmp_path / "a"), str(tmp_path / "b")])
    assert given.values == {"A": "1", "B": "2", "C": "3"}


def test_variables_that_the_docker_client_reads_are_not_in_its_environment() -> None:
    given = given_environment(["DOCKER_HOST=tcp://build:2375", "PATH=/opt/bin:/bin", "A=1"])
    assert given.run_options().argv == (
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
def test_faulty_options(env: list[str], files: list[str], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        given_environment(env, files)
    assert str(raised.value) == message


AT = Mark("config/runtime.exs", 7)


def variable(name: str, when: Condition = ALWAYS, message: str | None = None) -> Variable:
    return Variable(name, AT, requirements=(Requirement(missing(name), when, AT, message),))


CONTRACT = Contract(
    (
        variable("URL", message="set URL,\nplease"),
        variable("KEY", OneOf("RELEASE_COMMAND", frozenset({"start"}))),
        variable("LANG"),
    )
)


def image(label: str | None) -> ReleaseImage:
    said = {} if label is None else {labels.ENVIRONMENT: label}
    return ReleaseImage("shop:1", "shop", "/app", ImageFacts("sha256:1", (), (), said, 0, env={"LANG": "C"}))


IMAGE = image(to_label(CONTRACT))


def test_everything_that_is_missing_is_reported_at_once() -> None:
    with pytest.raises(CommandFailed) as raised:
        require_variables(IMAGE, given_environment(), "start")
    assert [(each.message, each.hint) for each in raised.value.problems] == [
        ("URL is not set (config/runtime.exs:7)", "set URL,\nplease"),
        (
            'KEY is not set; it is needed when RELEASE_COMMAND is "start" (config/runtime.exs:7)',
            "give it by --env or --env-file; --no-env-check starts without it",
        ),
    ]


@pytest.mark.parametrize("options", [("-e", "KEY=1"), ("--env", "KEY=1"), ("--env=KEY=1",), ("-eKEY=1",)])
def test_given_variables_count(options: tuple[str, ...]) -> None:
    require_variables(IMAGE, given_environment(["URL=x"]), "eval")
    require_variables(IMAGE, given_environment(["URL=x"]), "start", ("--label", "a=b", *options))
    require_variables(IMAGE, given_environment(["URL=x", "KEY="]), "start")


def test_what_is_unknown_is_not_required() -> None:
    require_variables(IMAGE, given_environment(), "start", ("--env-file", "other"))
    require_variables(image(None), given_environment(), "start")
    require_variables(image('{"version":99}'), given_environment(), "start")


def test_the_check_can_be_turned_off() -> None:
    require_variables(IMAGE, given_environment(checked=False), "start")
