"""The verbs that run a release and its own commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli.options import (
    CONTAINER,
    Env,
    EnvFile,
    Expression,
    Image,
    Network,
    NoEnvCheck,
    On,
    OnTarget,
    Release,
    ReleaseThere,
    ScriptFile,
    StopTimeout,
    Timeout,
)
from relbuild.cli.verb import verb
from relbuild.result import ReleaseVersion, Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session
    from relbuild.commands.variables import Environment
    from relbuild.result import Ran

PORTS = "Ports"


def _environment(
    env: list[str] | None, env_file: list[str] | None = None, network: str | None = None, no_env_check: bool = False
) -> Environment:
    from relbuild.commands.variables import given_environment

    return given_environment(env or (), env_file or (), network, checked=not no_env_check)


@verb(
    "run",
    "run --env-file dev.env --publish 4000",
    "run shop:1.2.0 --detach --name shop -- --memory 512m",
    docs="places.md",
)
def run(
    session: Session,
    image: Image = None,
    docker: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="Further options for docker run.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Run the container in the background and print its id.")
    ] = False,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The container's name.", rich_help_panel=CONTAINER)
    ] = None,
    env: Env = None,
    env_file: EnvFile = None,
    no_env_check: NoEnvCheck = False,
    network: Network = None,
    nofile: Annotated[
        str | None,
        typer.Option(
            "--nofile",
            metavar="SOFT[:HARD]",
            help="Limit the number of open files. Default: the engine's limit.",
            rich_help_panel=CONTAINER,
        ),
    ] = None,
    release: ReleaseThere = None,
    publish: Annotated[
        list[str] | None,
        typer.Option(
            "--publish",
            "-p",
            metavar="[HOST:]PORT",
            help="Publish a port of the container. Repeatable.",
            rich_help_panel=PORTS,
        ),
    ] = None,
    publish_all: Annotated[
        bool,
        typer.Option(
            "--publish-all",
            "-P",
            help="Publish the release's own ports on 127.0.0.1. Default in the foreground on a terminal.",
            rich_help_panel=PORTS,
        ),
    ] = False,
    no_publish: Annotated[bool, typer.Option("--no-publish", help="Publish no port.", rich_help_panel=PORTS)] = False,
    on: OnTarget = None,
    stop_timeout: StopTimeout = 30,
) -> Result:
    """Start the release in a container, with the docker run options that a release needs."""
    from relbuild.commands import run as command
    from relbuild.errors import UsageError

    if publish_all and no_publish:
        raise UsageError("--publish-all and --no-publish exclude each other", hint="give one of them")
    if image is not None and image.startswith("-"):  # no image has such a name: it came after the --
        docker = [image, *(docker or ())]
        image = None
    publishes = True if publish_all else False if no_publish else None
    boot = command.Boot(
        name, tuple(publish or ()), publishes, nofile, detach, stop_timeout, tuple(docker or ()), release
    )
    return command.run(session, image, on, _environment(env, env_file, network, no_env_check), boot)


@verb("ps", "ps", "ps --on production --json", docs="places.md")
def ps(
    session: Session,
    release: Release = None,
    on: OnTarget = None,
    stopped: Annotated[bool, typer.Option("--all", "-a", help="Also list containers that have stopped.")] = False,
) -> Result:
    """List this project's containers, or the copies that a target runs."""
    from relbuild.commands import ps as command

    return command.ps(session, on, stopped=stopped)


@verb("logs", "logs --follow --tail 100", "logs --on service:shop --since 10m", docs="places.md")
def logs(
    session: Session,
    release: Release = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow log output.")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", metavar="N", help="Show only the last N lines.", min=0)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="Show lines since a timestamp, or from the last 10m, 2h and the like."
        ),
    ] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Show the time of each line.")] = False,
    on: On = None,
) -> Result:
    """Show the log of this project's container."""
    from relbuild.commands import logs as command

    return command.logs(session, on, command.Lines(follow, tail, since, timestamps))


