"""The verb for the environment contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


@verb("env")
def env(
    session: Session,
    image: Annotated[
        str | None, typer.Argument(metavar="[IMAGE]", help="An image, by its label. Default: the project here.")
    ] = None,
    check: Annotated[
        str | None, typer.Option("--check", metavar="FILE", help="Exit with 1 when an env file lacks what is required.")
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Print an env file to be filled in.")] = False,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write the example there, if it isn't there.")
    ] = None,
) -> Result:
    """Show which environment variables the release needs, and when."""
    from relbuild.commands import environment as command
    from relbuild.errors import UsageError

    if check is not None and (example or output is not None):
        raise UsageError("--check and --example exclude each other", hint="give one of them")
    if check is not None:
        return command.check(session, image, check)
    if example or output is not None:
        return command.example(session, image, output)
    return command.show(session, image)
