"""The verbs that change a project, or report on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from relbuild.cli.options import Release
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


@verb("init", "init", "init --yes --ci github --target swarm", docs="configuration.md")
def init(
    session: Session,
    release: Release = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Write the files without asking.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    toolchain: Annotated[
        Literal["hexpm", "official", "debian", "source"] | None,
        typer.Option("--toolchain", help="Set the provider of Elixir and OTP in relbuild.yml."),
    ] = None,
    ci: Annotated[
        Literal["github", "gitlab"] | None,
        typer.Option("--ci", help="Also write a workflow that builds, pushes and migrates."),
    ] = None,
    target: Annotated[
        Literal["host", "swarm", "kubernetes"] | None,
        typer.Option("--target", help="Write a deployment target with the variables that the release requires."),
    ] = None,
) -> Result:
    """Write relbuild.yml and the files that a release in a container needs, after showing the diff."""
    from relbuild import output
    from relbuild.commands import init as command

    options = command.InitOptions(release, toolchain, ci, target, force, settings=session.config_file is None)
    asks = output.interactive() and not session.as_json
    return command.init(session, options, yes=yes, show=output.show_diff, confirm=output.confirm if asks else None)


@verb("convert", "convert | git apply", "convert --write", docs="distillery.md")
def convert(
    session: Session,
    write: Annotated[
        bool, typer.Option("--write", help="Change the files of the project: all of them, or none.")
    ] = False,
) -> Result:
    """Convert a Distillery project to mix release: print the diff, and list what remains to be done by hand."""
    from relbuild.commands import convert as command

    return command.convert(session, write=write)


@verb("doctor", "doctor", "doctor --host ssh://deploy@build.example.com", docs="troubleshooting.md")
def doctor(session: Session, release: Release = None) -> Result:
    """Check the project and the Docker Engine for problems, and show how to fix each."""
    from relbuild.commands import doctor as command

    return command.doctor(session, release)


@verb("schema", "schema > relbuild.schema.json", "schema --json", docs="configuration.md")
def schema(session: Session) -> Result:
    """Print the JSON Schema of relbuild.yml."""
    from relbuild.commands import schema as command

    return command.schema()
