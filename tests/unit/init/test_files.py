"""What init writes, where, and what it leaves alone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild import config
from relbuild.errors import ProjectError
from relbuild.image.plan.location import Location
from relbuild.image.plan.plan import make_plan
from relbuild.init.change import Overlay
from relbuild.init.files import Change, Scaffold
from relbuild.mix import project

MIX = """defmodule Shop.MixProject do
  use Mix.Project

  def project, do: [app: :shop, version: "1.0.0", elixir: "~> 1.18", deps: deps()]

  def application, do: [mod: {Shop.Application, []}]

  defp deps do
    [DEPS]
  end
end
"""
WRITTEN = ["rel/env.sh.eex", "rel/vm.args.eex", "config/runtime.exs", "relbuild.yml"]
PLAIN = {"mix.exs": MIX.replace("DEPS", "")}
REPO = "defmodule Shop.Repo do\n  use Ecto.Repo, otp_app: :shop, adapter: Ecto.Adapters.Postgres\nend\n"
ECTO = {
    "mix.exs": MIX.replace("DEPS", '{:ecto_sql, "~> 3.10"}, {:postgrex, ">= 0.0.0"}'),
    "lib/shop/repo.ex": REPO,
    "config/config.exs": "import Config\n\nconfig :shop, ecto_repos: [Shop.Repo]\n",
}
ENDPOINT = "defmodule ShopWeb.Endpoint do\n  use Phoenix.Endpoint, otp_app: :shop\nend\n"

Written = Callable[..., dict[str, str]]


def test_a_plain_project_gets_what_a_container_needs(written: Written) -> None:
    files = written(PLAIN)
    assert list(files) == WRITTEN
    assert files["config/runtime.exs"].splitlines()[0] == "import Config"
    assert "it listens\n# on 127.0.0.1 and needs no epmd" in files["rel/env.sh.eex"]


def test_what_init_has_written_is_left_alone(written: Written, scaffold: Callable[..., Scaffold]) -> None:
    for files in (PLAIN, ECTO):
        for wish in ({}, {"ci": "github"}, {"ci": "gitlab", "toolchain": "debian"}):
            once = {**files, **written(files, **wish)}
            for force in (False, True):
                again = scaffold(once, **wish, force=force)
                assert (again.changes, set(again.unchanged)) == ((), set(once) - set(files)), (wish, force)


def test_nothing_that_is_there_is_replaced_unasked(written: Written) -> None:
    own = {name: f"# mine: {name}\n" for name in ("rel/env.sh.eex", "config/runtime.exs", "lib/shop/release.ex")}
    files = {**ECTO, **own, "relbuild.yml": "image: registry.example.com/shop\n"}
    assert list(written(files)) == ["rel/vm.args.eex"]
    forced = written(files, force=True)
    assert set(forced) == {*own, "relbuild.yml", "rel/vm.args.eex"}
    assert "\n#image: shop\n" in forced["relbuild.yml"]


def test_libraries_that_cluster_make_it_a_node(written: Written) -> None:
    for library in ("libcluster", "dns_cluster"):
        files = written({"mix.exs": MIX.replace("DEPS", f'{{:{library}, "~> 0.1"}}')})
        assert "RELEASE_DISTRIBUTION:-name" in files["rel/env.sh.eex"]


def test_templates_go_where_the_release_looks_for_them(written: Written) -> None:
    mix = PLAIN["mix.exs"].replace("deps: deps()", 'deps: deps(), releases: [shop: [rel_templates_path: "ops/rel"]]')
    assert [path for path in written({"mix.exs": mix}) if path.endswith(".eex")] == [
        "ops/rel/env.sh.eex",
        "ops/rel/vm.args.eex",
    ]


def test_a_release_module_for_ectos_repositories(written: Written) -> None:
    assert written(ECTO)["lib/shop/release.ex"] == (
        "defmodule Shop.Release do\n"
        '  @moduledoc """\n'
        '  Database tasks for a release, which has no Mix: `bin/shop eval "Shop.Release.migrate()"`.\n'
        '  """\n'
        "\n"
        "  @app :shop\n"
        "\n"
        '  @doc "Runs the pending migrations of every repo."\n'
        "  def migrate do\n"
        "    load()\n"
        "\n"
        "    for repo <- repos() do\n"
        "      {:ok, _, _} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :up, all: true))\n"
        "    end\n"
        "  end\n"
        "\n"
        '  @doc "Reverts a repo\'s migrations down to and including a version."\n'
        "  def rollback(repo, version) do\n"
        "    load()\n"
        "    {:ok, _, _} = Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :down, to: version))\n"
        "  end\n"
        "\n"
        '  @doc "Loads the application and its configuration without starting it."\n'
        "  def load do\n"
        "    # Many databases require TLS.\n"
        "    Application.ensure_all_started(:ssl)\n"
        "    :ok = Application.ensure_loaded(@app)\n"
        "  end\n"
        "\n"
        "  defp repos, do: Application.fetch_env!(@app, :ecto_repos)\n"
        "end\n"
    )


