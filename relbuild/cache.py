"""Where relbuild keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path


def directory() -> Path:
    """Return relbuild's cache directory, after the XDG Base Directory Specification; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "relbuild"
