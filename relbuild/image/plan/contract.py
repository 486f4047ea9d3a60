"""What an image promises: that it starts its release, how it migrates the database, and the labels with both."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from relbuild import __version__
from relbuild.config import Config, Steps
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Known, Tree
from relbuild.image import labels
from relbuild.image.reference import Reference
from relbuild.mix import migrations
from relbuild.mix.environment import Contract, to_label
from relbuild.mix.migrations import Migrate, ecto_applications, find_migrations, overlay
from relbuild.mix.project import Project, Release
from relbuild.release.boot_script import ROOT

OVERLAYS = "overlays/"
# Debian's packages that have a VM, and those that bring one along.
VM = re.compile(r"erlang|elixir")


def start_notes(tree: Tree, release: Release, config: Config) -> tuple[str, ...]:
    """Return a note for each option that leaves out what the image starts with, where something else may put it there.

    Raises ProjectError where nothing can: neither a step of the release nor an overlay, a step of the build nor a
    package.
    """
    missing = (*_script(release), *_vm(release, config))
    if not missing:
        return ()
    packages = bool(config.runner.packages)
    if not _adds(tree, release, config):
        # A package may bring a VM along, but never the release's script.
        sure = [problem for problem, by_package in missing if not (by_package and packages)]
        if sure:
            raise ProjectError.of(sure)
    return tuple(
        f"{problem.message} ({_brief_place(problem.at)}): something else must add it" for problem, _ in missing
    )


def _script(release: Release) -> Iterator[tuple[Problem, bool]]:
    wanted = release.include_executables_for
    if isinstance(wanted, Known) and "unix" not in wanted.value:
        yield (
            Problem(
                f"release {release.name}: include_executables_for leaves out bin/{release.name}, which the image "
                "starts with",
                wanted.at,
                "add :unix to it",
            ),
            False,
        )


def _vm(release: Release, config: Config) -> Iterator[tuple[Problem, bool]]:
    """Yield what is missing without ERTS; an image of the user's own may well have it."""
    included = release.include_erts
    if not isinstance(included, Known) or included.value is not False or config.runner.base not in ("slim", "minimal"):
        return
    if not any(VM.search(package) for package in config.runner.packages):
        yield (
            Problem(
                f"release {release.name}: include_erts: false leaves out the VM, which a {config.runner.base} runner "
                "doesn't have",
                included.at,
                "leave include_erts out; or name an image that has the builder's Erlang/OTP in runner.base of "
                "relbuild.yml",
            ),
            True,
        )


def _adds(tree: Tree, release: Release, config: Config) -> bool:
    """Return whether the release or its build may have what Mix leaves out."""
    steps = release.steps
    own_steps = steps is not None and not (isinstance(steps, Known) and "function" not in steps.value)
    overlays = release.overlays is not None or OVERLAYS in tree.list("rel")
    return own_steps or overlays or config.builder.steps != Steps()


def _brief_place(at: Mark | None) -> str:
    return at.brief if at else "mix.exs"


@dataclass(frozen=True, slots=True)
class MigrationPlan:
    """The expression that migrates, the labels of the image for it, for rollback and pending migrations, and notes.

    `at_start` is where the release migrates when it starts, in a supervision tree.
    """

    expression: Known[str] | None
    labels: Mapping[str, str]
    notes: tuple[str, ...] = ()
    at_start: Mark | None = None


def plan_migration(tree: Tree, project: Project, apps: tuple[Project, ...], config: Config) -> MigrationPlan:
    """Return the expression of relbuild.yml, else what lib/ and rel/overlays have; `apps` are the release's."""
    migrations = find_migrations(tree, project, apps)
    found = migrations.found
    ecto = ecto_applications(project, apps)
    if config.migrate is not None:
        expression = Known(config.migrate, config.marks.get("migrate", Mark("relbuild.yml", 1)))
        chosen = next((each for each in found if each.expression == config.migrate.strip()), None)
        return MigrationPlan(expression, _labels(expression, chosen, None, ecto), (), migrations.at_start)
    command = overlay(tree, project)
    if not found:
        notes = () if command or migrations.at_start else _unmigrated(tree, project, apps, migrations.unsure)
        return MigrationPlan(None, _labels(None, None, command, ecto), notes, migrations.at_start)
    first = Known(found[0].expression, found[0].at)
    return MigrationPlan(first, _labels(first, found[0], command, ecto), _several(found), migrations.at_start)


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
    expression: Known[str] | None, chosen: Migrate | None, command: str | None, ecto: tuple[str, ...]
) -> Mapping[str, str]:
    values = {
        labels.MIGRATE: expression.value if expression else None,
        labels.MIGRATE_COMMAND: command,
        labels.ROLLBACK: chosen.rollback if chosen else None,
        labels.PENDING: chosen.pending if chosen else None,
        labels.ECTO_APPLICATIONS: " ".join(ecto) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def image_labels(
    release: Release,
    required: Contract,
    *,
    applications: tuple[str, ...],
    repositories: Mapping[str, str],
    base: str | None,
    more: Mapping[str, str],
) -> Mapping[str, str]:
    """Return a release image's labels, by name; ``base`` is its base image, where there is one."""
    values = {
        labels.BUILT_BY: f"relbuild {__version__}",
        labels.RELEASE: release.name,
        labels.ROOT: ROOT,
        labels.OCI_TITLE: release.name,
        **more,
        **_base_labels(base),
    }
    if not required.empty:
        values[labels.ENVIRONMENT] = to_label(required)
    if isinstance(release.version, Known):
        values[labels.VERSION] = release.version.value
        values[labels.OCI_VERSION] = release.version.value
    if applications:
        values[labels.APPLICATIONS] = " ".join(applications)
    if repositories:
        values[labels.REPOSITORIES] = " ".join(f"{name}={url}" for name, url in sorted(repositories.items()))
    return dict(sorted(values.items()))


def _base_labels(image: str | None) -> Mapping[str, str]:
    if image is None:
        return {}
    base = Reference.parse(image)
    name = str(replace(base, digest=None) if base.tag else base)
    digest = {} if base.digest is None else {labels.OCI_BASE_DIGEST: base.digest}
    return {labels.OCI_BASE_NAME: name, **digest}
