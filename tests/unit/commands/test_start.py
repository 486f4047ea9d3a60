"""What a command for a named container reads: no project, and nothing that would take its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def test_a_command_for_a_named_container_imports_no_reader_of_projects(tmp_path: Path) -> None:
    nowhere = ("--host", f"unix://{tmp_path}/no.sock")
    argv = (sys.executable, "-X", "importtime", "-m", "relbuild", "rpc", "1", "--on", "container:web", *nowhere)
    ran = subprocess.run(argv, capture_output=True, text=True)
    assert ran.returncode == 4
    imported = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}
    assert "relbuild.engine.docker" in imported
    slow = ("relbuild.mix", "relbuild.config", "relbuild.image.plan.plan", "jinja2", "yaml", "tree_sitter")
    assert [name for name in sorted(imported) if name.startswith(slow)] == []
