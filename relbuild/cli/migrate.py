"""relbuild migrate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli.options import Env, EnvFile, HeldRelease, Network, NoEnvCheck, Timeout
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


@verb("migrate")
def migrate(
    session: Session,
    image: Annotated[
        str | None,
        typer.Argument(metavar="[IMAGE]", help="Default: the image that runs at --on, else that of the project here."),
    ] = None,
    on: Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="TARGET",
            help="With the environment, networks, mounts and secrets of container:NAME or service:NAME.",
        ),
    ] = None,
    rollback_to: Annotated[
        str | None,
        typer.Option("--rollback-to", metavar="VERSION", help="Take back this migration and all later ones."),
    ] = None,
    pending: Annotated[bool, typer.Option("--pending", help="List what would run, and run nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the end of another migration of the target.")] = False,
    timeout: Timeout = None,
    env: Env = None,
    env_file: EnvFile = None,
    no_env_check: NoEnvCheck = False,
    network: Network = None,
    release: HeldRelease = None,
) -> Result:
    """Migrate the database with what the image says, in a one-off container, one at a time."""
    from relbuild.commands import migrate as command
    from relbuild.commands.around import around

    given = around(env or (), env_file or (), network, checked=not no_env_check)
    asked = command.Asked(on, rollback_to, pending, wait, release, timeout)
    return command.migrate(session, image, given, asked)
