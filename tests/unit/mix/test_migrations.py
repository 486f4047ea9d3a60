"""Where the function that migrates is found, and where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.errors import Mark
from relbuild.mix import project, umbrella
from relbuild.mix.migrations import (
    Migrate,
    Migrations,
    ecto_applications,
    find_migrations,
    overlay,
    pending_expression,
    rollback_expression,
)
from relbuild.mix.project import select_release

MIX = 'defmodule A do\n  use Mix.Project\n  def project, do: [app: :a, version: "1.0.0"{more}]\nend\n'
FILE = "lib/a/release.ex"


def migrations_of(dict_tree: Any, files: dict[str, str | bytes], more: str = "") -> Migrations:
    tree = dict_tree({"mix.exs": MIX.format(more=more), **files})
    read = project.read_project(tree)
    return find_migrations(tree, read, read.apps)


def found_in(dict_tree: Any, files: dict[str, str | bytes], more: str = "") -> tuple[Migrate, ...]:
    return migrations_of(dict_tree, files, more).found


@pytest.mark.parametrize(
    "function",
    [
        "def migrate do\n    :ok\n  end",
        "def migrate(), do: :ok",
        "def migrate, do: :ok",
        "@doc false\n  def migrate(repos \\\\ []), do: repos",
        "def migrate(args \\\\ []) when is_list(args) do\n    args\n  end",
        "def migrate(args \\\\ [])\n  def migrate([]), do: 1\n  def migrate(_), do: 2",
        "defdelegate migrate, to: A.Migrator",
        "defdelegate migrate(), to: A.Migrator, as: :run",
        "def migrate do\n    1\n  rescue\n    _ -> 2\n  end",
    ],
)
@pytest.mark.parametrize("module", ["A.Release", "A.B.ReleaseTasks", "Release"])
def test_a_release_module_that_migrates_is_found(dict_tree: Any, module: str, function: str) -> None:
    content = f"defmodule {module} do\n  {function}\nend\n"
    [found] = found_in(dict_tree, {FILE: content})
    line = content[: content.index("def migrate" if "def migrate" in content else "defdelegate")].count("\n") + 1
    assert found == Migrate(f"{module}.migrate()", Mark(FILE, line, 3), app="a")


@pytest.mark.parametrize(
    "content",
    [
        "defmodule A.Release do\n  defp migrate, do: :ok\nend",
        "defmodule A.Release do\n  def migrate(repo), do: repo\nend",
        "defmodule A.Release do\n  def migrate_all, do: :ok\nend",
        "defmodule A.Release do\n  defdelegate migrate(repo), to: A\nend",
        "defmodule A.Release do\n  # def migrate, do: :ok\nend",
        'defmodule A.Release do\n  @doc "def migrate, do: :ok"\nend',
        "defmodule A.Releases do\n  def migrate, do: :ok\nend",
        "defmodule A.Release.Tasks do\n  def migrate, do: :ok\nend",
        "defmodule A.Repo do\n  def migrate, do: A.Release\nend",
        "defmodule A.Release do\n  def migrate, do: :ok",
        b"defmodule A.Release do\n  def migrate, do: \xff\nend",
    ],
)
def test_what_does_not_migrate_is_not_found(dict_tree: Any, content: str | bytes) -> None:
    assert found_in(dict_tree, {FILE: content}) == ()


RUN = "for repo <- [A.Repo], do: Ecto.Migrator.with_repo(repo, &Ecto.Migrator.run(&1, :up, all: true))"
MIGRATE = f"def migrate(opts \\\\ []), do: {RUN}"
ALIASED = RUN.replace("Ecto.Migrator", "Migrator")


@pytest.mark.parametrize(
    ("module", "functions", "expression"),
    [
        ("A.Release.Tasks", MIGRATE, "A.Release.Tasks.migrate()"),
        ("A.Database", MIGRATE, "A.Database.migrate()"),
        ("A.Tasks", f"alias Ecto.Migrator\n  def migrate, do: {ALIASED}", "A.Tasks.migrate()"),
        ("A.Tasks", f"alias Ecto.{{Migrator, Query}}\n  def migrate, do: {ALIASED}", "A.Tasks.migrate()"),
        (
            "A.Tasks",
            f"def migrate do\n    go()\n  end\n  defp go, do: each()\n  defp each, do: {RUN}",
            "A.Tasks.migrate()",
        ),
        ("A.Tasks", f"def migrate, do: Enum.each([1], &go/1)\n  defp go(_), do: {RUN}", "A.Tasks.migrate()"),
        ("A.Tasks", f"def migrate, do: everything()\n  def everything, do: {RUN}", "A.Tasks.migrate()"),
        ("A.Tasks", f"def migrate, do: then(1, fn f -> f.({RUN}) end)", "A.Tasks.migrate()"),
        ("A.Tasks", f"def migrate, do: __MODULE__.go()\n  def go, do: {RUN}", "A.Tasks.migrate()"),
        # Of other names, the one that does only that.
        ("A.Migrate", f"def up, do: {RUN}\n  def alone do\n    up()\n    :init.stop()\n  end", "A.Migrate.up()"),
        ("A.Tasks", f"def run_migrations, do: {RUN}", "A.Tasks.run_migrations()"),
    ],
)
def test_what_migrates_is_found_by_what_it_does(dict_tree: Any, module: str, functions: str, expression: str) -> None:
    files = {FILE: f"defmodule {module} do\n  {functions}\nend\n"}
    assert [each.expression for each in found_in(dict_tree, files)] == [expression]


@pytest.mark.parametrize(
    "functions",
    [
        "def migrate, do: Ecto.Migrator.with_repo(A.Repo, &seed/1)\n  defp seed(_), do: 1",
        f"def migrate(version), do: {RUN}",
        f"defp migrate, do: {RUN}",
        RUN.replace(":up, all: true", ":down, to: 1").join(["def migrate, do: ", ""]),
        f"alias Cloak.Ecto.Migrator\n  def migrate, do: {ALIASED}",
        f"def migrate, do: Other.go()\n  defp go, do: {RUN}",
    ],
)
def test_what_only_looks_like_it_is_not(dict_tree: Any, functions: str) -> None:
    files = {FILE: f"defmodule A.Release.Tasks do\n  {functions}\nend\n"}
    assert found_in(dict_tree, files) == ()


def test_the_best_name_is_taken_and_what_is_as_good_as_it(dict_tree: Any) -> None:
    names = ("A.Tasks", "A.Release.Tasks", "A.ReleaseTasks", "A.B.Release")
    files = {f"lib/{number}.ex": f"defmodule {name} do\n  {MIGRATE}\nend\n" for number, name in enumerate(names)}
    for taken in (("A.ReleaseTasks", "A.B.Release"), ("A.Release.Tasks",), ("A.Tasks",)):
        assert [each.expression for each in found_in(dict_tree, files)] == [f"{name}.migrate()" for name in taken]
        for name in taken:
            del files[f"lib/{names.index(name)}.ex"]


@pytest.mark.parametrize(
    "modules",
    [
        [f"defmodule A.Tasks do\n  def setup, do: {RUN}\nend\n"],
        [f"defmodule A.Migrator do\n  def one, do: {RUN}\n  def two, do: {RUN}\nend\n"],
        [f"defmodule A.{name} do\n  def up, do: {RUN}\nend\n" for name in ("Migrate", "DataMigrations")],
    ],
)
def test_what_may_do_more_than_migrate_or_not_all_of_it_is_unsure(dict_tree: Any, modules: list[str]) -> None:
    files = {f"lib/{number}.ex": module for number, module in enumerate(modules)}
    assert found_in(dict_tree, files) == ()
    unsure = migrations_of(dict_tree, files).unsure
    assert len(unsure) == sum(module.count("def ") for module in modules)
    assert migrations_of(dict_tree, {}) == Migrations()


def test_nested_modules_and_every_application_of_an_umbrella(dict_tree: Any) -> None:
    release = "defmodule Release do\n    def migrate, do: 1\n  end\n"
    files = {
        "apps/one/mix.exs": MIX.format(more=""),
        "apps/one/lib/deep/er/one.ex": f"defmodule One do\n  {release}end\n",
        "apps/two/mix.exs": MIX.format(more=', elixirc_paths: ["src", "lib", "lib/x", "../../../out"]'),
        "apps/two/src/two.ex": "defmodule Two.ReleaseTasks do\n  def migrate(x \\\\ 1), do: x\nend\n",
        "apps/two/lib/x/skipped.exs": release,
        "apps/two/test/support.ex": release,
        "lib/root.ex": "defmodule Root.Release do\n  def migrate, do: 1\nend\n",
        "deps/x/lib/x.ex": "defmodule X.Release do\n  def migrate, do: 1\nend\n",
        "lib/broken.ex": "defmodule Broken.Release do migrate",
    }
    assert found_in(dict_tree, files, ', apps_path: "apps"') == (
        Migrate("One.Release.migrate()", Mark("apps/one/lib/deep/er/one.ex", 3, 5), app="a"),
        Migrate("Two.ReleaseTasks.migrate()", Mark("apps/two/src/two.ex", 2, 3), app="a"),
    )


def test_only_the_sources_are_listed_and_a_circle_ends(dict_tree: Any) -> None:
    class Circle(dict_tree):  # type: ignore[misc]
        listed = 0

        def list(self, directory: str) -> tuple[str, ...]:
            assert directory.split("/")[0] == "lib"
            Circle.listed += 1
            return ("again/",)

    tree = Circle({"mix.exs": MIX.format(more="")})
    assert find_migrations(tree, project.read_project(tree), ()) == Migrations()
    assert 1 < Circle.listed < 100


REPO_ROLLBACK = "A.Release.rollback(REPO[a], VERSION)"


@pytest.mark.parametrize(
    ("functions", "rollback", "pending"),
    [
        ("def rollback(version), do: version", "A.Release.rollback(VERSION)", None),
        ("def rollback(version) when is_integer(version), do: 1", "A.Release.rollback(VERSION)", None),
        ("def rollback(repo, version) do\n    {repo, version}\n  end", REPO_ROLLBACK, None),
        ("def rollback(nil), do: 1\n  def rollback(version), do: version", "A.Release.rollback(VERSION)", None),
        # A number of steps must not be given a version, nor a version to what takes something else.
        ("def rollback(steps), do: steps", None, None),
        ("def rollback(version, repo), do: {repo, version}", None, None),
        ("def rollback(step \\\\ 1), do: step", None, None),
        ("defp rollback(version), do: version", None, None),
        ("def rollback([version]), do: version", None, None),
        ("def status, do: 1", None, "A.Release.status()"),
        ("def status(repo), do: repo", None, None),
        ("def status, do: 1\n  def pending(repos \\\\ []), do: repos", None, "A.Release.pending()"),
        ("defdelegate migration_status(), to: A.Migrator", None, "A.Release.migration_status()"),
    ],
)
def test_rollback_and_pending_of_the_same_module(
    dict_tree: Any, functions: str, rollback: str | None, pending: str | None
) -> None:
    content = f"defmodule A.Release do\n  def migrate, do: 1\n  {functions}\nend\n"
    assert found_in(dict_tree, {FILE: content}) == (
        Migrate("A.Release.migrate()", Mark(FILE, 2, 3), rollback, pending, "a"),
    )


@pytest.mark.parametrize(
    ("files", "more", "expected"),
    [
        ({"rel/overlays/bin/migrate": "#!/bin/sh\n"}, "", "bin/migrate"),
        ({"rel/overlays/bin/server": "#!/bin/sh\n"}, "", None),
        ({"other/bin/migrate": "#!/bin/sh\n"}, ', releases: [a: [overlays: ["other"]]]', "bin/migrate"),
        ({"other/bin/migrate": "#!/bin/sh\n"}, ", releases: [a: [overlays: System.get_env()]]", None),
    ],
)
def test_the_releases_own_command(dict_tree: Any, files: dict[str, str], more: str, expected: str | None) -> None:
    tree = dict_tree({"mix.exs": MIX.format(more=more), **files})
    assert overlay(tree, project.read_project(tree)) == expected


@pytest.mark.parametrize(
    ("deps", "has"),
    [
        ('{:ecto_sql, "~> 3.12"}', True),
        ('{:phoenix_ecto, "~> 4.6"}', False),
        ('{:ecto_sql, "~> 3.12", only: :test}', False),
        ("", False),
    ],
)
def test_ectos_pending_migrations(dict_tree: Any, deps: str, has: bool) -> None:
    tree = dict_tree({"mix.exs": MIX.format(more=f", deps: [{deps}]")})
    assert ecto_applications(project.read_project(tree), ()) == (("a",) if has else ())


def test_the_expressions_for_the_labels() -> None:
    assert "for app <- [:a, :b], Application.load(app), repo <- " in pending_expression(("a", "b"))
    assert rollback_expression("A.Release.rollback(VERSION)", "7") == "A.Release.rollback(7)"
    assert rollback_expression("A.Release.rollback(REPO[b], VERSION)", "7") == (
        "Application.load(:b); case Application.fetch_env!(:b, :ecto_repos) do [repo] -> A.Release.rollback(repo, 7); "
        'repos -> raise "which of #{inspect(repos)}? A.Release.rollback/2 takes one of them" end'
    )


UMBRELLA = """\
defmodule U do
  use Mix.Project
  def project do
    [apps_path: "apps", version: "1.0.0", releases: [
      all: [applications: [store: :permanent, gate: :permanent]],
      gate: [applications: [gate: :permanent]],
      books: [applications: [audit: :permanent, store: :permanent]]
    ]]
  end
