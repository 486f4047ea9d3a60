"""Options and arguments that several verbs share, by the panel of the help that they are in."""

from __future__ import annotations

from typing import Annotated

import typer

from relbuild.cli import completion

CONTAINER = "Container"
PLACE = "Place"
TIME = "Time limits"

Release = Annotated[
    str | None, typer.Option("--release", metavar="NAME", help="Which release, in a project that defines several.")
]
Image = Annotated[
    str | None,
    typer.Argument(
        metavar="[IMAGE]", help="Default: the newest image of this project.", autocompletion=completion.images
    ),
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env",
        "-e",
        metavar="NAME[=VALUE]",
        help="Set an environment variable; NAME alone passes the variable of this shell.",
        rich_help_panel=CONTAINER,
    ),
]
EnvFile = Annotated[
    list[str] | None,
    typer.Option(
        "--env-file",
        metavar="FILE",
        help="Read environment variables from a file of NAME=value lines.",
        rich_help_panel=CONTAINER,
    ),
]
NoEnvCheck = Annotated[
    bool,
    typer.Option(
        "--no-env-check", help="Start it even if a required environment variable is missing.", rich_help_panel=CONTAINER
    ),
]
Network = Annotated[
    str | None,
    typer.Option("--network", metavar="NAME", help="Connect to a Docker network.", rich_help_panel=CONTAINER),
]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="PLACE",
        help="Run it there: image:REF, container:NAME, service:NAME, pod:NAME, deployment:NAME, or the name of a "
        "target in relbuild.yml. Default: the running container of this project.",
        rich_help_panel=PLACE,
        autocompletion=completion.places,
    ),
]
OnTarget = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="TARGET",
        help="At this target of relbuild.yml. Default: the Docker Engine here.",
        rich_help_panel=PLACE,
        autocompletion=completion.targets,
    ),
]
ReleaseThere = Annotated[
    str | None,
    typer.Option(
        "--release",
        metavar="NAME",
        help="The release's name, for an image without relbuild's labels.",
        rich_help_panel=PLACE,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        help="Stop it after this time, with exit code 124.",
        min=0.1,
        rich_help_panel=TIME,
    ),
]
StopTimeout = Annotated[
    int,
    typer.Option(
        "--stop-timeout",
        metavar="SECONDS",
        help="The time that the release has to stop after SIGTERM.",
        min=1,
        rich_help_panel=TIME,
    ),
]
Expression = Annotated[
    str | None, typer.Argument(metavar="[EXPR]", help="The Elixir expression; - reads a script from stdin.")
]
ScriptFile = Annotated[
    str | None, typer.Option("--file", metavar="FILE", help="Read the script from a file instead; - is stdin.")
]
