"""A plan as the docker commands that build, tag and push it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relbuild.endpoint import Endpoint
from relbuild.image.plan import Builder, Plan


@dataclass(frozen=True, slots=True)
class Caches:
    """Where the build's steps are taken from and kept, as buildx writes it: ``type=registry,ref=…,mode=max``."""

    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()


def build(
    plan: Plan,
    endpoint: Endpoint,
    *,
    dockerfile: str,
    tag: str,
    context: str,
    caches: Caches = Caches(),
    progress: str = "rawjson",
) -> tuple[str, ...]:
    """Return the argv that builds the image into the engine's store.

    Provenance would make an index of the image, which some platforms refuse (buildx #1533).
    """
    argv = [*endpoint.docker, "buildx", "build", "--load", "--progress", progress, "--provenance=false"]
    argv += given(plan.builder)
    for source in caches.sources:
        argv += ["--cache-from", source]
    for destination in caches.destinations:
        argv += ["--cache-to", destination]
    return (*argv, "--tag", tag, "--file", dockerfile, context)


def given(builder: Builder) -> tuple[str, ...]:
    """Return the options by which the build gets its secrets, by their names, and the ssh agent."""
    secrets = (option for name in builder.secrets for option in ("--secret", f"id={name},env={name}"))
    return (*secrets, *(("--ssh", "default") if builder.ssh else ()))


def tag(image: str, reference: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that names an image."""
    return (*endpoint.docker, "tag", image, reference)


def untag(reference: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that takes a name away; the image stays while it has another."""
    return (*endpoint.docker, "image", "rm", "--no-prune", reference)


def push(reference: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that pushes a named image to its registry."""
    return (*endpoint.docker, "push", reference)


def pull(reference: str, endpoint: Endpoint) -> tuple[str, ...]:
    """Return the argv that brings an image from its registry."""
    return (*endpoint.docker, "pull", reference)


def no_rawjson(lines: Sequence[str]) -> bool:
    """Tell whether the client's words mean that it has no machine-readable progress."""
    return any("invalid progress mode rawjson" in line for line in lines)
