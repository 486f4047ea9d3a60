"""What real-looking mix.exs files say, and what is wrong with others."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Fact, Known, Unknown
from relbuild.mix import project
from relbuild.mix.dependencies import Dependency
from relbuild.mix.project import Project, select_release

Files = dict[str, str | bytes]


def told(found: Project) -> dict[str, Any]:
    """Return what a project states and what it leaves open, without the places."""
    stated = {
        "app": found.app,
        "version": found.version,
        "elixir": found.elixir,
        "default": found.default_release,
        "mod": found.mod,
        "extra": found.extra_applications,
        "paths": found.elixirc_paths,
        "permanent": found.start_permanent,
    }
    facts = {key: value(fact) for key, fact in stated.items() if fact is not None}
    return {
        **facts,
        "releases": {release.name: value(release.version) for release in found.releases},
        "deps": [dependency.app for dependency in found.deps],
        "unknown": [(unknown.what, unknown.at.line) for unknown in found.unknown],
    }


def value(fact: Fact[Any] | None) -> Any:
    """Return a fact's value, "?" when it isn't known."""
    return fact.value if isinstance(fact, Known) else None if fact is None else "?"


MIX_NEW_SUP = """defmodule Shop.MixProject do
  use Mix.Project

  def project do
    [
      app: :shop,
      version: "0.1.0",
      elixir: "~> 1.18",
      start_permanent: Mix.env() == :prod,
      deps: deps()
    ]
  end

  # Run "mix help compile.app" to learn about applications.
  def application do
    [
      extra_applications: [:logger],
      mod: {Shop.Application, []}
    ]
  end

  # Run "mix help deps" to learn about dependencies.
  defp deps do
    [
      # {:dep_from_hexpm, "~> 0.3.0"},
    ]
  end
end
"""

PHOENIX = """defmodule Shop.MixProject do
  use Mix.Project

  @version "1.4.2-rc.1+b7"
  @source_url "https://example.com/shop"

  def project do
    [
      app: :shop,
      version: @version,
      elixir: "~> 1.15",
      elixirc_paths: elixirc_paths(Mix.env()),
      start_permanent: Mix.env() == :prod,
      aliases: aliases(),
      deps: deps(),
      compilers: [:phoenix_live_view] ++ Mix.compilers(),
      listeners: [Phoenix.CodeReloader],
      releases: releases(),
      default_release: :web
    ]
  end

  def application do
    [mod: {Shop.Application, []}, extra_applications: [:logger, :runtime_tools]]
  end

  def cli do
    [preferred_envs: [precommit: :test]]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_), do: ["lib"]

  defp releases() do
    [
      web: [include_executables_for: [:unix], applications: [runtime_tools: :permanent], cookie: "monster"],
      worker: [version: {:from_app, :shop}, steps: [:assemble, &copy/1, :tar], include_erts: false],
      dated: fn -> [version: "2024.01.15", strip_beams: [keep: ["Docs"]], overlays: "rel/extra"] end,
      given: &given/0
    ]
  end

  defp given, do: [version: System.get_env("HEX_V"), path: "/opt/shop", runtime_config_path: false]

  defp copy(release), do: release

  defp deps do
    [
      {:phoenix, "~> 1.8.1"},
      {:phoenix_live_reload, "~> 1.2", only: :dev},
      {:lazy_html, ">= 0.1.0", only: [:dev, :test]},
      {:heroicons,
       github: "tailwindlabs/heroicons", tag: "v2.2.0", sparse: "optimized", app: false, compile: false, depth: 1},
      {:esbuild, "~> 0.10", runtime: Mix.env() == :dev},
      {:secret, "~> 1.0", organization: "acme", hex: :secret_pkg},
      {:own, git: "https://me:token@git.example.com/own.git", branch: "main", submodules: true},
      {:ssh, git: "ssh://git@git.example.com/own.git", ref: "abc", only: [:prod]},
      {:near, path: "../near", override: true},
      {:any, path: System.get_env("HEX_ANY"), manager: :rebar3},
      {:some, "1.0", System.get_env("HEX_SOME") || []}
    ] ++ if(System.get_env("HEX_MORE"), do: [{:more, "1.0"}], else: [])
  end

  defp aliases do
    [
      setup: ["deps.get", "ecto.setup"],
      "assets.deploy": ["tailwind shop --minify", "phx.digest"],
      hello: &hello/1
    ]
  end

  defp hello(_), do: :ok
