"""What doctor reports before a build: files and Mix calls that the build or the release doesn't have."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.mix import project, umbrella
from relbuild.mix.project import select_release
from relbuild.mix.unavailable import find_unavailable

MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.1.0"MORE]
  def application, do: [extra_applications: [EXTRA]]
end
"""


def found_in(
    dict_tree: Any, files: dict[str, str | bytes], more: str = "", extra: str = ":logger", *, steps: bool = False
) -> list[tuple[str, str, bool]]:
    mix = MIX.replace("MORE", more).replace("EXTRA", extra)
    tree = dict_tree({"mix.exs": mix, "config/config.exs": "import Config\n", **files})
    read = project.read_project(tree)
    release = select_release(read)
    found = find_unavailable(tree, read, umbrella.released_apps(read, release), release, steps=steps)
    return [(each.at.brief, each.message.partition(":")[0], each.certain) for each in found]


GONE = "import_config of config/prod.secret.exs, which doesn't exist"


@pytest.mark.parametrize(
    ("config", "files", "lines"),
    [
        ('import_config "prod.secret.exs"', {}, ["config/config.exs:2"]),
        ('import_config("prod.secret.exs")', {}, ["config/config.exs:2"]),
        ('import_config "#{config_env()}.secret.exs"', {}, ["config/config.exs:2"]),
        ('import_config "prod.secret.exs"', {"config/prod.secret.exs": ""}, []),
        ('if config_env() == :prod, do: import_config("prod.secret.exs")', {}, ["config/config.exs:2"]),
        ('if config_env() == :dev, do: import_config("dev.secret.exs")', {}, []),
        ('unless Mix.env() == :prod do\n  import_config "test.secret.exs"\nend', {}, []),
        ('if File.exists?(Path.join(__DIR__, "prod.secret.exs")), do: import_config("prod.secret.exs")', {}, []),
        ('if System.get_env("X"), do: import_config("prod.secret.exs")', {}, []),
        ('for f <- ["prod.secret.exs"], do: import_config(f)', {}, []),
        ('import_config "*.secret.exs"', {}, []),
        (
            'import_config "prod.exs"',
            {"config/prod.exs": 'import Config\n\nimport_config "prod.secret.exs"\n'},
            ["config/prod.exs:3"],
        ),
    ],
)
def test_an_import_of_a_file_that_is_not_there(
    dict_tree: Any, config: str, files: dict[str, str | bytes], lines: list[str]
) -> None:
    written: dict[str, str | bytes] = {"config/config.exs": f"import Config\n{config}\n", **files}
    assert found_in(dict_tree, written) == [(line, GONE, True) for line in lines]
    assert found_in(dict_tree, written, steps=True) == [(line, GONE, False) for line in lines]


@pytest.mark.parametrize(
    ("runtime", "expected"),
    [
        ('Code.require_file("helper.exs", __DIR__)', [("Code.require_file of config/helper.exs", True)]),
        ('Code.require_file("config/helper.exs")', [("Code.require_file of config/helper.exs", True)]),
        ('Code.eval_file(Path.join(__DIR__, "helper.exs"))', [("Code.eval_file of config/helper.exs", True)]),
        ('File.read!(Path.expand("helper.exs", __DIR__))', [("File.read! of config/helper.exs", True)]),
        ('config :shop, v: String.trim(File.read!("VERSION"))', [("File.read! of VERSION", True)]),
        ('if config_env() == :prod, do: Code.require_file("helper.exs", __DIR__)', [("Code.require_file of", True)]),
        ('if System.get_env("X"), do: Code.require_file("helper.exs", __DIR__)', [("Code.require_file of", False)]),
        ('if config_env() == :test, do: Code.require_file("helper.exs", __DIR__)', []),
        ('if File.exists?("VERSION"), do: File.read!("VERSION")', []),
        ('Code.require_file("/etc/shop/helper.exs")', []),
        ('File.read!("/run/secrets/key")', []),
        ('File.read!(System.fetch_env!("KEY_FILE"))', []),
        ('import_config "helper.exs"', [("import_config fails at the start", True)]),
        ("if Mix.env() == :prod, do: config(:shop, a: 1)", [("Mix.env fails at the start", True)]),
        ("config :shop, env: Mix.env()", [("Mix.env fails at the start", True)]),
        ("config :shop, version: Mix.Project.config()[:version]", [("Mix.Project.config fails at the start", True)]),
        ("config :shop, f: fn -> Mix.env() end", [("Mix.env fails at the start", False)]),
        ("config :shop, e: config_env()", []),
    ],
)
def test_what_runtime_exs_lacks_in_a_release(dict_tree: Any, runtime: str, expected: list[tuple[str, bool]]) -> None:
    files: dict[str, str | bytes] = {
        "config/runtime.exs": f"import Config\n{runtime}\n",
        "config/helper.exs": "",
        "VERSION": "1",
    }
    found = found_in(dict_tree, files)
    assert [(at, certain) for at, _, certain in found] == [("config/runtime.exs:2", each[1]) for each in expected]
    assert all(message.startswith(each[0]) for (_, message, _), each in zip(found, expected, strict=True))


