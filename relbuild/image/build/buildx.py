"""The docker commands that build, tag, push and pull an image, and that evaluate mix.exs in the builder image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from relbuild import templates
from relbuild.endpoint import Endpoint
from relbuild.image.dockerfile.render import CACHE, SCRIPTS_CONTEXT, secret_exports, step_mounts
from relbuild.image.plan.plan import Plan
from relbuild.image.plan.stages import BuilderStages
from relbuild.mix.evaluation import DIRECTORY


@dataclass(frozen=True, slots=True)
class Caches:
    """The build caches to import and export, as buildx writes them: ``type=registry,ref=…,mode=max``."""

    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clean:
    """A build that ignores what earlier builds cached, so that equal input gives an equal image.

    `epoch` is the time of all files, in seconds since 1970 (https://reproducible-builds.org/specs/source-date-epoch/);
    None for the present. `archive` is the file that gets the image if the engine's store can't set its files' times.
    """

    epoch: int | None = None
    archive: str | None = None


def build(
    plan: Plan,
    endpoint: Endpoint,
    *,
    dockerfile: str,
    tag: str,
    context: str,
    scripts: str,
    secrets: Mapping[str, str],
    cache: str = "",
    platforms: tuple[str, ...] = (),
    caches: Caches = Caches(),
    clean: Clean | None = None,
) -> tuple[str, ...]:
    """Return the argv that builds the image into the engine's store; ``secrets`` are the source of each secret.

    ``scripts`` is the directory of the Dockerfile's scripts, and ``cache`` names the project's caches. Without
    platforms the image is for the engine's own.

    Provenance would make an index of the image, which some platforms refuse (buildx #1533).
    """
    archive = clean.archive if clean else None
    output = ("--output", f"type=docker,dest={archive},rewrite-timestamp=true") if archive else ("--load",)
    argv = [*endpoint.docker, "buildx", "build", *output, "--progress", "rawjson", "--provenance=false"]
    argv += ["--platform", ",".join(platforms)] if platforms else []
    argv += given(plan.builder, secrets)
    argv += ["--build-context", f"{SCRIPTS_CONTEXT}={scripts}"]
    argv += ["--build-arg", f"{CACHE}={cache}"] if cache and not clean else []
    if clean:
        # Not --no-cache: BuildKit before 0.19 ends the whole engine when such a build shares steps with another at the
        # same time (moby/buildkit #5606).
        argv += ["--build-arg", f"FRESH={tag}"]
        argv += ["--build-arg", f"SOURCE_DATE_EPOCH={clean.epoch}"] if clean.epoch is not None else []
    for source in caches.sources:
        argv += ["--cache-from", source]
    for destination in caches.destinations:
        argv += ["--cache-to", destination]
    return (*argv, "--tag", tag, "--file", dockerfile, context)


def given(builder: BuilderStages, secrets: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options that give the build its secrets, the ssh agent and its network."""
    options = [option for name, source in secrets.items() for option in ("--secret", f"id={name},{source}")]
    options += ["--ssh", "default"] if builder.needs_ssh else []
    options += ["--network", builder.network] if builder.network != "default" else []
    return tuple(options)


def load(archive: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that loads an image from an archive into the engine's store."""
    return (*endpoint.docker, "load", "--quiet", "--input", archive)


def tag(image: str, reference: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that tags an image."""
    return (*endpoint.docker, "tag", image, reference)


def untag(reference: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that removes a tag; the image stays while it has another."""
    return (*endpoint.docker, "image", "rm", "--no-prune", reference)


def push(reference: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that pushes a tag to its registry."""
    return (*endpoint.docker, "push", reference)


def pull(reference: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that pulls an image from its registry."""
    return (*endpoint.docker, "pull", reference)


FACTS_FILE = "facts.json"


def evaluation_dockerfile(builder: BuilderStages) -> str:
    """Return the Dockerfile's text; its last stage is the file with the facts and nothing else."""
    mounts = ("--network=none", f"--mount=type=bind,target={DIRECTORY}", *step_mounts(builder))
    # Hex is for fetching dependencies, and only downloading it would need the network.
    return templates.render(
        "evaluate.j2",
        builder=replace(builder, install_hex=False),
        directory=DIRECTORY,
        workdir="/src",
        crossing=False,
        flags="",
        mounts=mounts,
        secrets=secret_exports(builder.secrets),
    )


def evaluate_project(
    builder: BuilderStages,
    endpoint: Endpoint,
    *,
    dockerfile: str,
    directory: str,
    context: str,
    secrets: Mapping[str, str],
) -> tuple[str, ...]:
    """Return the argv that evaluates mix.exs on the engine and brings the facts into a directory here."""
    return (
        *endpoint.docker,
        *("buildx", "build", "--output", f"type=local,dest={directory}", "--progress", "rawjson"),
        *("--provenance=false", *given(builder, secrets), "--file", dockerfile, context),
    )
