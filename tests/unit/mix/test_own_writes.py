"""Where a project writes into its own priv directory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.mix import project
from relbuild.mix.own_writes import find_writes

MIX = 'defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: "1.0.0"]\nend\n'


@pytest.fixture
def places(dict_tree: Callable[..., object]) -> Callable[..., list[str]]:
    def places(files: dict[str, str]) -> list[str]:
        tree = dict_tree({"mix.exs": MIX, **files})
        found = project.read_project(tree)
        return [each.at.brief for each in find_writes(tree, (found,)) if each.at]

    return places


@pytest.mark.parametrize(
    "body",
    [
        'File.mkdir_p!(Path.join(:code.priv_dir(:shop), "cert"))',
        'File.write!(Application.app_dir(:shop, "priv/state.json"), data)',
        'File.write(Application.app_dir(:shop, ["priv", "state"]), data)',
        ':shop |> Application.app_dir("priv/uploads") |> File.mkdir_p()',
        'dir = Path.join([:code.priv_dir(:shop), "a"])\n    file = Path.join(dir, name)\n    File.write!(file, data)',
        'File.write!("#{:code.priv_dir(:shop)}/x", data)',
        'File.write!(to_string(:code.priv_dir(:shop)) <> "/x", data)',
        'File.write!(Path.join(@uploads, name), data)',
        'File.write!(Path.join(uploads(), name), data)',
        'File.cp!(data, Path.join(uploads(), name))',
        'File.open!(Path.join(uploads(), name), [:append])',
        'File.mkdir_p!("priv/static/uploads")',
    ],
)  # fmt: skip
def test_what_writes(places: Callable[..., list[str]], body: str) -> None:
    code = (
        'defmodule Shop.Files do\n  @uploads Path.join(:code.priv_dir(:shop), "up")\n'
        '  defp uploads, do: Application.app_dir(:shop, "priv/up")\n'
        f"  def run(name, data) do\n    {body}\n  end\nend\n"
    )
    assert len(places({"lib/shop/files.ex": code})) == 1


@pytest.mark.parametrize(
    "code",
    [
        'def run, do: File.read!(Path.join(:code.priv_dir(:shop), "words.txt"))',
        'def run, do: File.cp!(Application.app_dir(:shop, "priv/a.txt"), "/tmp/a.txt")',
        'def run, do: File.stream!(Application.app_dir(:shop, "priv/words.txt"))',
        'def run, do: File.open!(Application.app_dir(:shop, "priv/words.txt"), [:read])',
        'def run(x), do: File.write!(Path.join(System.tmp_dir!(), "priv"), x)',
        'def a do\n    path = Application.app_dir(:shop, "priv/x")\n    File.read!(path)\n  end\n'
        '  def b(path), do: File.write!(path, "")',
        # While the module is compiled.
        'File.mkdir_p!("priv/generated")',
        'defmacro run, do: File.write!("priv/generated", "")',
    ],
)  # fmt: skip
def test_what_does_not(places: Callable[..., list[str]], code: str) -> None:
    assert places({"lib/shop/files.ex": f"defmodule Shop.Files do\n  {code}\nend\n"}) == []


def test_the_configuration_and_the_tasks(places: Callable[..., list[str]]) -> None:
    runtime = 'import Config\nFile.mkdir_p!(Path.join(:code.priv_dir(:shop), "cert"))\n'
    task = 'defmodule Mix.Tasks.Gen do\n  def run(_), do: File.write!("priv/gen.txt", "")\nend\n'
    assert places({"config/runtime.exs": runtime, "lib/mix/tasks/gen.ex": task}) == ["config/runtime.exs:2"]
