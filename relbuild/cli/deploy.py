"""The verbs that bring an image to a target, and what it needs there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli import completion
from relbuild.cli.options import PLACE, TIME, Env, EnvFile, Network, NoEnvCheck, Release, ReleaseThere, Timeout
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


Target = Annotated[
    str | None,
    typer.Argument(
        metavar="[TARGET]",
        help="A target of relbuild.yml. Default: the only one.",
        autocompletion=completion.targets,
    ),
]
Wait = Annotated[
    bool,
    typer.Option(
        "--wait", help="Wait while another deployment or migration holds the target's lock.", rich_help_panel=TIME
    ),
]


@verb("deploy", "deploy production", "deploy production --image registry.example.com/shop:1.2.0", docs="deploy.md")
def deploy(
    session: Session,
    target: Target = None,
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="REF",
            help="Deploy this image. Default: the project's, built now.",
            autocompletion=completion.images,
        ),
    ] = None,
    render: Annotated[
        bool, typer.Option("--render", help="Print the Compose file, stack or manifests, and deploy nothing.")
    ] = False,
    no_migrate: Annotated[bool, typer.Option("--no-migrate", help="Run no migrations.")] = False,
    no_env_check: NoEnvCheck = False,
    release: Release = None,
    wait: Wait = False,
) -> Result:
    """Deploy an image: migrate, start the new version, and stop the old one when the new one is healthy."""
    from relbuild.commands import deploy as command

    migrate = False if no_migrate else None
    request = command.Request(target, image, release, wait, render, checked=not no_env_check, migrate=migrate)
    return command.deploy(session, request)


@verb("rollback", "rollback production", "rollback production 1.1.0", docs="deploy.md")
def rollback(
    session: Session,
    target: Target = None,
    version: Annotated[
        str | None,
        typer.Argument(metavar="[VERSION]", help="A version or revision of the history. Default: the one before."),
    ] = None,
    rollback_to: Annotated[
        str | None,
        typer.Option("--rollback-to", metavar="MIGRATION", help="Revert this migration and all later ones first."),
    ] = None,
    wait: Wait = False,
) -> Result:
    """Deploy an earlier version again, by its digest; the database stays as it is."""
    from relbuild.commands import deploy as command

    return command.rollback(session, target, version, wait=wait, rollback_to=rollback_to)


@verb("status", "status production", "status production --watch", docs="deploy.md")
def status(
    session: Session,
    target: Target = None,
    watch: Annotated[bool, typer.Option("--watch", help="Show every change, until Ctrl-C.")] = False,
) -> Result:
    """Show what a target runs: version, copies and their health, since when and by whom."""
    from relbuild.commands import deploy as command

    return command.watch(session, target) if watch else command.status(session, target)


@verb("history", "history production", "history production --json", docs="deploy.md")
def history(session: Session, target: Target = None) -> Result:
    """List the deployments of a target, the newest first."""
    from relbuild.commands import deploy as command

    return command.history(session, target)


@verb("undeploy", "undeploy staging", "undeploy staging --yes", docs="deploy.md")
def undeploy(
    session: Session,
    target: Target = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    wait: Wait = False,
) -> Result:
    """Remove what a target runs, with its secrets and network; its history stays."""
    from relbuild.commands import deploy as command

    confirm = None if yes or session.dry_run else partial(typer.confirm, default=False, err=True)
    return command.undeploy(session, target, confirm, wait=wait)


@verb("env", "env --check production.env", "env shop:1.2.0 --example --output .env.example", docs="environment.md")
def env(
    session: Session,
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="[IMAGE]", help="Read this image's labels. Default: the project.", autocompletion=completion.images
        ),
    ] = None,
    release: Release = None,
    check: Annotated[
        str | None,
        typer.Option("--check", metavar="FILE", help="Exit with 1 if an env file lacks a required variable."),
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Print an example env file.")] = False,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the example to FILE, unless the file exists."),
    ] = None,
) -> Result:
    """Show which environment variables the release requires, and when."""
    from relbuild.commands import environment as command
    from relbuild.errors import UsageError

    if check is not None and (example or output is not None):
        raise UsageError("--check and --example exclude each other", hint="give one of them")
    if check is not None:
        return command.check(session, image, check)
    if example or output is not None:
        return command.example(session, image, output)
    return command.show(session, image)


@verb(
    "migrate",
    "migrate --on service:shop",
    "migrate shop:1.2.0 --env DATABASE_URL --network backend",
    docs="migrations.md",
)
def migrate(
    session: Session,
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="[IMAGE]",
            help="Default: the image that runs at --on, else the newest image of this project.",
            autocompletion=completion.images,
        ),
    ] = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="List the pending migrations without running them.")
    ] = False,
    rollback_to: Annotated[
        str | None,
        typer.Option("--rollback-to", metavar="VERSION", help="Revert this migration and all later ones."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="PLACE",
            help="Use the environment, networks, mounts and secrets of container:NAME, service:NAME or a target.",
            rich_help_panel=PLACE,
            autocompletion=completion.places,
        ),
    ] = None,
    release: ReleaseThere = None,
    env: Env = None,
    env_file: EnvFile = None,
    no_env_check: NoEnvCheck = False,
    network: Network = None,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait for another migration of the same place to end.", rich_help_panel=TIME),
    ] = False,
    timeout: Timeout = None,
) -> Result:
    """Run the image's migrate expression in a one-off container, one at a time."""
    from relbuild.commands import migrate as command
    from relbuild.commands.variables import given_environment

    given = given_environment(env or (), env_file or (), network, checked=not no_env_check)
    request = command.MigrationRequest(on, rollback_to, pending, wait, release, timeout)
    return command.migrate(session, image, given, request)