def test_repositories_that_no_configuration_names_are_named_in_the_module(written: Written) -> None:
    second = REPO.replace("Shop.Repo", "Shop.Archive")
    files = {**ECTO, "lib/shop/archive.ex": second, "config/config.exs": "import Config\n"}
    assert "  defp repos, do: [Shop.Archive, Shop.Repo]\n" in written(files)["lib/shop/release.ex"]


def test_a_project_that_migrates_in_its_own_way_gets_no_release_module(written: Written) -> None:
    own = "defmodule Shop.ReleaseTasks do\n  def migrate, do: :ok\nend\n"
    files = written({**ECTO, "lib/shop/tasks.ex": own})
    assert not any(path.startswith("lib/") for path in files)
    assert "#migrate: Shop.ReleaseTasks.migrate()\n" in files["relbuild.yml"]


def test_only_the_repositories_that_ecto_repos_names_are_configured(scaffold: Callable[..., Scaffold]) -> None:
    second = REPO.replace("Shop.Repo", "Shop.RepoMysql").replace("Postgres", "MyXQL")
    files = {**ECTO, "lib/shop/repo_mysql.ex": second}
    told = (
        "config/runtime.exs doesn't configure Shop.RepoMysql (lib/shop/repo_mysql.ex:1), which ecto_repos doesn't name"
    )
    for said, urls, notes in (
        (ECTO["config/config.exs"], ["DATABASE_URL"], (told,)),
        ("import Config\n", ["SHOP_REPO_DATABASE_URL", "SHOP_REPOMYSQL_DATABASE_URL"], ()),
        (
            "import Config\nconfig :shop, ecto_repos: [Shop.Repo | more()]\n",
            ["SHOP_REPO_DATABASE_URL", "SHOP_REPOMYSQL_DATABASE_URL"],
            (),
        ),
    ):
        made = scaffold({**files, "config/config.exs": said})
        [runtime] = [change.after for change in made.changes if change.path == "config/runtime.exs"]
        assert (re.findall(r'url: System.fetch_env!\("(\w+)"\)', runtime), made.notes) == (urls, notes)
    assert scaffold({**files, "config/runtime.exs": "import Config\n"}).notes == ()


def test_what_distillery_left_is_told(scaffold: Callable[..., Scaffold], tree: Callable[..., Overlay]) -> None:
    files = {**PLAIN, "rel/config.exs": "use Distillery.Releases.Config\n"}
    [note] = scaffold(files).notes
    assert note.startswith("rel/config.exs:1 is Distillery's")
    assert note in make_plan(project.read_project(tree(files)), config.Config(), tree(files)).notes


def test_no_release_module_beside_a_function_that_may_migrate(scaffold: Callable[..., Scaffold]) -> None:
    own = "defmodule Shop.Tasks do\n  def setup, do: Ecto.Migrator.run(Shop.Repo, :up, all: true)\nend\n"
    made = scaffold({**ECTO, "lib/shop/tasks.ex": own})
    assert [change.path for change in made.changes] == WRITTEN
    assert made.notes == (
        "init doesn't write lib/shop/release.ex: Shop.Tasks.setup() (lib/shop/tasks.ex:2) may migrate already: "
        "set `migrate:` in relbuild.yml",
    )


def test_no_release_module_where_another_file_defines_it(scaffold: Callable[..., Scaffold]) -> None:
    other = "defmodule Shop.Release do\n  def version, do: 1\nend\n"
    made = scaffold({**ECTO, "lib/shop/versions.ex": other})
    assert "lib/shop/release.ex" not in [change.path for change in made.changes]
    assert made.notes == (
        "init doesn't write lib/shop/release.ex: lib/shop/versions.ex:1 defines Shop.Release, without a migrate/0",
    )


def test_no_release_module_without_ecto_sql(written: Written) -> None:
    assert "lib/shop/release.ex" not in written({**ECTO, "mix.exs": PLAIN["mix.exs"]})
    # What a dependency brings along stands in the lock file alone.
    locked = {**ECTO, "mix.exs": PLAIN["mix.exs"], "mix.lock": '%{\n  "ecto_sql": {:hex, :ecto_sql, "3.12.0"},\n}\n'}
    assert "lib/shop/release.ex" in written(locked)