@verb(
    "eval", "eval 'IO.puts(System.version())'", "eval --file fix.exs --on image:shop:1.2.0 -- --dry", docs="places.md"
)
def evaluate(
    session: Session,
    expression: Expression = None,
    args: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGS]...", help="Arguments for the script, in System.argv().")
    ] = None,
    file: ScriptFile = None,
    on: On = None,
    release: ReleaseThere = None,
    env: Env = None,
    env_file: EnvFile = None,
    no_env_check: NoEnvCheck = False,
    network: Network = None,
    timeout: Timeout = None,
) -> Result:
    """Evaluate an Elixir expression with the release's code, in a new VM."""
    from relbuild.commands import evaluate as command

    script = command.Script(expression, file, tuple(args or ()))
    given = _environment(env, env_file, network, no_env_check)
    return command.evaluate(session, "eval", on, script, given, release, timeout)


@verb("rpc", "rpc 'IO.inspect(Node.list())'", "rpc --file fix.exs --on container:shop", docs="places.md")
def rpc(
    session: Session,
    expression: Expression = None,
    file: ScriptFile = None,
    on: On = None,
    release: ReleaseThere = None,
    env: Env = None,
    timeout: Timeout = None,
) -> Result:
    """Evaluate an Elixir expression in the running system."""
    from relbuild.commands import evaluate as command

    script = command.Script(expression, file)
    return command.evaluate(session, "rpc", on, script, _environment(env), release, timeout)


@verb("remote", "remote", "remote --on pod:shop-5d9c7b", docs="places.md")
def remote(session: Session, on: On = None, release: ReleaseThere = None, env: Env = None) -> Result:
    """Open an IEx shell in the running system; leave it with Ctrl-C twice."""
    return _release_command(session, "remote", on, _environment(env), release)


@verb("start-iex", "start-iex", "start-iex --on image:shop:1.2.0 --env-file dev.env", docs="places.md")
def start_iex(
    session: Session,
    on: On = None,
    release: ReleaseThere = None,
    env: Env = None,
    env_file: EnvFile = None,
    no_env_check: NoEnvCheck = False,
    network: Network = None,
) -> Result:
    """Start the system in a one-off container, with an IEx shell."""
    return _release_command(session, "start-iex", on, _environment(env, env_file, network, no_env_check), release)


@verb("pid", "pid", "pid --on container:shop", docs="places.md")
def pid(session: Session, on: On = None, release: ReleaseThere = None, timeout: Timeout = None) -> Result:
    """Print the operating system's process ID of the running system, inside its container."""
    return _release_command(session, "pid", on, _environment(None), release, timeout)


@verb("stop", "stop", "stop --on container:shop --timeout 60", docs="places.md")
def stop(session: Session, on: On = None, release: ReleaseThere = None, timeout: Timeout = None) -> Result:
    """Stop the running system; returns before it has stopped."""
    return _release_command(session, "stop", on, _environment(None), release, timeout)


@verb("restart", "restart", "restart --on container:shop", docs="places.md")
def restart(session: Session, on: On = None, release: ReleaseThere = None, timeout: Timeout = None) -> Result:
    """Restart the running system in the same VM; returns before it has restarted."""
    return _release_command(session, "restart", on, _environment(None), release, timeout)


@verb("version", "version", "version shop:1.2.0 --json", docs="places.md")
def version(
    session: Session,
    image: Image = None,
    on: On = None,
    release: ReleaseThere = None,
    timeout: Timeout = None,
) -> Result:
    """Print the release's name and version."""
    from relbuild.errors import UsageError

    if image is not None and on is not None:
        raise UsageError("IMAGE and --on exclude each other: both name a place", hint="give one of them")
    where = f"image:{image}" if image else on
    return ReleaseVersion(_release_command(session, "version", where, _environment(None), release, timeout))


def _release_command(
    session: Session,
    verb: str,
    on: str | None,
    environment: Environment,
    release: str | None,
    timeout: float | None = None,
) -> Ran:
    from relbuild.commands.call import CallRequest, call
    from relbuild.commands.places import find

    place = find(session, on, verb, environment, release)
    return call(session, place, CallRequest(verb, timeout=timeout), environment.values)
