"""The verbs that prepare what an image needs where it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli import completion
from relbuild.cli.options import PLACE, TIME, Env, EnvFile, Network, NoEnvCheck, ReleaseThere, Timeout
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


@verb("env", "env --check production.env", "env shop:1.2.0 --example --output .env.example", docs="environment.md")
def env(
    session: Session,
    image: Annotated[
        str | None,
        typer.Argument(
            metavar="[IMAGE]", help="Read this image's labels. Default: the project.", autocompletion=completion.images
        ),
    ] = None,
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
    from relbuild.commands.around import around

    given = around(env or (), env_file or (), network, checked=not no_env_check)
    asked = command.Asked(on, rollback_to, pending, wait, release, timeout)
    return command.migrate(session, image, given, asked)