def test_runtime_configuration_for_ecto_and_phoenix(written: Written) -> None:
    files = written({**ECTO, "lib/shop_web/endpoint.ex": ENDPOINT})
    assert files["config/runtime.exs"].partition("if config_env()")[2] == (
        " == :prod do\n"
        "  config :shop, Shop.Repo,\n"
        '    url: System.fetch_env!("DATABASE_URL"),\n'
        '    pool_size: String.to_integer(System.get_env("POOL_SIZE", "10"))\n'
        "\n"
        "  config :shop, ShopWeb.Endpoint,\n"
        "    server: true,\n"
        '    url: [host: System.fetch_env!("PHX_HOST"), port: 443, scheme: "https"],\n'
        "    # All interfaces, IPv4 and IPv6.\n"
        "    http: [\n"
        "      ip: {0, 0, 0, 0, 0, 0, 0, 0},\n"
        '      port: String.to_integer(System.get_env("PORT", "4000"))\n'
        "    ],\n"
        '    secret_key_base: System.fetch_env!("SECRET_KEY_BASE")\n'
        "end\n"
    )


@pytest.mark.parametrize("version", ["1.9.4", "1.10.4"])
def test_an_elixir_of_before_runtime_exs_gets_releases_exs(version: str, written: Written) -> None:
    mix = ECTO["mix.exs"].replace("~> 1.18", "~> 1.9")
    settings = f'elixir: {version}\notp: "22.3.4.27"\ndebian: bullseye\n'
    old = {**ECTO, "mix.exs": mix, "relbuild.yml": settings, "lib/shop_web/endpoint.ex": ENDPOINT}
    files = written(old)
    assert "config/runtime.exs" not in files
    assert files["config/releases.exs"].partition("missing variable.\n")[2] == (
        "config :shop, Shop.Repo,\n"
        '  url: System.fetch_env!("DATABASE_URL"),\n'
        '  pool_size: String.to_integer(System.get_env("POOL_SIZE", "10"))\n'
        "\n"
        "config :shop, ShopWeb.Endpoint,\n"
        "  server: true,\n"
        '  url: [host: System.fetch_env!("PHX_HOST"), port: 443, scheme: "https"],\n'
        "  # All interfaces, IPv4 and IPv6.\n"
        "  http: [\n"
        "    ip: {0, 0, 0, 0, 0, 0, 0, 0},\n"
        '    port: String.to_integer(System.get_env("PORT", "4000"))\n'
        "  ],\n"
        '  secret_key_base: System.fetch_env!("SECRET_KEY_BASE")\n'
    )
    # Application.ensure_loaded/1 is of Elixir 1.10.
    assert ("ensure_loaded" in files["lib/shop/release.ex"]) == (version == "1.10.4")
    assert written({**old, **files}) == {}


def test_a_database_that_is_a_file(written: Written) -> None:
    files = {**ECTO, "lib/shop/repo.ex": REPO.replace("Postgres", "SQLite3")}
    assert '    database: System.fetch_env!("DATABASE_PATH"),\n' in written(files)["config/runtime.exs"]


@pytest.mark.parametrize(
    "files",
    [
        {**PLAIN, "config/releases.exs": "import Config\n"},
        {"mix.exs": PLAIN["mix.exs"].replace("deps: d", "releases: [shop: [runtime_config_path: false]], deps: d")},
    ],
    ids=["releases.exs", "none wanted"],
)
def test_a_release_configured_in_another_way_gets_no_runtime_exs(files: Mapping[str, str], written: Written) -> None:
    assert "config/runtime.exs" not in written(files)


def test_a_dependency_above_the_project_is_seen_as_the_plan_sees_it(written: Written) -> None:
    mix = MIX.replace("DEPS", '{:wire, path: "../wire"}')
    wire = "defmodule Wire.MixProject do\n  use Mix.Project\n  def project, do: [app: :wire]\nend\n"
    files = {"mix.exs": mix, "../wire/mix.exs": wire}
    assert list(written(files, location=Location(("shop",), git=True))) == list(written(PLAIN))
    with pytest.raises(ProjectError) as raised:
        written(files, location=Location((), git=True))
    assert str(raised.value) == "dependency wire: ../wire lies outside of the git repository"


