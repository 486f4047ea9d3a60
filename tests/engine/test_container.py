"""What the container of a release has: the programs that it calls, and what starts its server."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parent / "projects" / "gallery"

# conftest.py's Docker and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module", params=["slim", "minimal"])
def gallery(
    request: pytest.FixtureRequest,
    relbuild: Callable[..., Ran],
    cleanup: Any,
    run_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """Return an image of the project on each base."""
    root = tmp_path_factory.mktemp("gallery") / "gallery"
    shutil.copytree(PROJECT, root)
    with (root / "relbuild.yml").open("a") as file:
        file.write(f"runner: {{base: {request.param}}}\n")
    reference = cleanup.image(f"relbuild-test-gallery-{request.param}:{run_id}")
    built = relbuild("image", "-C", str(root), "-t", reference)
    assert built.exit_code == 0, built.stderr
    return str(reference)


# Without a value docker takes the variable away, which isn't set here.
@pytest.mark.parametrize(
    ("options", "found"),
    [((), "GalleryWeb.Endpoint serves"), (("--env", "PHX_SERVER"), "GalleryWeb.Endpoint doesn't serve")],
)
def test_the_server_is_started(
    gallery: str,
    docker: Docker,
    labels: tuple[str, ...],
    wait: Callable[..., None],
    options: tuple[str, ...],
    found: str,
) -> None:
    started = docker("run", "--detach", "--read-only", "--tmpfs", "/tmp", *labels, *options, gallery)
    wait(lambda: "GalleryWeb" in docker("logs", started), "the endpoint", lambda: docker("logs", started))
    assert found in docker("logs", started).splitlines()
    docker("rm", "--force", started)


def test_the_programs_that_the_release_calls_are_there(gallery: str, docker: Docker, labels: tuple[str, ...]) -> None:
    expression = (
        'IO.inspect({System.get_env("GALLERY_NAME"), Gallery.zipped(), Gallery.processes(), Gallery.sum("a"), '
        ":erlang.system_info(:schedulers)})"
    )
    told = docker("run", "--rm", "--init", *labels, gallery, "eval", expression)
    assert told.splitlines()[-1] == '{"night", 0, "1\\n", "ca978112\\n", 1}'
    assert docker("run", "--rm", *labels, "--entrypoint", "/app/bin/report", gallery) == "gallery"


def test_the_port_table_is_capped_whatever_env_sh_sets(gallery: str, docker: Docker, labels: tuple[str, ...]) -> None:
    limit = "IO.inspect(:erlang.system_info(:port_limit))"
    # The project's env.sh sets ERL_AFLAGS; the image's cap stays, and flags of one's own come before it.
    assert docker("run", "--rm", *labels, "--env", "ERL_MAX_PORTS=2000", gallery, "eval", limit) == "2048"
    assert docker("run", "--rm", *labels, "--env", "ERL_FLAGS=+Q 131072", gallery, "eval", limit) == "131072"
