"""Assets that npm's packages build are in the release; nothing of this machine's own builds is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

SITE = Path(__file__).parent / "projects" / "site"


def test_npm_builds_what_the_release_serves(
    docker: Any, relbuild: Callable[..., Any], cleanup: Any, run_id: str, tmp_path: Path
) -> None:
    project = Path(shutil.copytree(SITE, tmp_path / "site"))
    # What lies here was made for this machine, and from other sources.
    for path in ("assets/node_modules/banner/banner.js", "_build/prod/lib/site/ebin/site.app", "deps/x/mix.exs"):
        (project / path).parent.mkdir(parents=True)
        (project / path).write_text("nothing that runs")
    reference = cleanup.image(f"relbuild-test-site:{run_id}")
    built = relbuild("image", "-t", reference, cwd=project)
    assert built.exit_code == 0, built.stderr
    script = docker("run", "--rm", reference, "eval", "IO.write(Site.script())")
    assert script == '/* built by node 20 */\nconsole.log("hello");'
    # Node and its packages built it, and stay behind.
    found = docker(
        "run",
        "--rm",
        "--user",
        "root",
        "--entrypoint",
        "sh",
        reference,
        "-c",
        "command -v node; find / -xdev -name 'banner*'",
    )
    assert found == ""