def test_what_may_bring_the_file(dict_tree: Any) -> None:
    files: dict[str, str | bytes] = {
        "config/runtime.exs": 'Code.require_file("helper.exs", __DIR__)\n',
        "config/helper.exs": "",
    }
    copied = ", releases: [shop: [steps: [:assemble, &copy/1]]]"
    assert [certain for *_, certain in found_in(dict_tree, files, copied)] == [False]
    assert found_in(dict_tree, {**files, "rel/overlays/releases/0.1.0/helper.exs": ""}) == []


@pytest.mark.parametrize(
    "code",
    [
        "def f, do: Mix.env()",
        "def f(env \\\\ Mix.env()), do: env",
        "defp f, do: Mix.Project.config()[:version]",
        'def f, do: Mix.Task.run("ecto.migrate")',
        "alias Mix.Project\n  def f, do: Project.config()",
        "def f, do: Enum.map([1], fn _ -> Mix.shell() end)",
    ],
)
@pytest.mark.parametrize("file", ["lib/shop/a.ex", "lib/a.ex"])
def test_a_function_that_calls_mix(dict_tree: Any, code: str, file: str) -> None:
    [(at, message, certain)] = found_in(dict_tree, {file: f"defmodule Shop.A do\n  {code}\nend\n"})
    assert (at.partition(":")[0], certain) == (file, False)
    assert message.startswith("Shop.A.f/")
    assert message.endswith("which raises UndefinedFunctionError in a release")
    assert found_in(dict_tree, {file: f"defmodule Shop.A do\n  {code}\nend\n"}, extra=":logger, :mix") == []
    in_release = ", releases: [shop: [applications: [mix: :load]]]"
    assert found_in(dict_tree, {file: f"defmodule Shop.A do\n  {code}\nend\n"}, in_release) == []


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("lib/mix/tasks/shop.ex", "defmodule Mix.Tasks.Shop do\n  def run(_), do: Mix.shell().info(:a)\nend"),
        ("lib/mix/helper.ex", "defmodule Shop.Helper do\n  def f, do: Mix.raise(:a)\nend"),
        ("lib/task.ex", "defmodule Shop.Task do\n  use Mix.Task\n  def run(_), do: Mix.shell()\nend"),
        ("lib/a.ex", "defmodule Shop.A do\n  @env Mix.env()\n  def f, do: @env\nend"),
        ("lib/a.ex", "defmodule Shop.A do\n  if Mix.env() == :dev do\n    def f, do: 1\n  end\nend"),
        ("lib/a.ex", "defmodule Shop.A do\n  defmacro f, do: Mix.env()\nend"),
        ("lib/a.ex", "defmodule Shop.A do\n  def f, do: unquote(Mix.env())\nend"),
        ("lib/a.ex", "defmodule Shop.A do\n  def f, do: if(Code.ensure_loaded?(Mix), do: Mix.env())\nend"),
        ("lib/a.ex", "if Code.ensure_loaded?(Mix) do\n  defmodule Shop.A do\n    def f, do: Mix.env()\n  end\nend"),
        ("lib/a.ex", "defmodule Shop.A do\n  def f do\n    Mix.env()\n  rescue\n    _ -> :prod\n  end\nend"),
        ("lib/a.ex", "defmodule Shop.A do\n  def f, do: Mix.Ecto.parse_repo([])\nend"),
        ("lib/a.ex", 'defmodule Shop.A do\n  @doc "Mix.env()"\n  def f, do: "Mix.env()" # Mix.env()\nend'),
    ],
)
def test_what_does_not_call_mix_in_a_release(dict_tree: Any, file: str, module: str) -> None:
    assert found_in(dict_tree, {file: module}) == []