end
"""


def app_of(name: str, deps: str = '{:ecto_sql, "~> 3.12"}') -> str:
    return MIX.replace("app: :a", f"app: :{name}").format(more=f", deps: [{deps}]")


def release_of(module: str, app: str) -> str:
    return f"""\
defmodule {module}.Release do
  @app :{app}
  def migrate, do: {RUN}
  def rollback(repo, version), do: Ecto.Migrator.run(repo, :down, to: version)
end
"""


def repo_of(module: str, app: str) -> str:
    return f"defmodule {module}.Repo do\n  use Ecto.Repo, otp_app: :{app}\nend\n"


APPS: dict[str, str | bytes] = {
    "mix.exs": UMBRELLA,
    "apps/store/mix.exs": app_of("store"),
    "apps/store/lib/store/release.ex": release_of("Store", "store"),
    "apps/store/lib/store/repo.ex": repo_of("Store", "store"),
    "apps/gate/mix.exs": app_of("gate", ""),
}


@pytest.mark.parametrize(
    ("more", "release", "expressions"),
    [
        ({}, "all", ["Store.Release.migrate()"]),
        ({}, "gate", []),
        ({}, "books", ["Store.Release.migrate()"]),
        # A module of the release that migrates an application which the release doesn't have.
        ({"apps/gate/lib/gate/release.ex": release_of("Gate", "store")}, "gate", []),
        # Gate has no repository.
        ({"apps/gate/lib/gate/release.ex": release_of("Gate", "gate")}, "all", ["Store.Release.migrate()"]),
        ({"apps/gate/lib/gate/release.ex": release_of("Gate", "gate")}, "gate", ["Gate.Release.migrate()"]),
        (
            {
                "apps/audit/mix.exs": app_of("audit"),
                "apps/audit/lib/audit/release.ex": release_of("Audit", "audit"),
                "apps/audit/lib/audit/repo.ex": repo_of("Audit", "audit"),
            },
            "books",
            ["Audit.Release.migrate()", "Store.Release.migrate()"],
        ),
        # A dependency inside the umbrella is in the release.
        ({"apps/gate/mix.exs": app_of("gate", "{:store, in_umbrella: true}")}, "gate", ["Store.Release.migrate()"]),
        # Mix compiles nothing of an umbrella's root.
        ({"lib/release.ex": release_of("Root", "gate")}, "gate", []),
    ],
)
def test_only_what_the_release_has_migrates_it(
    dict_tree: Any, more: dict[str, str | bytes], release: str, expressions: list[str]
) -> None:
    tree = dict_tree({**APPS, **more})
    read = project.read_project(tree)
    apps = umbrella.released_apps(read, select_release(read, release))
    found = find_migrations(tree, read, apps).found
    assert [each.expression for each in found] == expressions
    for each in found:
        assert each.rollback is not None
        assert f"REPO[{each.expression.partition('.')[0].lower()}]" in each.rollback
    assert bool(ecto_applications(read, apps)) == bool(expressions and expressions != ["Gate.Release.migrate()"])


@pytest.mark.parametrize(
    ("children", "line"),
    [
        ("{Ecto.Migrator, repos: Application.fetch_env!(:a, :ecto_repos), skip: skip_migrations?()}", 3),
        ("A.Repo,\n {Ecto.Migrator, repos: [A.Repo]}", 4),
        ("Supervisor.child_spec({Ecto.Migrator, repos: [A.Repo]}, id: :m)", 3),
        ("{A.Migrator, repos: [A.Repo]}", None),
        ("{:ok, Ecto.Migrator}", None),
    ],
)
def test_a_supervision_tree_that_migrates(dict_tree: Any, children: str, line: int | None) -> None:
    start = (
        f"defmodule A.Application do\n  def start(_, _) do\n    Supervisor.start_link([{children}], [])\n  end\nend\n"
    )
    found = migrations_of(dict_tree, {"lib/a/application.ex": start})
    assert (found.at_start.line if found.at_start else None) == line
    assert found.found == ()
