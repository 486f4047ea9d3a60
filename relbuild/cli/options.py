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
Network = Annotated[str | None, typer.Option("--network", metavar="NAME", help="The Docker network to join.")]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="TARGET", help="Where: image:REF or container:NAME; else the project's image."),
]
