"""The verbs that build an image and look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from relbuild.cli import completion
from relbuild.cli.options import Env, EnvFile, Image, Network, Release, StopTimeout
from relbuild.cli.verb import verb
from relbuild.result import Result

if TYPE_CHECKING:
    from relbuild.commands.session import Session

RESULT = "Result"
CACHE = "Cache"
CHECKS = "Checks"
PLATFORMS = "Platforms"


@verb(
    "image",
    "image",
    "image --tag registry.example.com/shop:1.2.0 --push",
    docs="images.md",
)
def image(
    session: Session,
    release: Release = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(
            "-t",
            "--tag",
            metavar="NAME:TAG",
            help="Tag the image; :TAG keeps the default name. Repeatable. Default: the release's name and version.",
            rich_help_panel=RESULT,
        ),
    ] = None,
    push: Annotated[
        bool,
        typer.Option("--push", help="Push the tags to their registries and print NAME@DIGEST.", rich_help_panel=RESULT),
    ] = False,
    sbom: Annotated[
        str | None,
        typer.Option(
            "--sbom", metavar="FILE", help="Write the bill of materials (CycloneDX) to FILE.", rich_help_panel=RESULT
        ),
    ] = None,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            metavar="OS/ARCH",
            help="Build for this platform; several make one multi-platform image. Default: platforms in relbuild.yml, "
            "else the engine's platform.",
            rich_help_panel=PLATFORMS,
        ),
    ] = None,
    cache_from: Annotated[
        list[str] | None,
        typer.Option(
            "--cache-from", metavar="CACHE", help="Import a build cache, as in docker buildx.", rich_help_panel=CACHE
        ),
    ] = None,
    cache_to: Annotated[
        list[str] | None,
        typer.Option(
            "--cache-to", metavar="CACHE", help="Export the build cache, as in docker buildx.", rich_help_panel=CACHE
        ),
    ] = None,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="Ignore the build cache, and use the commit's timestamp for all files.",
            rich_help_panel=CACHE,
        ),
    ] = False,
    reproducible: Annotated[
        bool,
        typer.Option(
            "--reproducible",
            help="Build twice without the cache and fail if the images differ; list the files that do.",
            rich_help_panel=CHECKS,
        ),
    ] = False,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Tag the image without verifying it.", rich_help_panel=CHECKS)
    ] = False,
    stop_timeout: StopTimeout = 30,
) -> Result:
    """Build the release's image, verify it and tag it; push it with --push."""
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


@verb("plan", "plan", "plan --evaluate", docs="configuration.md")
def plan(
    session: Session,
    release: Release = None,
    evaluate: Annotated[
        bool,
        typer.Option("--evaluate", help="Evaluate mix.exs with Mix, in a container, and show what differs."),
    ] = False,
) -> Result:
    """Show what relbuild found in the project, what it will build, and why."""
    from relbuild.commands import plan as command

    return command.evaluated(session, release) if evaluate else command.plan(session, release)


@verb("dockerfile", "dockerfile --write", "dockerfile --check", docs="images.md")
def dockerfile(
    session: Session,
    release: Release = None,
    write: Annotated[bool, typer.Option("--write", help="Write Dockerfile and .dockerignore.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 if the written files are stale.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="With --write: overwrite files that relbuild didn't write.")
    ] = False,
) -> Result:
    """Print the Dockerfile, write it, or check the written one."""
    from relbuild.commands import dockerfile as command
    from relbuild.errors import UsageError

    if write and check:
        raise UsageError("--write and --check exclude each other", hint="give one of them")
    if force and not write:
        raise UsageError("--force needs --write", hint="relbuild dockerfile --write --force")
    if write:
        return command.write(session, release, force=force)
    return (command.check if check else command.show)(session, release)


@verb("lock", "lock --check --platform linux/amd64 --platform linux/arm64", "lock show production", docs="images.md")
def lock(
    session: Session,
    action: Annotated[
        str | None,
        typer.Argument(metavar="[show|release]", help="Show or free the deployment lock of a target."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[TARGET]", help="The target to show or free.", autocompletion=completion.targets),
    ] = None,
    release: Release = None,
    check: Annotated[bool, typer.Option("--check", help="Exit with 1 if a base image has changed.")] = False,
    platform: Annotated[
        list[str] | None,
        typer.Option(
            "--platform",
            metavar="OS/ARCH",
            help="A platform that the base images must have. Default: this machine's.",
        ),
    ] = None,
) -> Result:
    """Pin the base images by digest in relbuild.lock, or check whether they have changed."""
    if action is not None:
        from relbuild.commands import deploy

        return deploy.lock(session, action, target)
    from relbuild.commands import lock as command

    pin = command.check if check else command.write
    return pin(session, release, tuple(platform or ()))


@verb("verify", "verify", "verify shop:1.2.0 --env-file production.env", docs="images.md")
def verify(
    session: Session,
    image: Image = None,
    release: Release = None,
    env: Env = None,
    env_file: EnvFile = None,
    network: Network = None,
    stop_timeout: StopTimeout = 30,
) -> Result:
    """Check a release image: that it boots and stops, its libraries, its user, and that it holds no secrets."""
    from relbuild.commands import verify as command
    from relbuild.commands.variables import given_environment

    return command.verify(session, image, given_environment(env or (), env_file or (), network), stop_timeout)


@verb("inspect", "inspect --html shop.html", "inspect shop:1.2.0 --against shop:1.1.0", docs="images.md")
def inspect(
    session: Session,
    image: Image = None,
    release: Release = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="IMAGE",
            help="Also show the differences from another image.",
            autocompletion=completion.images,
        ),
    ] = None,
    html: Annotated[
        str | None,
        typer.Option("--html", metavar="FILE", help="Write an HTML page with a map of the image's files."),
    ] = None,
) -> Result:
    """Show an image's layers, applications, base image, required environment, and how it was built."""
    from relbuild.commands import inspect as command

    return command.inspect(session, image, against, html)


@verb("sbom", "sbom", "sbom shop:1.2.0 --output shop.cdx.json", docs="images.md")
def sbom(
    session: Session,
    image: Image = None,
    release: Release = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write it to FILE. Default: -, which is stdout."),
    ] = None,
) -> Result:
    """Print the bill of materials of an image, as CycloneDX JSON."""
    from relbuild.commands import sbom as command

    return command.sbom(session, image, output)
