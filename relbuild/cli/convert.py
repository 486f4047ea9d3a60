"""The verb that moves a project from Distillery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


@verb("convert")
def convert(
    session: Session,
    write: Annotated[bool, typer.Option("--write", help="Write and remove the files: all of them, or none.")] = False,
) -> Result:
    """Turn a Distillery project into one for mix release: print the difference, or --write it; say what is left."""
    from relbuild.commands import convert as command

    return command.convert(session, write=write)
