"""The verbs that run a release's own commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli.options import (
    Env,
    EnvFile,
    Expression,
    HeldRelease,
    Network,
    NoEnvCheck,
    On,
    ScriptFile,
    StopTimeout,
    Timeout,
)
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.around import Around
    from relbuild.commands.session import Session

Reference = Annotated[str | None, typer.Argument(metavar="[IMAGE]", help="Default: the image of the project here.")]


def _around(
    env: list[str] | None, env_file: list[str] | None, network: str | None, no_env_check: bool = False
) -> Around:
    from relbuild.commands.around import around

    return around(env or (), env_file or (), network, checked=not no_env_check)


@verb("run")
def run(
    session: Session,
    image: Reference = None,
    docker: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="More options for docker run.")
    ] = None,
    env: Env = None,
    env_file: EnvFile = None,
    no_env_check: NoEnvCheck = False,
    network: Network = None,
    publish: Annotated[
        list[str] | None, typer.Option("--publish", "-p", metavar="[HOST:]PORT", help="A published port.")
    ] = None,
    publish_all: Annotated[
        bool | None,
        typer.Option(
            "--publish-all/--no-publish",
            "-P",
            help="Publish the release's own ports on 127.0.0.1, or none. Default: in the foreground, on a terminal.",
        ),
    ] = None,
    nofile: Annotated[
        str | None,
        typer.Option("--nofile", metavar="SOFT[:HARD]", help="The limit of open files. Default: the engine's."),
    ] = None,
    release: HeldRelease = None,
    name: Annotated[str | None, typer.Option("--name", help="The container's name.")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Leave it running and print its id.")] = False,
    stop_timeout: StopTimeout = 30,
) -> Result:
    """Start the release with docker run and what a release needs."""
    from relbuild.commands import run as command

    if image is not None and image.startswith("-"):  # no image is named so: it came after the --
        docker = [image, *(docker or ())]
        image = None
    boot = command.Boot(
        name, tuple(publish or ()), publish_all, nofile, detach, stop_timeout, tuple(docker or ()), release
    )
    return command.run(session, image, _around(env, env_file, network, no_env_check), boot)


@verb("verify")
def verify(
    session: Session,
    image: Reference = None,
    env: Env = None,
    env_file: EnvFile = None,
    network: Network = None,
    stop_timeout: StopTimeout = 30,
) -> Result:
    """Try a release image out: libraries, user, read-only root, commands, stopping, secrets, size."""
    from relbuild.commands import verify as command

    return command.verify(session, image, _around(env, env_file, network), stop_timeout)


@verb("eval")
def evaluate(
    session: Session,
    expression: Expression = None,
    args: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="Arguments it finds in System.argv().")
    ] = None,
    file: ScriptFile = None,
    on: On = None,
    env: Env = None,
    env_file: EnvFile = None,
    no_env_check: NoEnvCheck = False,
    network: Network = None,
    release: HeldRelease = None,
    timeout: Timeout = None,
) -> Result:
    """Evaluate an Elixir expression with the release's code in a VM of its own."""
    from relbuild.commands import evaluate as command

    asked = command.Script(expression, file, tuple(args or ()))
    given = _around(env, env_file, network, no_env_check)
    return command.evaluate(session, "eval", on, asked, given, release, timeout)


@verb("rpc")
def rpc(
    session: Session,
    expression: Expression = None,
    file: ScriptFile = None,
    on: On = None,
    env: Env = None,
    release: HeldRelease = None,
    timeout: Timeout = None,
) -> Result:
    """Evaluate an Elixir expression inside the running system."""
    from relbuild.commands import evaluate as command

    asked = command.Script(expression, file)
    return command.evaluate(session, "rpc", on, asked, _around(env, None, None), release, timeout)


@verb("remote")
def remote(session: Session, on: On = None, env: Env = None, release: HeldRelease = None) -> Result:
    """Open IEx in the running system; Ctrl-C twice, or Ctrl-G and q, leave it."""
    return _plain(session, "remote", on, _around(env, None, None), release)


@verb("start-iex")
def start_iex(
    session: Session,
    on: On = None,
    env: Env = None,
    env_file: EnvFile = None,
    no_env_check: NoEnvCheck = False,
    network: Network = None,
    release: HeldRelease = None,
) -> Result:
    """Start the system with IEx attached, in a one-off container."""
    return _plain(session, "start-iex", on, _around(env, env_file, network, no_env_check), release)


@verb("pid")
def pid(session: Session, on: On = None, release: HeldRelease = None, timeout: Timeout = None) -> Result:
    """Print the running system's process id, inside its container."""
    return _plain(session, "pid", on, _around(None, None, None), release, timeout)


@verb("stop")
def stop(session: Session, on: On = None, release: HeldRelease = None, timeout: Timeout = None) -> Result:
    """Stop the running system; returns before it has stopped."""
    return _plain(session, "stop", on, _around(None, None, None), release, timeout)


@verb("restart")
def restart(session: Session, on: On = None, release: HeldRelease = None, timeout: Timeout = None) -> Result:
    """Restart the running system inside its VM; returns before it has."""
    return _plain(session, "restart", on, _around(None, None, None), release, timeout)


@verb("version")
def version(
    session: Session, image: Reference = None, on: On = None, release: HeldRelease = None, timeout: Timeout = None
) -> Result:
    """Print the release's name and version."""
    from relbuild.errors import UsageError

    if image is not None and on is not None:
        raise UsageError("an image and --on both say where", hint="give one of them")
    where = f"image:{image}" if image else on
    return _plain(session, "version", where, _around(None, None, None), release, timeout)


@verb("logs")
def logs(
    session: Session,
    on: On = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", metavar="LINES", help="The last lines alone.", min=0)
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="From a time on, or a while ago: 10m, 2h.")
    ] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="With the time of each line.")] = False,
) -> Result:
    """Show what this project's container has written."""
    from relbuild.commands import logs as command

    return command.logs(session, on, command.Lines(follow, tail, since, timestamps))


@verb("ps")
def ps(
    session: Session,
    stopped: Annotated[bool, typer.Option("--all", "-a", help="Those that have stopped, too.")] = False,
) -> Result:
    """List this project's containers."""
    from relbuild.commands import ps as command

    return command.ps(session, stopped=stopped)


def _plain(
    session: Session,
    verb: str,
    on: str | None,
    around: Around,
    release: str | None,
    timeout: float | None = None,
) -> Result:
    from relbuild.commands.call import Asked, call
    from relbuild.commands.place import find

    found = find(session, on, verb, around, release)
    return call(session, found, Asked(verb, timeout=timeout), around.values)
