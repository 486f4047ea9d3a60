"""On an engine of the tests' own, with its own disk and Docker's older image store: what nobody does to a shared one.

Its build cache is thrown away, its disk filled up, and in the end it is killed; the tests run in this order.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest
from pexpect.popen_spawn import PopenSpawn

HERE = Path(__file__).parent

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@dataclass(frozen=True, slots=True)
class Own:
    """A container with an engine, whose storage is in memory."""

    docker: Docker
    container: str
    host: str

    def __call__(self, *argv: str) -> str:
        return str(self.docker("--host", self.host, *argv))


@pytest.fixture(scope="module")
def own(
    docker: Docker,
    small_elixir: str,
    labels: tuple[str, ...],
    run_id: str,
    wait: Callable[..., None],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Own]:
    """Give the engine, which has the images that the builds start from, and no more."""
    image = f"relbuild-test-own-engine:{run_id}"
    docker("build", "--quiet", "--tag", image, *labels, str(HERE / "images" / "node"))
    directory = tmp_path_factory.mktemp("engine")
    host = f"unix://{directory}/docker.sock"
    container = docker(
        *("run", "--detach", "--privileged", *labels, "--tmpfs", "/var/lib/docker:exec,size=1g"),
        *("--volume", f"{directory}:/engine", "--entrypoint", "sh", image),
        # Its containers' packets have to fit into this container's network.
        *("-c", "exec dockerd --mtu $(cat /sys/class/net/eth0/mtu) --host unix:///engine/docker.sock"),
    )
    ready = ("docker", "exec", container, "docker", "--host", "unix:///engine/docker.sock", "version")
    wait(
        lambda: subprocess.run(ready, capture_output=True).returncode == 0,
        "the engine",
        lambda: docker("logs", container),
    )
    # Whoever runs the tests need not be root.
    docker("exec", container, "chmod", "a+rw", "/engine/docker.sock")
    saved = subprocess.Popen(("docker", "save", small_elixir, "debian:trixie-slim"), stdout=subprocess.PIPE)
    subprocess.run(("docker", "--host", host, "load"), stdin=saved.stdout, check=True, capture_output=True)
    assert saved.wait() == 0
    yield Own(docker, container, host)
    docker("rm", "--force", "--volumes", container)


@pytest.fixture
def project(small_elixir: str, tmp_path: Path) -> Path:
    """Return a project that is built with Elixir's image."""
    project = Path(shutil.copytree(HERE / "projects" / "echo", tmp_path / "echo"))
    (project / "relbuild.yml").write_text(f"debian: trixie\nbuilder:\n  image: '{small_elixir}'\n")
    return project


def test_layers_are_the_same_elsewhere_and_without_a_build_cache(
    own: Own, project: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str
) -> None:
    """On another machine, with another image store; and an unchanged part's after a change, when all is built anew."""
    reference = cleanup.image(f"relbuild-test-elsewhere:{run_id}")

    def layers(*where: str) -> list[tuple[str, str]]:
        """Build the image and return its layers, and what is in each."""
        built = relbuild("image", *where, "-t", reference, "--no-verify", cwd=project)
        assert built.exit_code == 0, built.stderr
        told = json.loads(relbuild("inspect", *where, reference, "--json", cwd=project).stdout)["data"]["layers"]
        return [(layer["part"], layer["diff_id"]) for layer in told]

    here, there = layers(), layers("--host", own.host)
    # The stores disagree on what a layer of packages that is written in place looks like.
    written = ("base", "system")
    assert [layer for layer in here if layer[0] not in written] == [layer for layer in there if layer[0] not in written]
    own("builder", "prune", "--all", "--force")
    source = project / "lib" / "echo.ex"
    source.write_text(source.read_text().replace("use Application\n", "use Application\n\n  def changed?, do: true\n"))
    changed = layers("--host", own.host)
    assert [part for part, _ in changed] == [part for part, _ in there]
    assert [part for (part, one), (_, other) in zip(there, changed, strict=True) if one != other] == ["project"]


def test_doctor_tells_of_the_image_store(own: Own, project: Path, relbuild: Callable[..., Ran]) -> None:
    ran = relbuild("doctor", "--host", own.host, cwd=project)
    assert ran.exit_code == 0, ran.stdout
    assert re.search("note +store +Docker's older image store", ran.stdout)
    # The disk of another machine can't be looked at from here.
    assert " disk " not in ran.stdout


def test_an_image_store_that_holds_no_image_for_several_platforms(
    own: Own, project: Path, relbuild: Callable[..., Ran]
) -> None:
    refused = relbuild("image", "--host", own.host, "--platform", "linux/amd64,linux/arm64", cwd=project)
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert refused.stderr.splitlines()[-2:] == [
        f"error: the image store of {own.host} holds no image for several platforms (linux/amd64, linux/arm64)",
        "  turn the containerd image store on (docs.docker.com/engine/storage/containerd), or build each, --platform "
        "linux/amd64 -t :TAG --push, and join them: docker buildx imagetools create",
    ]


def test_a_disk_that_is_full(own: Own, project: Path, relbuild: Callable[..., Ran], run_id: str) -> None:
    reference = f"relbuild-test-full:{run_id}"
    (project / "priv").mkdir()
    (project / "priv" / "big").write_bytes(os.urandom(16 << 20))
    fill = "fallocate --length $(($(df --output=avail --block-size=1 . | tail -n 1) - (8 << 20))) filler"
    own.docker("exec", "--workdir", "/var/lib/docker", own.container, "sh", "-c", fill)
    failed = relbuild("image", "--host", own.host, "-t", reference, "--no-verify", "--json", cwd=project)
    assert failed.exit_code == 1, failed.stderr
    [error] = json.loads(failed.stdout)["errors"]
    assert error["message"] == "the build failed: no space left on the engine's disk"
    assert own("image", "ls", "--quiet", reference) == ""
    # With room again it goes on from where it was.
    own.docker("exec", own.container, "rm", "/var/lib/docker/filler")
    built = relbuild("image", "--host", own.host, "-t", reference, "--no-verify", cwd=project)
    assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr


def test_an_engine_that_is_killed(own: Own, project: Path) -> None:
    with (project / "relbuild.yml").open("a") as config:
        config.write("  steps: {before_compile: [sleep 120]}\n")
    child = PopenSpawn(
        [sys.executable, "-m", "relbuild", "image", "--host", own.host, "-C", str(project)],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        encoding="utf-8",
        timeout=240,
    )
    child.expect("RUN sleep 120")
    own.docker("kill", own.container)
    child.expect(pexpect.EOF)
    assert child.wait() == 4
    assert "error: the connection to the Docker Engine was lost during the build; nothing was tagged" in str(
        child.before
    )
    assert "Traceback" not in str(child.before)
