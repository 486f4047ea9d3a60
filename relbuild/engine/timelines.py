"""The timelines of builds, in the user's cache, by the image that each build made."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from relbuild import cache
from relbuild.engine import files
from relbuild.errors import CommandFailed
from relbuild.image.build.progress import Timeline, from_data, to_data

# The timelines of more images are removed, the oldest first; one is a few kilobytes.
MOST = 200


def save(image: str, timeline: Timeline) -> None:
    """Save how the image of this id was built; a build in which all was cached doesn't replace the one that ran."""
    if timeline.cached and read(image) is not None:
        return
    path = _path(image)
    files.remember(path, json.dumps(to_data(timeline)))
    with contextlib.suppress(OSError):
        saved = sorted(path.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)
        for old in saved[:-MOST]:
            old.unlink()


def read(image: str) -> Timeline | None:
    """Return how the image of this id was built; None where that isn't known here."""
    with contextlib.suppress(CommandFailed, ValueError):
        text = files.read_text(_path(image))
        data = json.loads(text) if text is not None else None
        return from_data(data) if isinstance(data, dict) else None
    return None


def _path(image: str) -> Path:
    return cache.directory() / "timelines" / f"{image.replace(':', '-')}.json"
