"""The verbs that run a release's own commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli.options import Env, EnvFile, Network, On
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.around import Around
    from relbuild.commands.session import Session

Reference = Annotated[str | None, typer.Argument(metavar="[IMAGE]", help="Default: the image of the project here.")]


def _around(env: list[str] | None, env_file: list[str] | None, network: str | None) -> Around:
    from relbuild.commands.around import around

    return around(env or (), env_file or (), network)


@verb("run")
def run(
    session: Session,
    image: Reference = None,
    docker: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="More options for docker run.")
    ] = None,
    env: Env = None,
    env_file: EnvFile = None,
    network: Network = None,
    publish: Annotated[
        list[str] | None, typer.Option("--publish", "-p", metavar="[HOST:]PORT", help="A published port.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="The container's name.")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave it running and print its id.")] = False,
    stop_timeout: Annotated[int, typer.Option("--stop-timeout", metavar="SECONDS", help="Time to drain.", min=1)] = 30,
) -> Result:
    """Start the release with docker run and what a release needs."""
    from relbuild.commands import run as command

    if image is not None and image.startswith("-"):  # no image is named so: it came after the --
        docker = [image, *(docker or ())]
        image = None
    boot = command.Boot(name, tuple(publish or ()), detach, stop_timeout, tuple(docker or ()))
    return command.run(session, image, _around(env, env_file, network), boot)


@verb("eval")
def evaluate(
    session: Session,
    expression: Annotated[str, typer.Argument(metavar="EXPR", help="The Elixir expression.")],
    args: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="Arguments it finds in System.argv().")
    ] = None,
    on: On = None,
    env: Env = None,
    env_file: EnvFile = None,
    network: Network = None,
) -> Result:
    """Evaluate an Elixir expression with the release's code in a VM of its own."""
    from relbuild.commands.place import run_on

    return run_on(session, on, "eval", (expression, *(args or ())), _around(env, env_file, network))


@verb("migrate")
def migrate(
    session: Session,
    image: Reference = None,
    env: Env = None,
    env_file: EnvFile = None,
    network: Network = None,
) -> Result:
    """Migrate the database with the expression the image carries."""
    from relbuild.commands import migrate as command

    return command.migrate(session, image, _around(env, env_file, network))


@verb("version")
def version(session: Session, image: Reference = None, on: On = None) -> Result:
    """Print the release's name and version."""
    from relbuild.commands.around import Around
    from relbuild.commands.place import run_on
    from relbuild.errors import UsageError

    if image is not None and on is not None:
        raise UsageError("an image and --on both say where", hint="give one of them")
    return run_on(session, f"image:{image}" if image else on, "version", (), Around())