end
"""


def test_mix_new_with_a_supervisor(dict_tree: Any) -> None:
    assert told(project.read_project(dict_tree({"mix.exs": MIX_NEW_SUP}))) == {
        "app": "shop",
        "version": "0.1.0",
        "elixir": "~> 1.18",
        "mod": "Shop.Application",
        "extra": ("logger",),
        "paths": ("lib",),
        "permanent": True,
        "releases": {"shop": "0.1.0"},
        "deps": [],
        "unknown": [],
    }


def test_a_phoenix_project(dict_tree: Any) -> None:
    found = project.read_project(dict_tree({"mix.exs": PHOENIX}))
    assert told(found) == {
        "app": "shop",
        "version": "1.4.2-rc.1+b7",
        "elixir": "~> 1.15",
        "default": "web",
        "mod": "Shop.Application",
        "extra": ("logger", "runtime_tools"),
        "paths": ("lib",),
        "permanent": True,
        "releases": {"web": "1.4.2-rc.1+b7", "worker": "1.4.2-rc.1+b7", "dated": "2024.01.15", "given": "?"},
        "deps": [
            *("phoenix", "phoenix_live_reload", "lazy_html", "heroicons", "esbuild", "secret", "own", "ssh", "near"),
            *("any", "some"),
        ],
        "unknown": [
            ("dependency any: path", 59),
            ("dependency some", 60),
            ("deps", 61),
            ("release given: version", 43),
        ],
    }
    assert found.version == Known("1.4.2-rc.1+b7", Mark("mix.exs", 4, 12))
    assert [(alias.name, value(alias.tasks)) for alias in found.aliases] == [
        ("setup", ("deps.get", "ecto.setup")),
        ("assets.deploy", ("tailwind shop --minify", "phx.digest")),
        ("hello", "?"),
    ]


def test_the_releases_of_a_phoenix_project(dict_tree: Any) -> None:
    found = project.read_project(dict_tree({"mix.exs": PHOENIX}))
    options = {
        release.name: {
            key: value(fact)
            for key, fact in ((key, getattr(release, key)) for key in asdict(release))
            if isinstance(fact, Known | Unknown) and key != "version"
        }
        for release in found.releases
    }
    assert options == {
        "web": {
            "include_executables_for": ("unix",),
            "applications": (("runtime_tools", "permanent"),),
            "cookie": True,
        },
        "worker": {"steps": ("assemble", "function", "tar"), "include_erts": False},
        "dated": {"strip_beams": True, "overlays": ("rel/extra",)},
        "given": {"path": "/opt/shop", "runtime_config_path": False},
    }
    assert "monster" not in repr(found)


def test_the_dependencies_of_a_phoenix_project(dict_tree: Any) -> None:
    found = project.read_project(dict_tree({"mix.exs": PHOENIX}))
    stated = [
        {key: field for key, field in asdict(dependency).items() if field not in (None, False, ()) and key != "at"}
        | ({"compile": False} if dependency.compile is False else {})
        | ({"runtime": False} if dependency.runtime is False else {})
        for dependency in found.deps
        if not dependency.unknown
    ]
    assert stated == [
        {"app": "phoenix", "source": "hex", "requirement": "~> 1.8.1"},
        {"app": "phoenix_live_reload", "source": "hex", "requirement": "~> 1.2", "only": ("dev",)},
        {"app": "lazy_html", "source": "hex", "requirement": ">= 0.1.0", "only": ("dev", "test")},
        {
            "app": "heroicons",
            "source": "git",
            "git": "https://github.com/tailwindlabs/heroicons.git",
            "tag": "v2.2.0",
            "compile": False,
            "built": "app: false, compile: false",
        },
        {"app": "esbuild", "source": "hex", "requirement": "~> 0.10", "runtime": False},
        {"app": "secret", "source": "hex", "requirement": "~> 1.0", "organization": "acme", "hex": "secret_pkg"},
        {
            "app": "own",
            "source": "git",
            "git": "https://git.example.com/own.git",
            "git_credentials": True,
            "branch": "main",
            "submodules": True,
        },
        {
            "app": "ssh",
            "source": "git",
            "git": "ssh://git@git.example.com/own.git",
            "ref": "abc",
            "only": ("prod",),
        },
        {"app": "near", "source": "path", "path": "../near", "override": True},
    ]
    in_release = {dependency.app: dependency.in_release() for dependency in found.deps}
    assert {app for app, there in in_release.items() if there is False} == {"phoenix_live_reload", "lazy_html"}
    assert {app for app, there in in_release.items() if there is None} == {"some"}
    assert "token" not in repr(found)


def test_a_dependency_whose_options_are_open_claims_nothing(dict_tree: Any) -> None:
    content = minimal(
        'deps: [{:a, "1.0", foo()}, {:b, foo()}, {foo(), "1"}, {:c, ~r/1/}, {:d}, :e, {:f, [only: foo()]}]'
    )
    found = project.read_project(dict_tree({"mix.exs": content}))
    assert [(d.app, d.source, d.requirement, d.in_release()) for d in found.deps] == [
        ("a", "unknown", "1.0", None),
        ("b", "unknown", None, None),
        ("c", "unknown", None, None),
        ("f", "hex", None, None),
    ]
    assert [unknown.what for unknown in found.unknown] == [
        *("dependency a", "dependency b", "deps", "dependency c", "deps", "deps", "dependency f: only"),
    ]


def minimal(more: str, version: str = 'version: "1.0.0"', body: str = "", name: str = "A") -> str:
    """Return a mix.exs with more in its project."""
    fields = ", ".join(part for part in ("app: :a", version, more) if part)
    return f"defmodule {name} do\n  use Mix.Project\n  def project, do: [{fields}]\n{body}\nend\n"


@pytest.mark.parametrize(
    ("version", "files", "stated", "reads"),
    [
        ('version: File.read!("VERSION") |> String.trim()', {"VERSION": "1.2.3\n"}, "1.2.3", ("VERSION",)),
        (
            'version: String.trim(File.read!(Path.join(__DIR__, "VERSION")))',
            {"VERSION": "1.2.3"},
            "1.2.3",
            ("VERSION",),
        ),
        ("version: v()", {"VERSION": "1.2.3\n"}, "1.2.3", ("VERSION",)),
        ("version: v()", {}, "?", ()),
        ("version: v()", {"VERSION": b"\xff"}, "?", ("VERSION",)),
        ('version: System.get_env("V", "1.0.0")', {}, "1.0.0", ()),
        ('version: System.get_env("HEX_V", "1.0.0")', {}, "?", ()),
        ('version: "#{1}.#{2}.0"', {}, "1.2.0", ()),
    ],
)
def test_a_version_is_read_from_where_it_stands(
    dict_tree: Any, version: str, files: Files, stated: str, reads: tuple[str, ...]
) -> None:
    function = 'defp v do\n  case File.read("VERSION") do\n    {:ok, v} -> String.trim(v)\n    _ -> "0.0.0"\n  end\nend'
    if "v()" not in version:
        function = ""
    found = project.read_project(dict_tree({"mix.exs": minimal("", version, function), **files}))
    assert (value(found.version), found.reads) == (stated, reads)


def test_the_files_that_mix_exs_needs_are_named(dict_tree: Any) -> None:
    content = 'Code.require_file("lib/mix_version.ex", __DIR__)\n' + minimal(
        "version: Other.version()", "", 'def docs, do: "notes.md" |> File.read!()\ndef x(f), do: File.read!(f)'
    )
    files = {"mix.exs": content, "lib/mix_version.ex": "", "notes.md": "", "unread.md": ""}
    found = project.read_project(dict_tree(files))
    assert (value(found.version), found.reads) == ("?", ("lib/mix_version.ex", "notes.md"))


READ_BY_MIX = """defmodule A.MixProject do
  use Mix.Project

  def project do
    [app: :a, version: "1.0.0", deps: deps(CALL)]
  end

  defp deps(_), do: []
