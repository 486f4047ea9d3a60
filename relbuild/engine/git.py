"""What git knows of a project."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit_time(root: Path) -> int | None:
    """Return when the commit that is checked out was made, in seconds since 1970; None outside of a repository."""
    try:
        asked = subprocess.run(("git", "-C", str(root), "log", "-1", "--format=%ct"), capture_output=True, text=True)
    except OSError:  # no git here
        return None
    return int(asked.stdout) if asked.returncode == 0 and asked.stdout.strip().isdigit() else None
