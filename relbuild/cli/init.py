"""The verb that makes a project ready."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from relbuild.cli.options import Release
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


@verb("init")
def init(
    session: Session,
    release: Release = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Write without asking; the diff is shown all the same.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Make anew what is there already, too.")] = False,
    toolchain: Annotated[
        Literal["hexpm", "official", "debian", "source"] | None,
        typer.Option("--toolchain", help="Where Elixir comes from, for relbuild.yml."),
    ] = None,
    ci: Annotated[
        Literal["github", "gitlab"] | None,
        typer.Option("--ci", help="A workflow that builds, pushes and migrates, too."),
    ] = None,
) -> Result:
    """Write relbuild.yml, rel/ files and what else a release needs and is missing, after showing the difference."""
    from relbuild import output
    from relbuild.commands import init as command

    wish = command.Wish(release, toolchain, ci, force, settings=session.config_file is None)
    asks = output.interactive() and not session.as_json
    return command.init(session, wish, yes=yes, show=output.show_diff, confirm=output.confirm if asks else None)
