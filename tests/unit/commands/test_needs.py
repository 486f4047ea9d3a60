"""What a container is to be given is told before it starts."""

from __future__ import annotations

import pytest

from relbuild.commands.around import around
from relbuild.commands.needs import require
from relbuild.commands.place import ReleaseImage
from relbuild.engine.facts import ImageFacts
from relbuild.errors import CommandFailed, Mark
from relbuild.image import labels
from relbuild.mix.environment import Contract, Requirement, Variable, to_label
from relbuild.mix.environment.conditions import ALWAYS, Among, Condition, missing

AT = Mark("config/runtime.exs", 7)


def variable(name: str, when: Condition = ALWAYS, message: str | None = None) -> Variable:
    return Variable(name, AT, requirements=(Requirement(missing(name), when, AT, message),))


CONTRACT = Contract(
    (
        variable("URL", message="set URL,\nplease"),
        variable("KEY", Among("RELEASE_COMMAND", frozenset({"start"}))),
        variable("LANG"),
    )
)


def image(label: str | None) -> ReleaseImage:
    said = {} if label is None else {labels.ENVIRONMENT: label}
    return ReleaseImage("shop:1", "shop", "/app", ImageFacts("sha256:1", (), (), said, 0, env={"LANG": "C"}))


IMAGE = image(to_label(CONTRACT))


def test_all_that_is_missing_is_told_at_once() -> None:
    with pytest.raises(CommandFailed) as raised:
        require(IMAGE, around(), "start")
    assert [(each.message, each.hint) for each in raised.value.problems] == [
        ("URL is not set (config/runtime.exs:7)", "set URL,\nplease"),
        (
            'KEY is not set; it is needed when RELEASE_COMMAND is "start" (config/runtime.exs:7)',
            "give it by --env or --env-file; --no-env-check starts without it",
        ),
    ]


@pytest.mark.parametrize("options", [("-e", "KEY=1"), ("--env", "KEY=1"), ("--env=KEY=1",), ("-eKEY=1",)])
def test_what_it_gets_counts(options: tuple[str, ...]) -> None:
    require(IMAGE, around(["URL=x"]), "eval")
    require(IMAGE, around(["URL=x"]), "start", ("--label", "a=b", *options))
    require(IMAGE, around(["URL=x", "KEY="]), "start")


def test_what_is_not_known_is_not_demanded() -> None:
    require(IMAGE, around(), "start", ("--env-file", "other"))
    require(image(None), around(), "start")
    require(image('{"version":99}'), around(), "start")


def test_the_check_can_be_gone_past() -> None:
    require(IMAGE, around(checked=False), "start")
