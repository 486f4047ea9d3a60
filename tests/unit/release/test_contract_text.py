"""The environment contract in words: a variable that is needed in several ways says each."""

from __future__ import annotations

from relbuild.errors import Mark
from relbuild.mix.environment import Contract, Default, Requirement, Variable
from relbuild.mix.environment.conditions import ALWAYS, OneOf, is_set, missing
from relbuild.output import laid_out
from relbuild.release.contract_text import Required, example_of


def at(line: int) -> Mark:
    return Mark("config/runtime.exs", line)


CONTRACT = Contract(
    (
        Variable(
            "KEY",
            at(1),
            requirements=(
                Requirement(missing("KEY"), ALWAYS, at(2)),
                Requirement(missing("KEY"), is_set("A"), at(3)),
                Requirement(OneOf("KEY", frozenset({None, ""})), is_set("B"), at(4), "KEY is empty"),
            ),
        ),
        Variable(
            "HOST",
            at(5),
            requirements=(
                Requirement(missing("HOST"), is_set("A"), at(10), "no HOST\nIt is a name."),
                Requirement(missing("HOST"), is_set("B"), at(11)),
            ),
        ),
    )
)


def test_the_table() -> None:
    assert laid_out(Required(CONTRACT).text(), None) == (
        "required\n"
        "  KEY   config/runtime.exs:2\n"
        "        config/runtime.exs:4   when B is set: KEY is empty\n"
        "\n"
        "required under a condition\n"
        "  HOST  config/runtime.exs:10  when A is set: no HOST\n"
        "        config/runtime.exs:11  when B is set"
    )


def test_defaults() -> None:
    defaults = (
        Default("4000"),
        Default(""),
        Default("node()", literal=False),
        Default("ecto://me:secret@localhost/shop"),
    )
    variables = tuple(Variable(f"V{i}", at(1), default) for i, default in enumerate(defaults))
    assert laid_out(Required(Contract(variables)).text(), None).splitlines()[1:] == [
        "  V0  config/runtime.exs:1  4000",
        "  V1  config/runtime.exs:1  empty",
        "  V2  config/runtime.exs:1  default: node()",
        "  V3  config/runtime.exs:1",
    ]


def test_the_example() -> None:
    assert example_of(CONTRACT) == (
        "# Required (config/runtime.exs:2)\n"
        "# Required when B is set (config/runtime.exs:4)\n"
        "# KEY is empty\n"
        "KEY=\n"
        "\n"
        "# Required when A is set (config/runtime.exs:10)\n"
        "# no HOST\n"
        "# It is a name.\n"
        "# Required when B is set (config/runtime.exs:11)\n"
        "#HOST=\n"
    )
