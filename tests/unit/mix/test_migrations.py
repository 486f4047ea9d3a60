"""Where the function that migrates is found, and where it is not."""

from __future__ import annotations

from typing import Any

import pytest

from relbuild.errors import Mark
from relbuild.mix import migrations, project
from relbuild.mix.migrations import Migrate

MIX = 'defmodule A do\n  use Mix.Project\n  def project, do: [app: :a, version: "1.0.0"{more}]\nend\n'
FILE = "lib/a/release.ex"


def found_in(dict_tree: Any, files: dict[str, str | bytes], more: str = "") -> tuple[Migrate, ...]:
    tree = dict_tree({"mix.exs": MIX.format(more=more), **files})
    return migrations.find(tree, project.read(tree))


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
    assert found == Migrate(f"{module}.migrate()", Mark(FILE, line, 3))


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
    tree = dict_tree({"mix.exs": MIX.format(more=""), **files})
    assert len(migrations.unsure(tree, project.read(tree))) == sum(module.count("def ") for module in modules)
    assert migrations.unsure(dict_tree({"mix.exs": MIX.format(more="")}), project.read(tree)) == ()


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
        Migrate("Root.Release.migrate()", Mark("lib/root.ex", 2, 3)),
        Migrate("One.Release.migrate()", Mark("apps/one/lib/deep/er/one.ex", 3, 5)),
        Migrate("Two.ReleaseTasks.migrate()", Mark("apps/two/src/two.ex", 2, 3)),
    )


def test_only_the_sources_are_listed_and_a_circle_ends(dict_tree: Any) -> None:
    class Circle(dict_tree):  # type: ignore[misc]
        listed = 0

        def list(self, directory: str) -> tuple[str, ...]:
            assert directory.split("/")[0] == "lib"
            Circle.listed += 1
            return ("again/",)

    tree = Circle({"mix.exs": MIX.format(more="")})
    assert migrations.find(tree, project.read(tree)) == ()
    assert 1 < Circle.listed < 100


REPO_ROLLBACK = (
    "Application.load(:a); case Application.fetch_env!(:a, :ecto_repos) do "
    "[repo] -> A.Release.rollback(repo, VERSION); "
    'repos -> raise "which of #{inspect(repos)}? A.Release.rollback/2 takes one of them" end'
)


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
def test_what_stands_beside_it(dict_tree: Any, functions: str, rollback: str | None, pending: str | None) -> None:
    content = f"defmodule A.Release do\n  def migrate, do: 1\n  {functions}\nend\n"
    assert found_in(dict_tree, {FILE: content}) == (
        Migrate("A.Release.migrate()", Mark(FILE, 2, 3), rollback, pending),
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
    assert migrations.overlay(tree, project.read(tree)) == expected


@pytest.mark.parametrize(
    ("deps", "has"),
    [
        ('{:ecto_sql, "~> 3.12"}', True),
        ('{:phoenix_ecto, "~> 4.6"}', False),
        ('{:ecto_sql, "~> 3.12", only: :test}', False),
        ("", False),
    ],
)
def test_ecto_tells_what_is_pending(dict_tree: Any, deps: str, has: bool) -> None:
    tree = dict_tree({"mix.exs": MIX.format(more=f", deps: [{deps}]")})
    expression = migrations.ecto_pending(project.read(tree))
    assert (expression is not None) == has
    assert expression is None or "for app <- [:a], Application.load(app), repo <- " in expression
