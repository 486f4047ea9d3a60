"""Where the timelines of builds are kept: in the user's cache, by the image that each build made."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from relbuild import cache
from relbuild.engine import files
from relbuild.errors import CommandFailed
from relbuild.image import timeline
from relbuild.image.timeline import Timeline

# More images than this nobody looks back at; a timeline is a few kilobytes.
MOST = 200


def keep(image: str, told: Timeline) -> None:
    """Keep how the image of this id was built; one in which all was cached already tells less than the one before."""
    if told.cached and read(image) is not None:
        return
    path = _path(image)
    files.remember(path, json.dumps(timeline.to_data(told)))
    with contextlib.suppress(OSError):
        kept = sorted(path.parent.glob("*.json"), key=lambda each: each.stat().st_mtime)
        for old in kept[:-MOST]:
            old.unlink()


def read(image: str) -> Timeline | None:
    """Return how the image of this id was built; None where that isn't known here."""
    with contextlib.suppress(CommandFailed, ValueError):
        text = files.read_text(_path(image))
        data = json.loads(text) if text is not None else None
        return timeline.from_data(data) if isinstance(data, dict) else None
    return None


def _path(image: str) -> Path:
    return cache.directory() / "timelines" / f"{image.replace(':', '-')}.json"
