"""Two clean builds of one commit are the same image, and what keeps one from it is named."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SHOP = Path(__file__).parents[2] / "examples" / "shop"

# conftest.py's Docker and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture
def commit(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that gives a checkout of one and the same commit of the shop, in a directory of this name."""

    def checkout(name: str) -> Path:
        project = Path(shutil.copytree(SHOP, tmp_path / name, ignore=shutil.ignore_patterns("_build", "deps")))
        for file in project.rglob("*"):
            if file.is_file():
                file.write_bytes(file.read_bytes())  # the time of a checkout is the present
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        time = {"GIT_AUTHOR_DATE": "@1700000000 +0000", "GIT_COMMITTER_DATE": "@1700000000 +0000"}
        for call in (("init", "--quiet"), ("add", "."), (*who, "commit", "--quiet", "--message", "shop")):
            subprocess.run(("git", *call), cwd=project, check=True, env=time | {"PATH": "/usr/bin:/bin"})
        return project

    return checkout


def inspected(docker: Docker, reference: str) -> dict[str, Any]:
    return dict(json.loads(docker("image", "inspect", reference))[0])


def test_two_checkouts_give_one_image(
    docker: Docker, relbuild: Callable[..., Ran], commit: Callable[[str], Path], cleanup: Any, run_id: str
) -> None:
    images = []
    for name in ("one", "elsewhere"):
        reference = cleanup.image(f"relbuild-test-{name}:{run_id}")
        built = relbuild("image", "-t", reference, "--clean", cwd=commit(name))
        assert built.exit_code == 0, built.stderr
        images.append(inspected(docker, reference))
    assert images[0]["Created"] == "2023-11-14T22:13:20Z"
    assert images[0]["RootFS"]["Layers"] == images[1]["RootFS"]["Layers"]
    assert images[0]["Id"] == images[1]["Id"]
    # The incremental build has the same layers of the release.
    reference = cleanup.image(f"relbuild-test-kept:{run_id}")
    assert relbuild("image", "-t", reference, cwd=commit("third")).exit_code == 0
    assert inspected(docker, reference)["RootFS"]["Layers"][-4:] == images[0]["RootFS"]["Layers"][-4:]


def test_two_builds_without_a_commit(
    relbuild: Callable[..., Ran], small_elixir: str, tmp_path: Path, cleanup: Any, run_id: str
) -> None:
    """No time is given to them, and every layer is the same nonetheless, that of Debian's packages too."""
    project = Path(shutil.copytree(Path(__file__).parent / "projects" / "echo", tmp_path / "echo"))
    (project / "relbuild.yml").write_text(f"debian: trixie\nbuilder:\n  image: '{small_elixir}'\n")
    reference = cleanup.image(f"relbuild-test-dateless:{run_id}")
    built = relbuild("image", "-t", reference, "--reproducible", "--no-verify", cwd=project)
    assert built.exit_code == 0, built.stderr
    said = "reproducible: built twice, the same in every layer; only the time of the build differs"
    assert said in built.stderr


def test_what_differs_is_named(
    docker: Docker, relbuild: Callable[..., Ran], commit: Callable[[str], Path], cleanup: Any, run_id: str
) -> None:
    project = commit("random")
    config = project / "relbuild.yml"
    step = "head -c 8 /dev/urandom | base64 >priv/random.txt"
    module = "defmodule Shop.Lots do\n  @lot :crypto.strong_rand_bytes(16)\n  def lot, do: @lot\nend\n"
    (project / "lib" / "shop" / "lots.ex").write_text(module)
    config.write_text(config.read_text().replace("builder:", f"builder:\n  steps: {{before_compile: ['{step}']}}", 1))
    reference = f"relbuild-test-random:{run_id}"
    built = relbuild("image", "-t", reference, "--reproducible", cwd=project)
    assert built.exit_code == 1
    assert "not reproducible: /app/lib/shop-0.1.0/priv/random.txt is another file in each build" in built.stderr
    assert "/app/lib/shop-0.1.0/ebin/Elixir.Shop.Lots.beam is another file in each build" in built.stderr
    assert "use groups without names" in built.stderr
    assert docker("image", "ls", "--quiet", reference) == ""
