"""The verbs that look at a project and build its image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli.options import Release, StopTimeout
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session


@verb("plan")
def plan(
    session: Session,
    release: Release = None,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Ask Mix itself, in a container, and show where it differs.")
    ] = False,
) -> Result:
    """What was found, what will be built, and why."""
    from relbuild.commands import plan as command

    return command.evaluated(session, release) if evaluate else command.plan(session, release)


@verb("dockerfile")
def dockerfile(
    session: Session,
    release: Release = None,
    write: Annotated[bool, typer.Option("--write", help="Write Dockerfile and .dockerignore.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when the written ones are stale.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --write: also over files that relbuild didn't write.")
    ] = False,
) -> Result:
    """Print the Dockerfile, write it, or check the written one."""
    from relbuild.commands import dockerfile as command
    from relbuild.errors import UsageError

    if write and check:
        raise UsageError("--write and --check exclude each other", hint="give one of them")
    if force and not write:
        raise UsageError("--force goes with --write")
    if write:
        return command.write(session, release, force=force)
    return (command.check if check else command.show)(session, release)


@verb("lock")
def lock(
    session: Session,
    release: Release = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 when something has moved.")] = False,
    platform: Annotated[
        list[str] | None,
        typer.Option("--platform", metavar="OS/ARCH", help="What the images must have. Default: this machine's."),
    ] = None,
) -> Result:
    """Pin the images that the build starts from in relbuild.lock, or tell what has moved."""
    from relbuild.commands import lock as command

    action = command.check if check else command.write
    return action(session, release, tuple(platform or ()))


@verb("image")
def image(
    session: Session,
    release: Release = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "-t", "--tag", metavar="NAME:TAG", help="The image's name, or :TAG alone. Default: IMAGE:VERSION."
        ),
    ] = None,
    push: Annotated[bool, typer.Option("--push", help="Push it; then the result is NAME@DIGEST.")] = False,
    cache_from: Annotated[
        list[str] | None,
        typer.Option("--cache-from", metavar="CACHE", help="Take steps from there, as buildx writes it."),
    ] = None,
    cache_to: Annotated[
        list[str] | None, typer.Option("--cache-to", metavar="CACHE", help="Keep the steps there, as buildx writes it.")
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            metavar="OS/ARCH",
            help="What it is for; several make one image for all. Default: relbuild.yml's, else the engine's own.",
        ),
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Tag it without the checks of relbuild verify.")
    ] = False,
    stop_timeout: StopTimeout = 30,
    sbom: Annotated[
        str | None, typer.Option("--sbom", metavar="FILE", help="Write its bill of materials there, as CycloneDX.")
    ] = None,
    clean: Annotated[
        bool, typer.Option("--clean", help="Take nothing up from earlier builds; files bear the commit's time.")
    ] = False,
    reproducible: Annotated[
        bool, typer.Option("--reproducible", help="Build it twice, cleanly, and name the files that differ.")
    ] = False,
) -> Result:
    """Build the release image, verify it, tag it, and push it when asked."""
    from relbuild.commands import image as command

    caches = command.Caches(tuple(cache_from or ()), tuple(cache_to or ()))
    return command.image(
        session,
        release=release,
        asked_tags=tuple(tag or ()),
        push=push,
        caches=caches,
        verify=not no_verify,
        stop_timeout=stop_timeout,
        bill=sbom,
        clean=clean,
        reproducible=reproducible,
        platforms=tuple(platform or ()),
    )


@verb("schema")
def schema(session: Session) -> Result:
    """Print the JSON Schema of relbuild.yml."""
    from relbuild.commands import schema as command

    return command.schema()
