"""Which function of the project migrates the database, and the labels by which the image says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relbuild.config import Config
from relbuild.errors import Mark
from relbuild.facts import Known, Tree
from relbuild.image import labels
from relbuild.mix import migrations
from relbuild.mix.migrations import Migrate, ecto_pending, find_migrations, overlay
from relbuild.mix.project import Project


@dataclass(frozen=True, slots=True)
class Migrating:
    """The expression that migrates, the labels of the image for it, for rollback and pending migrations, and notes.

    `at_start` is where the release migrates when it starts, in a supervision tree.
    """

    expression: Known[str] | None
    labels: Mapping[str, str]
    notes: tuple[str, ...] = ()
    at_start: Mark | None = None


def decide(tree: Tree, project: Project, apps: tuple[Project, ...], config: Config) -> Migrating:
    """Return the expression of relbuild.yml, else what lib/ and rel/overlays have; `apps` are the release's."""
    migrations = find_migrations(tree, project, apps)
    found = migrations.found
    pending = ecto_pending(project, apps)
    if config.migrate is not None:
        expression = Known(config.migrate, config.marks.get("migrate", Mark("relbuild.yml", 1)))
        chosen = next((each for each in found if each.expression == config.migrate.strip()), None)
        return Migrating(expression, _labels(expression, chosen, None, pending), (), migrations.at_start)
    command = overlay(tree, project)
    if not found:
        notes = () if command or migrations.at_start else _unmigrated(tree, project, apps, migrations.unsure)
        return Migrating(None, _labels(None, None, command, pending), notes, migrations.at_start)
    first = Known(found[0].expression, found[0].at)
    return Migrating(first, _labels(first, found[0], command, pending), _several(found), migrations.at_start)


def _unmigrated(
    tree: Tree, project: Project, apps: tuple[Project, ...], unsure: tuple[Migrate, ...]
) -> tuple[str, ...]:
    compiled = apps if project.umbrella else (project,)
    repos = [repo for each in migrations.find_databases(tree, project, compiled) for repo in each.repos]
    if not repos:
        return ()
    names = " and ".join(f"{repo.module} ({repo.at.brief})" for repo in repos)
    if unsure:
        functions = " and ".join(f"{each.expression} ({each.at.brief})" for each in unsure)
        return (f"{functions} may migrate {names}, and may do more: set `migrate:` in relbuild.yml",)
    return (f"no module of the release migrates {names}: relbuild init writes one",)


def _several(found: tuple[Migrate, ...]) -> tuple[str, ...]:
    if len(found) == 1:
        return ()
    others = ", ".join(f"{each.expression} ({each.at.brief})" for each in found[1:])
    return (
        f"the release has several migrate functions: the image uses {found[0].expression}, not {others}; "
        "`migrate:` in relbuild.yml chooses another",
    )


def _labels(
    expression: Known[str] | None, chosen: Migrate | None, command: str | None, pending: str | None
) -> Mapping[str, str]:
    values = {
        labels.MIGRATE: expression.value if expression else None,
        labels.MIGRATE_COMMAND: command,
        labels.ROLLBACK: chosen.rollback if chosen else None,
        labels.PENDING: (chosen.pending if chosen else None) or pending,
    }
    return {name: value for name, value in values.items() if value is not None}
