"""A Distillery project, converted, becomes an image that does what it did."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any
PROJECT = Path(__file__).parent / "projects" / "distilled"
ENVIRONMENT = ("--env", "GREETING=good evening", "--env", "PROCESSES=65536", "--env", "COOKIE=of-this-test")


def test_a_converted_project_becomes_an_image(
    docker: Docker,
    relbuild: Callable[..., Ran],
    cleanup: Any,
    labels: tuple[str, ...],
    run_id: str,
    tmp_path: Path,
) -> None:
    project = Path(shutil.copytree(PROJECT, tmp_path / "distilled"))
    converted = relbuild("convert", "--write", cwd=project)
    assert converted.exit_code == 0, converted.stderr
    assert sorted(path.name for path in (project / "rel").iterdir()) == ["env.sh.eex", "vm.args.eex"]
    reference = cleanup.image(f"relbuild-test-distilled:{run_id}")
    built = relbuild("image", "-t", reference, cwd=project)
    assert (built.exit_code, built.stdout) == (0, f"{reference}\n"), built.stderr

    once = ("run", "--rm", *labels, *ENVIRONMENT, "--env", "NODE_NUMBER=7", reference)
    assert docker(*once, "eval", "IO.puts(Distilled.greeting())") == "good evening!"
    assert docker(*once, "eval", "Distilled.migrate()") == "migrated as distilled@127.0.0.7"

    # The running system has the flag that comes from the environment, and its own commands reach it by name and cookie.
    container = docker("run", "--detach", *labels, *ENVIRONMENT, reference)
    asked = "IO.inspect({node(), Node.get_cookie(), :erlang.system_info(:process_limit), Distilled.greeting()})"
    for _ in range(100):
        ran = relbuild("rpc", asked, "--on", f"container:{container}")
        if ran.exit_code == 0:
            break
        time.sleep(0.2)
    assert ran.stdout == '{:"distilled@127.0.0.1", :"of-this-test", 65536, "good evening!"}\n', ran.stderr
