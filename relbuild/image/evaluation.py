"""Asking Mix itself: the Dockerfile that evaluates mix.exs in the toolchain stage, and the command that runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relbuild import templates
from relbuild.endpoint import Endpoint
from relbuild.image import dockerfile as seen
from relbuild.image.build import buildx
from relbuild.image.plan.stages import BuilderStages
from relbuild.mix.evaluation import DIRECTORY

FACTS = "facts.json"


def render(builder: BuilderStages) -> str:
    """Return the Dockerfile's text; its last stage is the file with the facts and nothing else."""
    mounts = ("--network=none", f"--mount=type=bind,target={DIRECTORY}", *seen.mounts(builder))
    # Hex is for fetching dependencies, and only downloading it would need the network.
    return templates.render(
        "evaluate.j2",
        builder=replace(builder, install_hex=False),
        directory=DIRECTORY,
        workdir="/src",
        crossing=False,
        flags="",
        mounts=mounts,
        secrets=seen.exports(builder.secrets),
    )


def argv(
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
        *("--provenance=false", *buildx.given(builder, secrets), "--file", dockerfile, context),
    )
