"""What Mix says of a project against what was read of it; the JSON is as evaluate.exs writes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix import evaluation, project
from relbuild.mix.evaluation import fill_in
from relbuild.mix.project import Project

MIX = """defmodule A.MixProject do
  use Mix.Project
  def project do
    [
      BODY
    ]
  end
end
"""


def atom(name: str) -> dict[str, str]:
    return {"a": name}


def keywords(**pairs: Any) -> list[Any]:
    return [{"t": [atom(key), value]} for key, value in pairs.items()]


def dep(app: str, *rest: Any) -> dict[str, Any]:
    return {"t": [atom(app), *rest]}


def said(path: str = "", application: Any = None, **pairs: Any) -> dict[str, Any]:
    return {
        "path": path,
        "module": "A.MixProject",
        "project": keywords(**{"app": atom("a"), "version": "1.0.0", **pairs}),
        "application": application or [],
    }


@pytest.fixture
def read(dict_tree: Callable[[dict[str, str | bytes]], Tree]) -> Callable[..., Project]:
    def static(body: str, **files: str) -> Project:
        return project.read_project(dict_tree({"mix.exs": MIX.replace("BODY", body), **files}))

    return static


def ask(static: Project, *found: dict[str, Any]) -> tuple[Project, list[tuple[str, str | None, str | None, int, bool]]]:
    merged, differences = fill_in(static, evaluation.read_evaluated(json.dumps(found), static))
    return merged, [(each.what, each.read, each.evaluated, each.at.line, each.stated) for each in differences]


def test_what_was_read_right_has_no_difference_and_keeps_its_places(read: Callable[..., Project]) -> None:
    static = read(
        """app: :a,
      version: "1.0.0",
      deps: [{:jason, "~> 1.4"}, {:b, path: "../b"}, {:c, git: "https://x:y@g.example.com/c.git", only: :test}],
      aliases: [setup: ["deps.get", "compile"]],
      elixirc_paths: ["lib", "src"],
      releases: [a: [applications: [a: :permanent], steps: [:assemble, &x/1], cookie: "c", path: "../out"]]"""
    )
    steps = [atom("assemble"), {"f": 1}]
    mix = said(
        deps=[
            dep("jason", "~> 1.4"),
            dep("b", keywords(path="../b")),
            dep("c", keywords(git="https://x:y@g.example.com/c.git", only=atom("test"))),
        ],
        aliases=keywords(setup=["deps.get", "compile"]),
        elixirc_paths=["lib", "src"],
        releases=keywords(
            a=keywords(
                applications=keywords(a=atom("permanent")),
                steps=steps,
                cookie="c",
                path="../out",
            )
        ),
    )
    merged, differences = ask(static, mix)
    assert differences == []
    assert (merged.version, merged.deps, merged.aliases, merged.releases) == (
        static.version,
        static.deps,
        static.aliases,
        static.releases,
    )


def test_what_was_not_known_is_filled_in_at_its_place(read: Callable[..., Project]) -> None:
    static = read(
        """app: :a,
      version: System.get_env("HEX_V"),
      elixir: System.fetch_env!("E"),
      deps: [{:jason, System.get_env("HEX_J")} | more()],
      default_release: fn_of(:x),
      aliases: more()"""
    )
    merged, differences = ask(
        static,
        said(
            elixir="~> 1.18",
            deps=[dep("jason", "~> 1.4"), dep("plug", "~> 1.0")],
            default_release=atom("a"),
            aliases=keywords(x="y"),
        ),
    )
    assert differences == [
        ("version", None, "1.0.0", 6, False),
        ("elixir", None, "~> 1.18", 7, False),
        ("default_release", None, "a", 9, False),
        ("release a: version", None, "1.0.0", 6, False),
        ("dependency jason: source", None, "hex", 8, False),
        ("dependency jason: requirement", None, "~> 1.4", 8, False),
        ("dependency plug", None, "there", 3, False),
        ("alias x", None, "there", 3, False),
    ]
    assert (merged.version, merged.unknown) == (Known("1.0.0", Mark("mix.exs", 6, 16)), ())
    assert [(each.app, each.requirement) for each in merged.deps] == [("jason", "~> 1.4"), ("plug", "~> 1.0")]


def test_what_was_read_wrong_is_told_apart(read: Callable[..., Project]) -> None:
    static = read(
        """app: :a,
      version: "1.0.0",
      start_permanent: true,
      deps: [{:jason, "~> 1.4"}, {:gone, "1.0.0"}],
      releases: [a: [include_erts: true], old: []]"""
    )
    merged, differences = ask(
        static,
        said(
            version="2.0.0",
            start_permanent=False,
            deps=[dep("jason", "~> 2.0", keywords(runtime=False, only=[atom("prod"), atom("dev")]))],
            releases=keywords(a=keywords(include_erts=False, path="/out"), new=[]),
        ),
    )
    assert differences == [
        ("version", "1.0.0", "2.0.0", 6, True),
        ("start_permanent", "true", "false", 7, True),
        ("release a: version", "1.0.0", "2.0.0", 6, True),
        ("release a: include_erts", "true", "false", 9, True),
        ("release a: path", "none", "/out", 9, True),
        ("release new", None, "there", 3, True),
        ("release old", "there", None, 9, True),
        ("dependency jason: requirement", "~> 1.4", "~> 2.0", 8, True),
        ("dependency jason: only", "none", "prod, dev", 8, True),
        ("dependency jason: runtime", "none", "false", 8, True),
        ("dependency gone", "there", None, 8, True),
    ]
    assert [release.name for release in merged.releases] == ["a", "new"]


def test_an_umbrellas_children_are_compared_one_by_one(read: Callable[..., Project]) -> None:
    child = MIX.replace("BODY", 'app: :b, version: "1.0.0"')
    static = read(
        'apps_path: "apps", version: "1.0.0", releases: [a: [applications: [b: :permanent], version: {:from_app, :b}]]',
        **{"apps/b/mix.exs": child, "apps/c/mix.exs": child.replace(":b", ":c")},
    )
    root = said(
        apps_path="apps",
        releases=keywords(
            a=keywords(applications=keywords(b=atom("permanent")), version={"t": [atom("from_app"), atom("b")]})
        ),
    )
    del root["project"][0]
    merged, differences = ask(
        static, root, said("apps/b", app=atom("b"), version="1.1.0"), said("apps/d", app=atom("d")), said("lib/x")
    )
    assert differences == [
        ("release a: version", "1.0.0", "1.1.0", 5, True),
        ("apps/b: version", "1.0.0", "1.1.0", 5, True),
        ("application apps/d", None, "there", 1, True),
        ("application apps/c", "there", None, 3, True),
    ]
    assert [app.path for app in merged.apps] == ["apps/b", "apps/d"]


def test_absolute_paths_of_the_project_are_relative_to_it(read: Callable[..., Project]) -> None:
    static = read(
        'app: :a, version: "1.0.0", deps_path: Path.expand("../deps", __DIR__), lockfile: Path.join(__DIR__, "l.lock")'
    )
    above = evaluation.DIRECTORY.rpartition("/")[0]
    _, differences = ask(static, said(deps_path=f"{above}/deps", lockfile=f"{evaluation.DIRECTORY}/l.lock"))
    assert differences == []


@pytest.mark.parametrize("value", [{"?": "Regex"}, {"m": [[atom("x"), 1]]}, {"n": "1.5"}, {"f": 0}, None, 7])
def test_values_without_a_meaning_here_are_no_difference(read: Callable[..., Project], value: Any) -> None:
    static = read('app: :a, version: "1.0.0"')
    assert ask(static, said(docs=value, test_coverage=value))[1] == []


def test_what_mix_can_not_evaluate_has_its_place(read: Callable[..., Project]) -> None:
    static = read('app: :a, version: "1.0.0"')
    failed = {"path": "", "error": 'could not fetch environment variable "V"'}
    with pytest.raises(ProjectError) as raised:
        evaluation.read_evaluated(json.dumps([failed]), static)
    [problem] = raised.value.problems
    assert (problem.message, problem.at) == (
        'Mix can\'t evaluate it: could not fetch environment variable "V"',
        static.at,
    )


def test_of_a_long_reason_the_beginning_is_told(read: Callable[..., Project]) -> None:
    failed = {"path": "", "error": "** (exit) " + "x" * 9_000}
    with pytest.raises(ProjectError) as raised:
        evaluation.read_evaluated(json.dumps([failed]), read('app: :a, version: "1.0.0"'))
    [problem] = raised.value.problems
    assert problem.message == f"Mix can't evaluate it: ** (exit) {'x' * 590}…"


def test_what_mix_itself_refuses_is_refused(read: Callable[..., Project]) -> None:
    with pytest.raises(ProjectError, match="is not a version as Mix wants it"):
        ask(read('app: :a, version: System.get_env("HEX_V")'), said(version="1.0"))