@pytest.mark.parametrize("settings", [True, False])
def test_an_umbrellas_application_is_told_to_be_one(settings: bool, written: Written) -> None:
    files = {
        "mix.exs": MIX.replace("DEPS", "").replace("app: :shop", 'app: :shop, lockfile: "../../mix.lock"'),
        "../../mix.exs": 'defmodule All do\n  use Mix.Project\n  def project, do: [apps_path: "apps"]\nend\n',
        "../../apps/shop/mix.exs": PLAIN["mix.exs"],
    }
    with pytest.raises(ProjectError) as raised:
        written(files, location=Location(("apps", "shop"), git=True), settings=settings)
    assert str(raised.value) == (
        "shop is an application of the umbrella project in ../.., which is built as a whole: its configuration, its "
        "lock file and its releases are there"
    )


def uncommented(settings: str) -> str:
    """Return relbuild.yml with each setting that was found decided."""
    lines = settings.splitlines(keepends=True)
    return "".join(line[1:] if line[:1] == "#" and line[1:2].isalpha() else line for line in lines)


@pytest.mark.parametrize("files", [PLAIN, ECTO], ids=["plain", "ecto"])
@pytest.mark.parametrize("toolchain", [None, "debian", "official"])
def test_the_settings_decide_nothing_and_deciding_them_changes_nothing(
    files: Mapping[str, str], toolchain: str | None, written: Written, tree: Callable[..., Overlay]
) -> None:
    after = {**files, **written(files, toolchain=toolchain)}
    as_it_is = config.parse(after["relbuild.yml"].encode())
    assert as_it_is == (config.Config(toolchain=toolchain) if toolchain else config.Config())  # type: ignore[arg-type]
    decided = config.parse(uncommented(after["relbuild.yml"]).encode())
    assert (decided.release, decided.image, decided.elixir is not None) == ("shop", "shop", True)
    found = project.read_project(tree(after))
    one, other = (make_plan(found, each, tree(after)) for each in (as_it_is, decided))
    assert (one.builder, one.runner, one.image, one.release) == (
        other.builder,
        other.runner,
        other.image,
        other.release,
    )
    assert one.labels == other.labels


def test_a_release_that_was_chosen_is_decided(written: Written) -> None:
    mix = PLAIN["mix.exs"].replace("deps: deps()", "deps: deps(), releases: [web: [], worker: []]")
    settings = written({"mix.exs": mix}, release="worker")["relbuild.yml"]
    assert config.parse(settings.encode()) == config.Config(release="worker")


@pytest.mark.parametrize("there", ["image: a\n", "# toolchain: hexpm\n", "toolchain: hexpm\n"])
def test_options_for_a_relbuild_yml_that_exists_are_reported(scaffold: Callable[..., Scaffold], there: str) -> None:
    made = scaffold({**PLAIN, "relbuild.yml": there}, toolchain="debian")
    assert made.notes == ("relbuild.yml exists: add toolchain: debian to it",)
    assert "relbuild.yml" in made.unchanged


def test_options_that_relbuild_yml_says_already_are_no_matter(scaffold: Callable[..., Scaffold]) -> None:
    assert scaffold({**PLAIN, "relbuild.yml": "toolchain: debian\n"}, toolchain="debian").notes == ()


def test_versions_that_make_no_toolchain_are_refused(scaffold: Callable[..., Scaffold]) -> None:
    with pytest.raises(ProjectError, match="no version of Elixir"):
        scaffold({**PLAIN, ".tool-versions": "elixir newest\n"})


@given(st.lists(st.text(alphabet="ab \t\r\x0c\u2028é", max_size=4), max_size=6), st.booleans(), st.booleans())
def test_git_applies_the_diff(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], ends: bool, existing: bool
) -> None:
    after = "\n".join(lines) + ("\n" if ends else "")
    before = "a\n\nb" if existing else None
    if after in ("", before):
        return
    directory = tmp_path_factory.mktemp("applied")
    if before is not None:
        (directory / "x").write_text(before)
    diff = Change("x", before, after).diff
    subprocess.run(("git", "apply", "--whitespace=nowarn"), input=diff.encode(), cwd=directory, check=True)
    assert (directory / "x").read_bytes() == after.encode()


def test_an_overlay_has_its_own_files_and_those_below(tree: Callable[..., Overlay]) -> None:
    over = Overlay(tree({"lib/a.ex": "a", "mix.exs": "m"}), {"lib/b/c.ex": "c", "mix.exs": "n"})
    assert (over.list(""), over.list("lib"), over.list("lib/b")) == (("lib/", "mix.exs"), ("a.ex", "b/"), ("c.ex",))
    assert (over.read("mix.exs"), over.read("lib/a.ex"), over.read("x")) == (b"n", b"a", None)
