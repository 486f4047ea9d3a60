"""The release an umbrella lacks, put into its mix.exs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.errors import ProjectError
from relbuild.facts import Known
from relbuild.init import mix_exs
from relbuild.init.change import Overlay
from relbuild.mix import project
from relbuild.mix.project import select_release

ROOT = """defmodule Acme.Umbrella.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      version: "0.3.0",
      deps: deps() # none yet
    ]
  end

  defp deps, do: []
end
"""
CHILD = 'defmodule Child.MixProject do\n  use Mix.Project\n  def project, do: [app: :APP, version: "0.1.0"]\nend\n'
CHILDREN = {f"apps/{app}/mix.exs": CHILD.replace("APP", app) for app in ("acme", "acme_web")}

Tree = Callable[[Mapping[str, str]], Overlay]


def edited(tree: Tree, root: str, children: Mapping[str, str] = CHILDREN) -> str:
    files = tree({"mix.exs": root, **children})
    found = project.read_project(files)
    assert mix_exs.lacks_release(found)
    return mix_exs.with_release(files, found)


def test_it_is_written_as_mix_format_has_it(tree: Tree) -> None:
    assert edited(tree, ROOT) == ROOT.replace(
        "      deps: deps() # none yet\n",
        "      releases: [\n"
        "        acme: [\n"
        "          applications: [\n"
        "            acme: :permanent,\n"
        "            acme_web: :permanent\n"
        "          ]\n"
        "        ]\n"
        "      ],\n"
        "      deps: deps() # none yet\n",
    )


def test_a_list_on_one_line_stays_on_it(tree: Tree) -> None:
    root = 'defmodule Acme.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: "apps", deps: []]\nend\n'
    assert edited(tree, root).splitlines()[2] == (
        '  def project, do: [apps_path: "apps", releases: [acme: [version: {:from_app, :acme}, '
        "applications: [acme: :permanent, acme_web: :permanent]]], deps: []]"
    )


def test_line_ends_and_a_byte_order_mark_stay(tree: Tree) -> None:
    plain = edited(tree, ROOT)
    assert edited(tree, "\ufeff" + ROOT.replace("\n", "\r\n")) == "\ufeff" + plain.replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("Acme.Umbrella.MixProject", "acme"),
        ("AcmeUmbrella.Mixfile", "acme"),
        ("HTTPServer.MixProject", "http_server"),
        ("Acme.Big.MixProject", "acme_big"),
        ("MixProject", "acme"),
    ],
)
def test_the_release_is_named_after_the_project(tree: Tree, module: str, name: str) -> None:
    made = edited(tree, ROOT.replace("Acme.Umbrella.MixProject", module))
    [release] = project.read_project(tree({"mix.exs": made, **CHILDREN})).releases
    assert release.name == name


@pytest.mark.parametrize(
    "project_function",
    [
        'Keyword.merge([apps_path: "apps"], version: "1.0.0")',
        '[{:apps_path, "apps"}]',
        'shared() ++ [apps_path: "apps"]\n  end\n  defp shared do\n    [version: "1.0.0"]',
        '[apps_path: "apps", releases: []]',
    ],
)
def test_a_project_written_in_another_way_is_left_to_its_author(tree: Tree, project_function: str) -> None:
    root = f"defmodule Acme.MixProject do\n  use Mix.Project\n  def project do\n    {project_function}\n  end\nend\n"
    with pytest.raises(ProjectError) as raised:
        edited(tree, root)
    [problem] = raised.value.problems
    assert (problem.hint or "").splitlines()[:3] == ["add to it:", "releases: [", "  acme: ["]


def test_a_release_that_is_defined_is_left_alone(tree: Tree) -> None:
    root = ROOT.replace("deps: deps()", "releases: [a: [applications: [acme: :permanent]]]")
    assert not mix_exs.lacks_release(project.read_project(tree({"mix.exs": root, **CHILDREN})))
    # What can't be read may define some.
    root = ROOT.replace("deps: deps()", 'releases: Code.eval_file("releases.exs") |> elem(0)')
    assert not mix_exs.lacks_release(project.read_project(tree({"mix.exs": root, **CHILDREN})))


@given(
    st.lists(
        st.sampled_from(
            ["deps: []", 'version: "1.0.0"', "start_permanent: Mix.env() == :prod", 'name: "é"', "aliases: [a: []]"]
        ),
        unique=True,
    ),
    st.sampled_from([", ", ",\n      ", ", # why, [not]\n    ", ",\n\n\t"]),
    st.sampled_from(["", "\n    ", " # a list\n  "]),
    st.sets(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), min_size=1, max_size=4),
)
def test_the_reader_finds_the_release_and_all_else_as_before(
    tree: Tree, pairs: list[str], between: str, edge: str, apps: set[str]
) -> None:
    body = between.join(['apps_path: "apps"', *pairs])
    root = f"defmodule A.MixProject do\n  use Mix.Project\n  def project do\n    [{edge}{body}{edge}]\n  end\nend\n"
    children = {f"apps/{app}/mix.exs": CHILD.replace("APP", app) for app in apps}
    before = project.read_project(tree({"mix.exs": root, **children}))
    after = project.read_project(tree({"mix.exs": edited(tree, root, children), **children}))
    [release] = after.releases
    assert isinstance(release.applications, Known)
    assert dict(release.applications.value) == dict.fromkeys(apps, "permanent")
    assert isinstance(release.version, Known)
    assert select_release(after) == release
    values = [
        (each.version, each.start_permanent, each.aliases, len(each.deps), each.unknown) for each in (before, after)
    ]
    assert strip(values[0]) == strip(values[1])


def strip(values: tuple[object, ...]) -> list[object]:
    """Return facts without their places, which move."""
    return [
        value.value if isinstance(value, Known) else len(value) if isinstance(value, tuple) else value
        for value in values
    ]
