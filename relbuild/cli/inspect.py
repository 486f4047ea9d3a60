"""The verbs that look into an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session

Reference = Annotated[str | None, typer.Argument(metavar="[IMAGE]", help="Default: the image of the project here.")]


@verb("inspect")
def inspect(
    session: Session,
    image: Reference = None,
    against: Annotated[
        str | None, typer.Option("--against", metavar="IMAGE", help="Show the difference to another image, too.")
    ] = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write one page with a map of what takes the space, and more."),
    ] = None,
) -> Result:
    """Show what an image is made of: layers, applications and their sizes, base, contract, and how it was built."""
    from relbuild.commands import inspect as command

    return command.inspect(session, image, against, html)


@verb("sbom")
def sbom(
    session: Session,
    image: Reference = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there; - is stdout, the default.")
    ] = None,
) -> Result:
    """Print the bill of materials of an image, as CycloneDX."""
    from relbuild.commands import sbom as command

    return command.sbom(session, image, output)
