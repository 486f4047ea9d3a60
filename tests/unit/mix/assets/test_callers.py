"""What aliases and commands call of Node, and where."""

from __future__ import annotations

import shlex
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.facts import Tree
from relbuild.mix import project
from relbuild.mix.assets import callers
from relbuild.mix.assets.callers import NodeCalls
from relbuild.mix.project import Project

DictTree = Callable[[dict[str, str]], Tree]


def read(dict_tree: DictTree, aliases: str) -> Project:
    text = (
        "defmodule A.MixProject do\n  use Mix.Project\n"
        f'  def project, do: [app: :a, version: "1.0.0", aliases: [{aliases}]]\nend\n'
    )
    return project.read_project(dict_tree({"mix.exs": text}))


@pytest.mark.parametrize(
    ("line", "directories"),
    [
        ("npm run build", ("",)),
        ("cd web && npm ci && npm run build", ("web",)),
        ("(cd web; npm ci) && cd admin/ui && NODE_ENV=production yarn build", ("web", "admin/ui")),
        ("cd web\nnpm run build\n", ("web",)),
        ("npm --prefix web run build", ("web",)),
        ("npm --prefix=./web/ ci", ("web",)),
        ("npm run build --prefix web", ("web",)),
        ("npm -C web run build", ("web",)),
        ("yarn --cwd web build", ("web",)),
        ("pnpm --dir 'my web' build", ("my web",)),
        ("cd web && ./node_modules/.bin/vite build", ("web",)),
        ("env CI=1 node web/build.js", ("",)),
        ("cd .. && npm run build", ("..",)),
        # Where only a shell could say where, or would refuse the line.
        ('cd "$DIR" && npm run build', ()),
        ("npm run 'build", ()),
        ("echo npm", ()),
    ],
)
def test_where_a_line_calls_node(line: str, directories: tuple[str, ...]) -> None:
    assert callers.line_calls(line) == NodeCalls(node=True, directories=directories)


@pytest.mark.parametrize("line", ["mix phx.digest", "cp -r node_modules/a priv", "echo nodes", "", ")", "((", "cd"])
def test_a_line_without_node(line: str) -> None:
    assert callers.line_calls(line) == NodeCalls()


@given(st.text(st.sampled_from("ab/.;&|() \n\"'\\$#=-"), max_size=20))
def test_any_line_is_read(text: str) -> None:
    found = callers.line_calls(f"npm ci; {text}").directories
    assert found[:1] in ((), ("",))


@given(st.text(st.characters(exclude_characters="$`", exclude_categories=("Cs", "Cc")), min_size=1, max_size=20))
def test_a_quoted_directory_is_itself(name: str) -> None:
    directory = f"d/{name.replace('/', '')}x"
    assert callers.line_calls(f"cd {shlex.quote(directory)} && npm ci") == NodeCalls(
        node=True, directories=(directory,)
    )


def test_an_alias_calls_what_the_aliases_it_names_call(dict_tree: DictTree) -> None:
    found = read(
        dict_tree,
        'a: ["b", "cmd --cd web npm run build", "c"], b: ["cmd --shell cd ui && pnpm i", "a"], c: &c/1, '
        'other: ["cmd --cd else npm ci"]',
    )
    calls = callers.alias_calls(found, "a")
    assert (calls.node, calls.directories, [each.what for each in calls.unread]) == (True, ("web", "ui"), ["alias c"])


def test_an_application_of_an_umbrella_calls_in_its_own_directory(dict_tree: DictTree) -> None:
    files = {
        "mix.exs": 'defmodule U do\n  use Mix.Project\n  def project, do: [apps_path: "apps"]\nend\n',
        "apps/a/mix.exs": "defmodule A do\n  use Mix.Project\n"
        '  def project, do: [app: :a, version: "1.0.0", aliases: [b: ["cmd --cd assets npm ci"]]]\nend\n',
    }
    [app] = project.read_project(dict_tree(files)).apps
    assert callers.alias_calls(app, "b") == NodeCalls(node=True, directories=("apps/a/assets",))
