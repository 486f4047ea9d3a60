"""The Dockerfile that asks Mix, and the command that runs it."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from types import MappingProxyType

from relbuild.config import Steps
from relbuild.endpoint import Endpoint
from relbuild.image.build.buildx import evaluate_project, evaluation_dockerfile
from relbuild.image.plan.base_images import ElixirSource
from relbuild.image.plan.credentials import DependencyAccess, Secret
from relbuild.image.plan.stages import BuilderStages

HADOLINT = Path(sys.executable).parent / "hadolint"
CONFIG = Path(__file__).parents[4] / ".hadolint.yaml"


def builder(**changed: object) -> BuilderStages:
    values: dict[str, object] = {
        "image": "debian:trixie-slim",
        "elixir": None,
        "packages": ("elixir",),
        "env": MappingProxyType({"A": "b c"}),
        "secrets": (Secret("KEY", "builder.secrets in relbuild.yml"),),
        "ssh": False,
        "access": DependencyAccess(),
        "network": "default",
        "steps": Steps(),
        "install_hex": True,
    }
    return BuilderStages(**{**values, **changed})  # type: ignore[arg-type]


def test_mix_runs_without_a_network_in_a_project_it_can_not_write_to() -> None:
    text = evaluation_dockerfile(builder())
    [run] = text.split("RUN ")[-1:]
    assert run.splitlines()[:5] == [
        "--network=none \\",
        "    --mount=type=bind,target=/relbuild/in/a/directory/of/its/own/src \\",
        "    --mount=type=secret,id=KEY \\",
        '    KEY="$(cat /run/secrets/KEY)" \\',
        "    && export KEY \\",
    ]
    assert "local.hex" not in text


def test_it_is_what_hadolint_has_nothing_to_say_of() -> None:
    source = ElixirSource("https://git.example.com/it's.git", "main")
    for each in (builder(), builder(elixir=source, secrets=(), packages=())):
        found = subprocess.run(
            (HADOLINT, "--config", CONFIG, "--no-color", "-"),
            input=evaluation_dockerfile(each),
            capture_output=True,
            text=True,
        )
        assert found.stdout + found.stderr == ""


def test_the_command_brings_the_facts_here_and_names_secrets_without_carrying_them() -> None:
    argv = evaluate_project(
        builder(ssh=True, network="host"),
        Endpoint(host="ssh://a@b"),
        dockerfile="/c/Dockerfile",
        directory="/c/facts",
        context=".",
        secrets={"KEY": "env=KEY"},
    )
    assert shlex.join(argv) == (
        "docker --host ssh://a@b buildx build --output type=local,dest=/c/facts --progress rawjson "
        "--provenance=false --secret id=KEY,env=KEY --ssh default --network host --file /c/Dockerfile ."
    )
