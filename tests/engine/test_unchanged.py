"""relbuild image once more: what nothing has changed of is not built again, and whatever has changed is."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# conftest.py's Docker and Ran; its module can't be imported by name.
Docker = Any
Ran = Any

ECHO = Path(__file__).parent / "projects" / "echo"
SAID = "nothing has changed since the image was built"


@pytest.fixture
def image(
    tmp_path: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str, docker: Docker
) -> Callable[..., tuple[bool, str, Ran]]:
    """Return a function that builds the project in tmp_path, and tells whether it took the image before, and its id."""
    shutil.copytree(ECHO, tmp_path / "echo", ignore=shutil.ignore_patterns("_build"))
    # An image of this test alone: others' containers may run the same one.
    (tmp_path / "echo" / "lib" / "own.ex").write_text(f'defmodule Own do\n  def run, do: "{tmp_path} {run_id}"\nend\n')
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    reference = f"relbuild-test-unchanged:{run_id}"

    def build(*options: str, name: str = reference) -> tuple[bool, str, Ran]:
        cleanup.image(name)
        done = relbuild("image", "-C", str(tmp_path / "echo"), "-t", name, *options, env=environment)
        assert done.exit_code == 0, done.stderr
        known = str(json.loads(docker("image", "inspect", name))[0]["Id"])
        return SAID in done.stderr, known, done

    return build


def test_only_what_has_changed_is_built(
    image: Callable[..., tuple[bool, str, Ran]], tmp_path: Path, docker: Docker, run_id: str, cleanup: Any
) -> None:
    taken, first, _ = image("--no-verify")
    assert not taken
    # What wasn't verified is now, without being built.
    taken, known, done = image()
    assert (taken, known, "verifying the image" in done.stderr) == (True, first, True)
    # A second name, the bill of materials, the same answer.
    taken, known, done = image("--sbom", str(tmp_path / "bom.json"), name=f"relbuild-test-unchanged:{run_id}-2")
    assert (taken, known, "verifying the image" in done.stderr) == (True, first, False)
    assert done.stdout == f"relbuild-test-unchanged:{run_id}-2\n"
    named = {each["name"] for each in json.loads((tmp_path / "bom.json").read_text())["components"]}
    assert {"elixir", "Erlang/OTP"} <= named, named
    # A test, a file that isn't part of the build.
    (tmp_path / "echo" / "test").mkdir()
    (tmp_path / "echo" / "test" / "echo_test.exs").write_text("")
    assert image()[:2] == (True, first)
    # A line of a module: built; the former text again: known to the builder, and built by it.
    module = tmp_path / "echo" / "lib" / "echo.ex"
    text = module.read_text()
    module.write_text(f"{text}\ndefmodule Echo.Other do\nend\n")
    taken, second, _ = image()
    assert not taken
    assert second != first
    module.write_text(text)
    assert image()[:2] == (False, first)
    assert image()[:2] == (True, first)
    # --clean takes nothing up; an image that is gone is built.
    assert not image("--clean")[0]
    docker("image", "rm", "--force", first)
    taken, _, done = image()
    assert not taken


def test_a_dry_run_shows_the_build_all_the_same(
    image: Callable[..., tuple[bool, str, Ran]], relbuild: Callable[..., Ran], tmp_path: Path
) -> None:
    image()
    environment = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    shown = relbuild("image", "--dry-run", "-C", str(tmp_path / "echo"), env=environment)
    assert "docker buildx build" in shown.stdout + shown.stderr


def test_a_file_that_is_written_during_the_build(image: Callable[..., tuple[bool, str, Ran]], tmp_path: Path) -> None:
    """The builder may have seen either text: that is no image of the text there was before."""
    module = tmp_path / "echo" / "lib" / "echo.ex"
    text = module.read_text()
    settings = tmp_path / "echo" / "relbuild.yml"
    settings.write_text(f"{settings.read_text()}builder: {{steps: {{before_compile: [sleep 5]}}}}\n")

    def write() -> None:
        module.write_text(f"{text}\n# written meanwhile\n")

    timer = threading.Timer(3, write)
    timer.start()
    taken, _, _ = image("--no-verify")
    timer.join()
    assert not taken
    module.write_text(text)
    assert not image("--no-verify")[0]
