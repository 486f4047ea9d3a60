"""An image for two platforms: its modules are compiled once, and the foreign one is run through QEMU."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECTS = Path(__file__).parent / "projects"
IMAGES = Path(__file__).parent / "images"
# What Erlang says of a machine.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def foreign(docker: Docker) -> str:
    """Return the architecture that the engine runs emulated (scripts/platforms.sh sets that up)."""
    own = docker("version", "--format", "{{.Server.Arch}}")
    return "amd64" if own == "arm64" else "arm64"


@pytest.fixture(scope="module")
def mirror(docker: Docker, registry: str, foreign: str, cleanup: Any) -> str:
    """Return a registry that has debian:trixie-slim for both platforms."""
    debian = f"{registry}/library/debian"
    docker("tag", "debian:trixie-slim", cleanup.image(f"{debian}:own"))
    docker("push", "--quiet", f"{debian}:own")
    docker(
        *("buildx", "build", "--quiet", "--provenance=false", "--platform", f"linux/{foreign}"),
        *("--push", "--tag", cleanup.image(f"{debian}:other"), str(IMAGES / "debian")),
    )
    docker("buildx", "imagetools", "create", "--tag", f"{debian}:trixie-slim", f"{debian}:own", f"{debian}:other")
    return registry


def project(name: str, mirror: str, directory: Path, more: str = "") -> Path:
    """Return a copy of a project that is built on the mirror's Debian, with more in its relbuild.yml."""
    copy = Path(shutil.copytree(PROJECTS / name, directory / name))
    with (copy / "relbuild.yml").open("a") as config:
        config.write(f"registry_mirror: {mirror}\n{more}")
    return copy


def evaluated(docker: Docker, foreign: str, image: str, expression: str) -> str:
    """Return the last line that an expression prints in the release, which runs, and compiles it, emulated."""
    flags = ("--platform", f"linux/{foreign}", "--env", "ERL_ZFLAGS=+JMsingle true")
    return str(docker("run", "--rm", *flags, image, "eval", expression)).splitlines()[-1]


def packages(relbuild: Callable[..., Ran], image: str) -> set[str]:
    """Return the names of the Debian packages in an image's bill of materials."""
    told = relbuild("sbom", image)
    assert told.exit_code == 0, told.stderr
    purls = (each.get("purl", "") for each in json.loads(told.stdout)["components"])
    return {purl.removeprefix("pkg:deb/debian/").partition("@")[0] for purl in purls if purl.startswith("pkg:deb/")}


def test_an_image_for_two_platforms(
    docker: Docker, relbuild: Callable[..., Ran], mirror: str, foreign: str, cleanup: Any, tmp_path: Path
) -> None:
    own = docker("version", "--format", "{{.Server.Arch}}")
    echo = project("echo", mirror, tmp_path)
    reference = cleanup.image(f"{mirror}/echo:both")
    both = ("--platform", f"linux/{own},linux/{foreign}")
    built = relbuild("image", "-C", str(echo), *both, "-t", reference, "--push")
    assert built.exit_code == 0, built.stderr
    # Both were tried out, the foreign one emulated.
    assert "not verified" not in built.stderr
    index = built.stdout.strip()
    assert index.startswith(f"{mirror}/echo@sha256:")
    manifests = {
        each["platform"]["architecture"]: each["digest"]
        for each in json.loads(docker("buildx", "imagetools", "inspect", "--raw", index))["manifests"]
    }
    assert set(manifests) == {own, foreign}
    layers = {
        architecture: [
            layer["digest"]
            for layer in json.loads(
                docker("buildx", "imagetools", "inspect", "--raw", f"{mirror}/echo@{manifests[architecture]}")
            )["layers"]
        ]
        for architecture in manifests
    }
    # The project's modules are the same bytes, ERTS and OTP are not.
    assert layers[own][-1] == layers[foreign][-1]
    assert layers[own][-2] != layers[foreign][-2]

    foreign_image = cleanup.image(f"{mirror}/echo@{manifests[foreign]}")
    # The compiler, too, runs with the flags that an emulated build has.
    compiling = "defmodule M, do: def(machine, do: :erlang.system_info(:system_architecture))\nIO.puts(M.machine())"
    assert evaluated(docker, foreign, foreign_image, compiling).startswith(MACHINES[foreign])
    assert packages(relbuild, foreign_image) >= {"ca-certificates", "libc6", "openssl"}


def test_a_minimal_image_for_another_platform(
    docker: Docker, relbuild: Callable[..., Ran], mirror: str, foreign: str, cleanup: Any, run_id: str, tmp_path: Path
) -> None:
    echo = project("echo", mirror, tmp_path, "runner: {base: minimal, packages: [file]}\n")
    reference = cleanup.image(f"relbuild-test-minimal-foreign:{run_id}")
    built = relbuild("image", "-C", str(echo), "--platform", f"linux/{foreign}", "-t", reference)
    assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr
    assert "not verified" not in built.stderr
    certificates = 'File.read!("/etc/ssl/certs/ca-certificates.crt") |> String.split("BEGIN CERT") |> length() > 100'
    program = 'System.cmd("file", ["--brief", "--dereference", "/bin/sh"]) |> elem(0) |> String.trim()'
    told = evaluated(docker, foreign, reference, f'IO.puts("#{{{certificates}}} #{{{program}}}")')
    assert told.startswith("true ELF 64-bit LSB")
    assert MACHINES[foreign].replace("_", "-") in told
    assert packages(relbuild, reference) >= {"ca-certificates", "file", "libc6"}


def test_a_build_that_is_emulated(
    docker: Docker, relbuild: Callable[..., Ran], mirror: str, foreign: str, cleanup: Any, run_id: str, tmp_path: Path
) -> None:
    """Mix itself runs emulated, with the flags without which its VM crashes."""
    elixir = cleanup.image(f"{mirror}/elixir:{foreign}")
    docker(
        *("buildx", "build", "--quiet", "--provenance=false", "--platform", f"linux/{foreign}", "--push"),
        *("--build-arg", f"DEBIAN={mirror}/library/debian:other", "--tag", elixir, str(IMAGES / "elixir")),
    )
    echo = project("echo", mirror, tmp_path)
    (echo / "relbuild.yml").write_text(
        f"debian: trixie\nregistry_mirror: {mirror}\nbuilder: {{image: '{elixir}', emulate: true}}\n"
    )
    reference = cleanup.image(f"relbuild-test-emulated:{run_id}")
    built = relbuild("image", "-C", str(echo), "--platform", f"linux/{foreign}", "-t", reference)
    assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr
    machine = "IO.puts(:erlang.system_info(:system_architecture))"
    assert evaluated(docker, foreign, reference, machine).startswith(MACHINES[foreign])


def test_machine_code_for_another_platform_is_never_shipped(
    docker: Docker, relbuild: Callable[..., Ran], mirror: str, foreign: str, run_id: str, tmp_path: Path
) -> None:
    echo = project("echo", mirror, tmp_path)
    (echo / "priv").mkdir(exist_ok=True)
    # A program of this machine's, as a compiler would leave one.
    shutil.copy("/bin/true", echo / "priv" / "native")
    reference = f"relbuild-test-native:{run_id}"
    built = relbuild("image", "-C", str(echo), "--platform", f"linux/{foreign}", "-t", reference)
    assert built.exit_code == 1
    assert "builder: {emulate: true} in relbuild.yml" in built.stderr
    assert "lib/echo-1.2.3/priv/native" in built.stderr
    assert docker("image", "ls", "--quiet", reference) == ""
