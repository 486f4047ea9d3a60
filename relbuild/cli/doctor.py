"""The verb that looks for what may go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relbuild.cli.options import Release
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


@verb("doctor")
def doctor(session: Session, release: Release = None) -> Result:
    """Look for hazards of the project and of the engine that builds it, and say what mends each."""
    from relbuild.commands import doctor as command

    return command.doctor(session, release)
