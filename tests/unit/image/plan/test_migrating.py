"""Which migrate function is taken, and what the image's labels say of it."""

from __future__ import annotations

from relbuild import config as configuration
from relbuild.image.plan.contract import plan_migration
from relbuild.mix import project

MIX = 'defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: "1.0.0"{more}]\nend\n'
RELEASE = """\
defmodule A.Release do
  def migrate, do: 1
  def rollback(version), do: version
  def status, do: 1
end
"""
LABELS = {
    "io.relbuild.migrate": "A.Release.migrate()",
    "io.relbuild.rollback": "A.Release.rollback(VERSION)",
    "io.relbuild.pending": "A.Release.status()",
}
OVERLAY = {"rel/overlays/bin/migrate": "#!/bin/sh\n"}


SUPERVISED = "defmodule A.Application do\n  def start(_, _), do: [{Ecto.Migrator, repos: [A.Repo]}]\nend\n"


class Files(dict[str, str]):
    """A tree in memory."""

    def read(self, path: str) -> bytes | None:
        return self[path].encode() if path in self else None

    def list(self, directory: str) -> tuple[str, ...]:
        inside = f"{directory}/" if directory else ""
        names = {path.removeprefix(inside) for path in self if path.startswith(inside)}
        return tuple(sorted({name if "/" not in name else f"{name.partition('/')[0]}/" for name in names}))


def labels(files: dict[str, str], config: str = "", more: str = "") -> dict[str, str]:
    tree = Files({"mix.exs": MIX.format(more=more), **files})
    decided = plan_migration(tree, project.read_project(tree), (), configuration.parse(config.encode(), "relbuild.yml"))
    assert (decided.expression.value if decided.expression else None) == decided.labels.get("io.relbuild.migrate")
    return dict(decided.labels)


def test_what_is_found_is_labelled() -> None:
    assert labels({"lib/release.ex": RELEASE}) == LABELS
    assert labels({}) == {}


def test_the_releases_own_command_comes_beside_it() -> None:
    command = {"io.relbuild.migrate-command": "bin/migrate"}
    assert labels({"lib/release.ex": RELEASE, **OVERLAY}) == {**LABELS, **command}
    assert labels(OVERLAY) == command


def test_what_relbuild_yml_says_comes_first() -> None:
    files = {"lib/release.ex": RELEASE, **OVERLAY}
    assert labels(files, "migrate: A.up()\n") == {"io.relbuild.migrate": "A.up()"}
    # The function that is found anyway keeps its kin.
    assert labels(files, "migrate: A.Release.migrate()\n") == LABELS


def test_labels_name_the_applications_that_ecto_migrates_and_hold_no_program() -> None:
    more = ', deps: [{:ecto_sql, "~> 3.12"}]'
    assert labels({"lib/release.ex": RELEASE}, more=more) == {**LABELS, "io.relbuild.ecto-applications": "a"}
    assert labels({}, more=more) == {"io.relbuild.ecto-applications": "a"}


def test_repositories_that_nothing_migrates_are_reported_with_the_fix() -> None:
    files = {
        "mix.exs": MIX.format(more=', deps: [{:ecto_sql, "~> 3.12"}]'),
        "lib/a/repo.ex": "defmodule A.Repo do\n  use Ecto.Repo, otp_app: :a\nend\n",
    }
    told = ("no module of the release migrates A.Repo (lib/a/repo.ex:1): relbuild init writes one",)
    setup = "defmodule A.Tasks do\n  def setup, do: Ecto.Migrator.run(A.Repo, :up, all: true)\nend\n"
    unsure = (
        "A.Tasks.setup() (lib/a/tasks.ex:2) may migrate A.Repo (lib/a/repo.ex:1), and may do more: "
        "set `migrate:` in relbuild.yml",
    )
    for more, notes in (
        ({}, told),
        ({"lib/a/release.ex": RELEASE}, ()),
        (OVERLAY, ()),
        ({"lib/a/tasks.ex": setup}, unsure),
        ({"lib/a/application.ex": SUPERVISED}, ()),
    ):
        tree = Files({**files, **more})
        assert plan_migration(tree, project.read_project(tree), (), configuration.Config()).notes == notes