end
"""


@pytest.mark.parametrize(
    ("call", "reads"),
    [
        (':file.consult("build.config")', ("build.config",)),
        (':file.consult(~c"build.config")', ("build.config",)),
        (":file.consult('build.config')", ("build.config",)),
        (':file.read_file("build.config")', ("build.config",)),
        ('File.open!("build.config")', ("build.config",)),
        ('File.open!("build.config", [:read], &IO.read(&1, :all))', ("build.config",)),
        ('File.stream!("build.config")', ("build.config",)),
        ('File.stream!("build.config", [], :line) |> Enum.to_list()', ("build.config",)),
        ('EEx.eval_file("templates/mix.eex", a: 1)', ("templates/mix.eex",)),
        ('Config.Reader.read!("config/mix.exs", env: :prod)', ("config/mix.exs", "config/other.exs")),
        ('File.ls!("templates")', ("templates/",)),
        ('File.ls!(Path.join(__DIR__, "templates"))', ("templates/",)),
        ('Path.wildcard("apps/*/deps.txt")', ("apps/one/deps.txt", "apps/two/deps.txt")),
        ('Path.wildcard("templates/**/*.eex")', ("templates/",)),
        ('Path.join("templates", "*.eex") |> Path.wildcard()', ("templates/mix.eex",)),
        ('Code.require_file("mix/helper.exs")', ("build.config", "mix/helper.exs", "mix/more.exs")),
        ('Code.eval_file("helper.exs", Path.join(__DIR__, "mix"))', ("build.config", "mix/helper.exs", "mix/more.exs")),
        ('File.read!(System.get_env("CONFIG", "build.config"))', ("build.config",)),
        ('File.read!("../VERSION")', ("../VERSION",)),
        # What the build doesn't have, or not as it is here.
        ('File.read!("gone.txt")', ()),
        ('File.ls!("gone")', ()),
        ('Path.wildcard("deps/*/mix.exs")', ()),
        ("File.ls!()", ()),
    ],
)
def test_what_mix_exs_reads(dict_tree: Any, call: str, reads: tuple[str, ...]) -> None:
    tree = dict_tree(
        {
            "mix.exs": READ_BY_MIX.replace("CALL", call),
            "../VERSION": "1",
            "build.config": "{a, 1}.",
            "templates/mix.eex": "",
            "config/mix.exs": 'import Config\nimport_config "other.exs"\n',
            "config/other.exs": "import Config\n",
            "apps/one/deps.txt": "",
            "apps/two/deps.txt": "",
            "deps/jason/mix.exs": "",
            "mix/helper.exs": 'Code.require_file("more.exs", __DIR__)\nFile.read!("build.config")\n',
            "mix/more.exs": "defmodule More do\nend\n",
        }
    )
    assert project.read_project(tree).reads == reads


def test_what_a_path_dependency_reads(dict_tree: Any) -> None:
    root = minimal("", 'version: "1.0.0", deps: [{:near, path: System.get_env("LIBS_PATH", "../../libs") <> "/near"}]')
    near = READ_BY_MIX.replace("CALL", ':file.consult("build.config")').replace("app: :a", "app: :near")
    files = {"mix.exs": root, "../../libs/near/mix.exs": near, "../../libs/near/build.config": "{a, 1}."}
    found = project.read_project(dict_tree(files))
    assert [(dep.path, dep.project.reads if dep.project else None) for dep in found.path_deps] == [
        ("../../libs/near", ("../../libs/near/build.config",))
    ]


@pytest.mark.parametrize(
    ("variables", "path"), [({}, "../libs"), ({"LIBS_PATH": "vendor"}, "vendor"), ({"OTHER": "x"}, "../libs")]
)
def test_a_variable_that_relbuild_yml_does_not_set_is_unset(
    dict_tree: Any, variables: dict[str, str], path: str
) -> None:
    deps = 'deps: [{:near, path: Path.join(System.get_env("LIBS_PATH", "../libs"), "near")}]'
    tree = dict_tree({"mix.exs": minimal("", f'version: System.get_env("V") || "1.0.0", {deps}')})
    found = project.read_project(tree, BuildEnvironment(variables))
    assert (value(found.version), found.deps[0].path, found.unknown) == ("1.0.0", f"{path}/near", ())


@pytest.mark.parametrize("environment", [BuildEnvironment(secrets=frozenset({"V"})), BuildEnvironment(own_image=True)])
def test_what_only_the_build_knows_is_unknown(dict_tree: Any, environment: BuildEnvironment) -> None:
    tree = dict_tree({"mix.exs": minimal("", 'version: System.get_env("V", "1.0.0")')})
    assert value(project.read_project(tree, environment).version) == "?"


@pytest.mark.parametrize(
    ("version", "line", "known"),
    [
        ('case System.cmd("git", ["describe"]) do {v, 0} -> v; _ -> "0.0.0" end', 3, "0.0.0"),
        ('elem(System.shell("git rev-parse HEAD"), 0)', 3, "?"),
        ('to_string(:os.cmd(~c"git describe"))', 3, "?"),
        ('File.read!(".git/HEAD")', 3, "?"),
        ('if Mix.env() == :dev, do: elem(System.cmd("git", ["describe"]), 0), else: "1.0.0"', None, "1.0.0"),
        ('System.get_env("V", "1.0.0")', None, "1.0.0"),
    ],
)
def test_what_needs_a_git_repository(dict_tree: Any, version: str, line: int | None, known: str) -> None:
    found = project.read_project(dict_tree({"mix.exs": minimal("", f"version: {version}")}))
    assert ([mark.line for mark in found.git], value(found.version)) == ([line] if line else [], known)


UMBRELLA = """defmodule Umbrella.MixProject do
  use Mix.Project

  def project do
    [
      apps_path: "apps",
      version: "0.1",
      deps: [{:credo, "~> 1.7", only: :dev}],
      releases: [
        web: [applications: [web: :permanent, core: :load], version: {:from_app, :web}],
        all: [applications: [core: :permanent]],
        other: [version: {:from_app, :phoenix}, applications: [core: :permanent]],
        none: [version: "1.0.0"]
      ]
    ]
  end
