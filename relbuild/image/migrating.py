"""Which function of the project migrates the database, and the labels by which the image says so."""

from __future__ import annotations

from collections.abc import Mapping

from relbuild.config import Config
from relbuild.errors import Mark
from relbuild.image import labels
from relbuild.mix import migrations
from relbuild.mix.facts import Known, Tree
from relbuild.mix.migrations import Migrate
from relbuild.mix.project import Project
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Migrating:
    """The expression that migrates, the labels of the image for it and its kin, and what is worth a note."""

    expression: Known[str] | None
    labels: Mapping[str, str]
    notes: tuple[str, ...] = ()


def decide(tree: Tree, project: Project, config: Config) -> Migrating:
    """Return what relbuild.yml says, else what is found in lib/ and rel/overlays."""
    found = migrations.find(tree, project)
    if config.migrate is not None:
        expression = Known(config.migrate, config.marks.get("migrate", Mark("relbuild.yml", 1)))
        chosen = next((each for each in found if each.expression == config.migrate.strip()), None)
        return Migrating(expression, _labels(expression, chosen, None, project))
    command = migrations.overlay(tree, project)
    if not found:
        notes = () if command else _unmigrated(tree, project)
        return Migrating(None, _labels(None, None, command, project), notes)
    first = Known(found[0].expression, found[0].at)
    return Migrating(first, _labels(first, found[0], command, project), _several(found))


def _unmigrated(tree: Tree, project: Project) -> tuple[str, ...]:
    from relbuild.mix import ecto

    repos = [repo for each in ecto.find(tree, project) for repo in each.repos]
    if not repos:
        return ()
    names = " and ".join(f"{repo.module} ({repo.at.brief})" for repo in repos)
    unsure = " and ".join(f"{each.expression} ({each.at.brief})" for each in migrations.unsure(tree, project))
    if unsure:
        return (f"what migrates {names} can't be told from {unsure}: `migrate:` in relbuild.yml decides",)
    return (f"no module of the release migrates {names}: relbuild init writes one",)


def _several(found: tuple[Migrate, ...]) -> tuple[str, ...]:
    if len(found) == 1:
        return ()
    others = ", ".join(f"{each.expression} ({each.at.brief})" for each in found[1:])
    return (
        f"several migrate functions: {found[0].expression} is taken, not {others}; `migrate:` in relbuild.yml decides",
    )


def _labels(
    expression: Known[str] | None, chosen: Migrate | None, command: str | None, project: Project
) -> Mapping[str, str]:
    values = {
        labels.MIGRATE: expression.value if expression else None,
        labels.MIGRATE_COMMAND: command,
        labels.ROLLBACK: chosen.rollback if chosen else None,
        labels.PENDING: (chosen.pending if chosen else None) or migrations.ecto_pending(project),
    }
    return {name: value for name, value in values.items() if value is not None}
