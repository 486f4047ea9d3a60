"""The contract as a value: what an environment lacks, what a label carries, and that garbage does no harm."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from relbuild.errors import Mark, ProjectError
from relbuild.facts import Unknown
from relbuild.mix import project
from relbuild.mix.environment import Contract, Default, Requirement, Variable, from_label, lacks, read_contract
from relbuild.mix.environment.conditions import ALWAYS, OneOf, Opaque, is_set
from relbuild.mix.environment.contract import data_of, to_label
from relbuild.mix.project import select_release

MIX = b'defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: "1.0.0"]\nend\n'
AT = Mark("config/runtime.exs", 3)


def unset(name: str, *also: str) -> OneOf:
    return OneOf(name, frozenset({None, *also}))


CONTRACT = Contract(
    (
        Variable("URL", AT, requirements=(Requirement(unset("URL", ""), ALWAYS, AT, 'URL is missing.\nIt\'s "one"'),)),
        Variable("KEY", AT, requirements=(Requirement(unset("KEY"), is_set("SERVER"), AT),)),
        Variable("LATER", AT, requirements=(Requirement(unset("LATER"), Opaque("x"), AT),)),
        Variable("PORT", AT, Default("4000")),
    ),
    (Unknown("`env(x)`", "its name is computed", AT),),
)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ["URL is not set"]),
        ({"URL": ""}, ["URL is empty"]),
        ({"URL": "x"}, []),
        ({"SERVER": ""}, ["URL is not set", "KEY is not set; it is needed when SERVER is set"]),
        ({"URL": "x", "SERVER": "1", "KEY": ""}, []),
    ],
)
def test_what_an_environment_lacks(environment: dict[str, str], expected: list[str]) -> None:
    assert [each.text for each in lacks(CONTRACT, environment)] == expected


def test_a_label_carries_all_that_is_needed() -> None:
    label = to_label(CONTRACT)
    assert "\n" not in label
    back = from_label(label)
    assert back is not None
    assert back == CONTRACT
    assert to_label(back) == label


def test_what_is_told_beside_what_is_always_required() -> None:
    always, empty, also = (
        Requirement(unset("A"), ALWAYS, AT),
        Requirement(unset("A", ""), is_set("B"), AT),
        Requirement(unset("A"), is_set("C"), AT),
    )
    assert Variable("A", AT, requirements=(empty, also, always)).needs == (always, empty)
    assert Variable("A", AT, requirements=(empty, also)).needs == (empty, also)
    assert Variable("A", AT).needs == ()


def test_its_form() -> None:
    assert data_of(CONTRACT) == {
        "version": 1,
        "variables": [
            {
                "name": "URL",
                "kind": "required",
                "at": "config/runtime.exs:3",
                "requirements": [
                    {
                        "fails": {"variable": "URL", "in": [None, ""]},
                        "at": "config/runtime.exs:3",
                        "message": 'URL is missing.\nIt\'s "one"',
                    }
                ],
            },
            {
                "name": "KEY",
                "kind": "conditional",
                "at": "config/runtime.exs:3",
                "requirements": [
                    {
                        "fails": {"variable": "KEY", "in": [None]},
                        "at": "config/runtime.exs:3",
                        "when": {"variable": "SERVER", "not_in": [None]},
                        "condition": "SERVER is set",
                    }
                ],
            },
            {
                "name": "LATER",
                "kind": "conditional",
                "at": "config/runtime.exs:3",
                "requirements": [
                    {
                        "fails": {"variable": "LATER", "in": [None]},
                        "at": "config/runtime.exs:3",
                        "when": {"text": "x"},
                        "condition": "x",
                    }
                ],
            },
            {"name": "PORT", "kind": "optional", "at": "config/runtime.exs:3", "default": "4000"},
        ],
        "possibly_more": [{"what": "`env(x)`", "reason": "its name is computed", "at": "config/runtime.exs:3"}],
    }


@pytest.mark.parametrize(
    ("name", "default", "shown"),
    [
        ("PORT", Default("4000"), "4000"),
        ("NAME", Default("node()", literal=False), None),
        ("DB_PASSWORD", Default("postgres"), None),
        ("SECRET_KEY_BASE", Default("abc"), None),
        ("DB", Default("postgres://u:p@localhost/x"), None),
        ("HOST", Default("https://example.com"), "https://example.com"),
        ("LONG", Default("x" * 101), None),
    ],
)
def test_a_default_that_may_be_a_secret_is_not_shown(name: str, default: Default, shown: str | None) -> None:
    assert Variable(name, AT, default).shown_default == shown


@pytest.mark.parametrize("label", ["", "{", "[]", "null", '{"version":2,"variables":[]}', '{"version":1}', "[" * 9999])
def test_a_label_of_another_form_is_none(label: str) -> None:
    assert from_label(label) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ("name", "at", "requirements", "fails", "when", "default", "variable", "in", "what", "reason")
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.lists(json_values, max_size=3), st.lists(json_values, max_size=2))
def test_any_label_gives_a_contract_or_nothing(variables: list[object], unknown: list[object]) -> None:
    found = from_label(json.dumps({"version": 1, "variables": variables, "possibly_more": unknown}))
    if found is not None:
        lacks(found, {})
        assert from_label(to_label(found)) is not None


ELIXIR = """
System.get_env("A") System.fetch_env!("B") "C" x y nil true :error if unless case cond with for fn & &1 -> <- when do
end else rescue try raise = == in not |> <> || && , ( ) then Enum.each f(x) M.f(1) x.() env! source! System.put_env
"""
SHELL = """
$A ${A:?x} ${A:-$B} "$A" ] && || if then else elif fi case in esac ;; ) ( { } ; export A= do done $( ` <% ! ' <<E E
"""
PIECES = st.sampled_from(
    [
        *ELIXIR.split(),
        *("\n", " ", "{:ok, x}", "[x, nil]", "defmodule M", "def f(x)", "%{a: 1}", "import Dotenvy"),
    ]
)
SHELL_PIECES = st.sampled_from(
    [*SHELL.split(), "[ -z", "\n", " ", "exit 1", "for x", "<%= x %>", "set -u", ". f"]
)  # fmt: skip
EXPRESSIONS = st.recursive(
    st.sampled_from(
        (
            *('System.get_env("A")', 'System.get_env("B", "x")', 'System.fetch_env!("C")', 'System.fetch_env("A")'),
            *("nil", '"x"', "true", "x", ":error", 'raise("no")', "[nil, x]", "{:ok, x}", "System.get_env()", "1"),
        )
    ),
    lambda inner: st.one_of(
        st.builds("(if {} do\n{}\nelse\n{}\nend)".format, inner, inner, inner),
        st.builds("(unless {}, do: {})".format, inner, inner),
        st.builds("(case {} do\nnil -> {}\n{{:ok, x}} -> {}\nx when is_nil(x) -> {}\nend)".format, *(inner,) * 4),
        st.builds("(cond do\n{} -> {}\ntrue -> {}\nend)".format, inner, inner, inner),
        st.builds("(with {{:ok, x}} <- {} do\n{}\nelse\n_ -> {}\nend)".format, inner, inner, inner),
        st.builds("(try do\n{}\nrescue\n_ -> {}\nend)".format, inner, inner),
        st.builds("(for x <- {}, do: {})".format, inner, inner),
        st.builds("(x = {}\n{})".format, inner, inner),
        st.builds("(fn x -> {} end).({})".format, inner, inner),
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(("||", "&&", "==", "in", "|>", "<>", "!=", "and")), inner
        ),
        st.builds("String.to_integer({})".format, inner),
        st.builds("Enum.map({}, &({}))".format, inner, inner),
    ),
    max_leaves=12,
)


@example('("x" |> System.get_env("A"))')
@given(EXPRESSIONS)
def test_any_expression_can_be_followed(expression: str) -> None:
    tree = _Files({"mix.exs": MIX, "config/runtime.exs": expression.encode()})
    found = project.read_project(tree)
    contract = read_contract(tree, found, select_release(found))
    # A pipe makes a name of the literals, one or several, on its left.
    names = {variable.name for variable in contract.variables}
    assert {name for name in names if name.strip("x")} <= {"A", "B", "C"}
    for environment in ({}, {"A": "x"}, {"B": "", "C": ""}):
        assert all(
            each.requirement.fails.holds(environment.get(each.variable.name)) for each in lacks(contract, environment)
        )


@given(st.lists(PIECES, max_size=14).map(" ".join), st.lists(SHELL_PIECES, max_size=14).map(" ".join))
@example("x = fn -> x.() end\nx.()", "f() { f; }; f")
@example("if " * 400, "( " * 400)
@example("((((" * 100 + "))))" * 100, "${A:-" * 300 + "}" * 300)
def test_garbage_gives_a_contract_or_a_place(runtime: str, script: str) -> None:
    tree = _Files({"mix.exs": MIX, "config/runtime.exs": runtime.encode(), "rel/env.sh.eex": script.encode()})
    found = project.read_project(tree)
    try:
        contract = read_contract(tree, found, select_release(found))
    except ProjectError as error:
        places = [problem.at for problem in error.problems]
    else:
        places = [variable.at for variable in contract.variables]
        assert from_label(to_label(contract)) is not None
    assert None not in places


class _Files:
    """A tree in memory."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)

    def list(self, directory: str) -> tuple[str, ...]:
        return ()