end
"""


def child(name: str, version: str) -> str:
    return f"""defmodule {name.title()}.MixProject do
  use Mix.Project

  def project do
    [
      app: :{name},
      version: "{version}",
      build_path: "../../_build",
      config_path: "../../config/config.exs",
      deps_path: "../../deps",
      lockfile: "../../mix.lock",
      elixirc_paths: ["lib", "../shared/lib"],
      deps: [{{:core, in_umbrella: true}}]
    ]
  end
end
"""


def test_an_umbrella_and_its_applications(dict_tree: Any) -> None:
    files = {
        "mix.exs": UMBRELLA,
        "apps/web/mix.exs": child("web", "2.0.0"),
        "apps/core/mix.exs": child("core", "3.0.0"),
        "apps/notes/README.md": "",
        "apps/README.md": "",
    }
    found = project.read_project(dict_tree(files))
    assert (found.umbrella, value(found.apps_path), value(found.version)) == (True, "apps", "0.1")
    assert [(app.path, value(app.app), value(app.version)) for app in found.apps] == [
        ("apps/core", "core", "3.0.0"),
        ("apps/web", "web", "2.0.0"),
    ]
    web = found.apps[1]
    assert [value(fact) for fact in (web.deps_path, web.lockfile, web.config_path, web.elixirc_paths)] == [
        "deps",
        "mix.lock",
        "config/config.exs",
        ("apps/web/lib", "apps/shared/lib"),
    ]
    assert (web.deps[0].source, web.deps[0].path, web.version.at.file) == ("umbrella", "apps/core", "apps/web/mix.exs")  # type: ignore[union-attr]
    assert {release.name: value(release.version) for release in found.releases} == {
        "web": "2.0.0",
        "all": "0.1",
        "other": "?",
        "none": "1.0.0",
    }
    assert select_release(found, "web").name == "web"
    with pytest.raises(ProjectError, match="release none has no applications"):
        select_release(found, "none")


def test_an_umbrella_takes_only_the_applications_it_names(dict_tree: Any) -> None:
    root = minimal('apps_path: "./apps/", apps: [:web]').replace("app: :a, ", "")
    files = {"mix.exs": root, "apps/web/mix.exs": child("web", "2.0.0"), "apps/core/mix.exs": child("core", "3.0.0")}
    found = project.read_project(dict_tree(files))
    assert [app.path for app in found.apps] == ["apps/web"]
    # web depends on it all the same: Mix takes it for a path dependency.
    assert [(dep.app, dep.path) for dep in found.path_deps] == [("core", "apps/core")]
    with pytest.raises(ProjectError, match="an umbrella project has to define its releases") as error:
        select_release(found)
    [problem] = error.value.problems
    assert problem.hint == (
        'add to `project` in mix.exs: releases: [my_release: [version: "0.1.0", applications: [web: :permanent]]]'
    )


@pytest.mark.parametrize(
    ("options", "directory"),
    [('apps_path: "nope"', "nope"), ('apps_path: "."', "."), ('apps_path: "apps", apps: [:worker]', "apps")],
)
def test_an_umbrella_without_applications_is_refused_at_its_place(dict_tree: Any, options: str, directory: str) -> None:
    files = {"mix.exs": minimal(options).replace("app: :a, ", ""), "apps/web/mix.exs": child("web", "2.0.0")}
    with pytest.raises(ProjectError) as error:
        project.read_project(dict_tree(files))
    line = next(number for number, line in enumerate(files["mix.exs"].splitlines(), 1) if "apps_path" in line)
    column = files["mix.exs"].splitlines()[line - 1].index("apps_path: ") + len("apps_path: ") + 1
    assert error.value.problems == (
        Problem(
            f"apps_path: the umbrella project has no application in {directory}: each is a directory there, with a "
            "mix.exs",
            Mark("mix.exs", line, column),
            'name the directory that has them, such as apps_path: "apps"',
        ),
    )


def test_an_umbrella_may_name_its_applications_in_ways_that_cant_be_read(dict_tree: Any) -> None:
    root = minimal('apps_path: "apps", apps: chosen()').replace("app: :a, ", "")
    assert project.read_project(dict_tree({"mix.exs": root, "apps/web/mix.exs": child("web", "2.0.0")})).apps == ()


def test_a_broken_application_of_an_umbrella_is_told_with_its_file(dict_tree: Any) -> None:
    with pytest.raises(ProjectError) as error:
        project.read_project(dict_tree({"mix.exs": UMBRELLA, "apps/web/mix.exs": "defmodule X do"}))
    assert error.value.problems[0].at == Mark("apps/web/mix.exs", 1, 13)


def test_the_module_compiled_last_is_the_project(dict_tree: Any) -> None:
    content = (
        'defmodule Helper do\n  def version, do: "3.2.1"\nend\n'
        + minimal("", "version: Helper.version()", minimal("", name="Inner"), name="Outer").replace(":a", ":outer", 1)
        + "defmodule Last do\n  def project, do: []\nend\n"
    )
    found = project.read_project(dict_tree({"mix.exs": content}))
    assert (found.module, value(found.app), value(found.version)) == ("Outer", "outer", "3.2.1")


@pytest.mark.parametrize(
    ("releases", "name", "chosen"),
    [
        ("", None, "a"),
        ("releases: []", None, "a"),
        ("releases: [b: []]", None, "b"),
        ("releases: [b: [], c: []]", "c", "c"),
        ("releases: [b: [], c: []], default_release: :c", None, "c"),
        ("releases: [b: [], c: []], default_release: :c", "b", "b"),
        ("releases: foo()", "x", "x"),
        ("releases: [b: []] ++ foo()", "b", "b"),
        ("releases: [b: foo()]", None, "b"),
    ],
)
def test_which_release_is_meant(dict_tree: Any, releases: str, name: str | None, chosen: str) -> None:
    found = project.read_project(dict_tree({"mix.exs": minimal(releases)}))
    assert select_release(found, name).name == chosen


@pytest.mark.parametrize(
    ("releases", "name", "message"),
    [
        ("releases: [b: [], c: []]", None, "mix.exs defines several releases: b, c"),
        ("releases: [b: [], c: []]", "d", "there is no release d: mix.exs defines b, c"),
        ("releases: [b: [], c: []], default_release: :d", None, "there is no release d: mix.exs defines b, c"),
        ("", "d", "there is no release d: mix.exs defines a"),
        ("releases: foo()", None, "which releases mix.exs defines can't be read: `foo()`: only Elixir"),
        ("releases: [b: []] ++ foo()", None, "mix.exs defines b, and what else can't be read: `foo()`: only Elixir"),
    ],
)
def test_no_release_can_be_chosen(dict_tree: Any, releases: str, name: str | None, message: str) -> None:
    found = project.read_project(dict_tree({"mix.exs": minimal(releases)}))
    with pytest.raises(ProjectError) as error:
        select_release(found, name)
    [problem] = error.value.problems
    assert problem.message.startswith(message)
    lists = "; `relbuild plan --evaluate` asks Mix, and lists them" if "can't be read" in message else ""
    assert problem.hint == f"say which: `--release NAME`, or `release: NAME` in relbuild.yml{lists}"
    assert problem.at is not None


def test_a_release_that_is_only_named_claims_nothing(dict_tree: Any) -> None:
    release = select_release(project.read_project(dict_tree({"mix.exs": minimal("releases: foo()")})), "x")
    assert {type(fact) for fact in (release.version, release.applications, release.cookie, release.path)} == {Unknown}


@pytest.mark.parametrize(
    ("content", "message", "where"),
    [
        ("", "mix.exs is empty", ""),
        ("\ufeff \r\n", "mix.exs is empty", ""),
        ("# nothing\n", "mix.exs: no module in it has `use Mix.Project`", ""),
        ("defmodule A do\n def project, do: []\nend", "mix.exs: no module in it has `use Mix.Project`", ""),
        ("defmodule A do\n use Mix.Project\nend", "A has no `project` function", ""),
        ("defmodule A do\n use Mix.Project\n def project, do: :a\nend", "`project` should return a keyword list", ":a"),
        (minimal("").replace(":a", '"a"'), 'app: should be an atom, is "a"', '"a"'),
        (minimal("", 'version: "1.0"'), 'version: "1.0" is not a version as Mix wants it', '"1.0"'),
        (minimal("", 'version: "01.0.0"'), 'version: "01.0.0" is not a version', '"01'),
        (minimal("", "version: :one"), "version: :one is not a version", ":one"),
        (minimal("", "version: v()", 'def v, do: "x"'), 'version: "x" is not a version', '"x"'),
        (minimal("", ""), "release a has no version", ":a"),
        (minimal("releases: [Web: []]"), '"Web" can\'t be the name of a release', "Web"),
        (minimal('releases: ["my-app": []]'), '"my-app" can\'t be the name of a release', '"my-app'),
        (minimal("releases: [b: 7]"), "release b: its options should be a keyword list", "7"),
        (minimal("releases: :b"), "releases: should be a keyword list", ":b"),
        (minimal('releases: [b: [version: ""]]'), "release b: its version should be a string", '""'),
        (minimal("releases: [b: [version: {:from, :a}]]"), "release b: its version should be a string", "{:from"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_to_do(
    dict_tree: Any, content: str, message: str, where: str
) -> None:
    with pytest.raises(ProjectError) as error:
        project.read_project(dict_tree({"mix.exs": content}))
    [problem] = error.value.problems
    assert problem.message.startswith(message)
    before = content[: content.index(where)].splitlines() or [""]
    assert (problem.at, bool(problem.hint)) == (Mark("mix.exs", len(before), len(before[-1]) + 1), True)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"README.md": ""}, "no mix.exs here: not a Mix project"),
        ({"app/mix.exs": "", "deps/x/mix.exs": ""}, "no mix.exs here: not a Mix project; there is one in app"),
        ({"../../mix.exs": "", "app/mix.exs": ""}, "no mix.exs here: not a Mix project; there is one in ../.."),
    ],
)
def test_no_project_is_told_with_where_one_is(dict_tree: Any, files: Files, message: str) -> None:
    with pytest.raises(ProjectError) as error:
        project.read_project(dict_tree(files))
    [problem] = error.value.problems
    assert (problem.message, "`-C DIR`" in str(problem.hint)) == (message, True)


FRAGMENTS = [
    *("defmodule A do\n", "use Mix.Project\n", "def project do\n", "end\n", "[", "]", "{", "}", "app: ", ":a", ", "),
    *(
        'version: "1.0.0"',
        "deps: ",
        "releases: ",
        '"',
        "#{",
        "}",
        '"""\n',
        "~w(",
        ")",
        "fn -> ",
        "& ",
        "&1",
        "@a ",
        "|> ",
    ),
    *(
        "++ ",
        "if ",
        "do: 1",
        "case x do\n",
        "a -> b\n",
        "\\\\ ",
        "def f(x), do: ",
        "f(1)",
        "%{",
        "=> ",
        "\0",
        "\ufeff",
        "é",
    ),
    *(
        "not ",
        "- ",
        "Mix.env()",
        "File.read!(",
        "1_0",
        "0x",
        "?\\",
        "\r\n",
        "when ",
        "for ",
        "<- ",
        "= ",
        "|",
        ".",
        "::",
    ),
]


@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from(FRAGMENTS), max_size=40).map(lambda found: "".join(found).encode())
)
@settings(max_examples=300, deadline=None)
def test_garbage_gives_a_project_or_an_error_with_a_place(dict_tree: Any, content: bytes) -> None:
    _read_or_refuse(dict_tree, content)


@given(st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join), st.integers(0, len(PHOENIX)), st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_a_damaged_project_gives_a_project_or_an_error(dict_tree: Any, garbage: str, at: int, cut: int) -> None:
    _read_or_refuse(dict_tree, (PHOENIX[:at] + garbage + PHOENIX[at + cut :]).encode())


def _read_or_refuse(dict_tree: Any, content: bytes) -> None:
    try:
        assert isinstance(project.read_project(dict_tree({"mix.exs": content})), Project)
        problems: tuple[Problem, ...] = ()
    except ProjectError as error:
        problems = error.problems
    assert all(problem.at is not None and problem.hint for problem in problems)


def test_dependencies_are_compared_by_value(dict_tree: Any) -> None:
    found = project.read_project(dict_tree({"mix.exs": minimal('deps: [{:b, "1.0"}]')}))
    assert found.deps == (Dependency("b", Mark("mix.exs", 3, 55), "hex", "1.0"),)
