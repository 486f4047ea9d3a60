"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

Release = Annotated[
    str | None, typer.Option("--release", metavar="NAME", help="The release, where the project has several.")
]
Env = Annotated[
    list[str] | None,
    typer.Option(
        "--env", "-e", metavar="NAME[=VALUE]", help="A variable for the container; NAME alone passes yours on."
    ),
]
EnvFile = Annotated[
    list[str] | None,
    typer.Option("--env-file", metavar="FILE", help="A file of variables (NAME=value) for the container."),
]
NoEnvCheck = Annotated[
    bool,
    typer.Option("--no-env-check", help="Start it although a variable it needs is missing."),
]
Network = Annotated[str | None, typer.Option("--network", metavar="NAME", help="The Docker network to join.")]
On = Annotated[
    str | None,
    typer.Option(
        "--on",
        metavar="TARGET",
        help="Where: image:REF, container:NAME, service:NAME, pod:NAME, deployment:NAME, or a target of relbuild.yml.",
    ),
]
HeldRelease = Annotated[
    str | None, typer.Option("--release", metavar="NAME", help="The release there, where the image doesn't say.")
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="SECONDS", help="End it when it takes longer; exit code 124.", min=0.1),
]
StopTimeout = Annotated[
    int, typer.Option("--stop-timeout", metavar="SECONDS", help="How long it may take to end after SIGTERM.", min=1)
]
Expression = Annotated[
    str | None, typer.Argument(metavar="[EXPR]", help="The Elixir expression; - reads a script from stdin.")
]
ScriptFile = Annotated[
    str | None, typer.Option("--file", metavar="FILE", help="A script of any length instead of EXPR; - is stdin.")
]
