"""Builds made of events and of recorded output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from relbuild.image.build.progress import Build, Event, ProgressReader


def built(*events: Event, stages: tuple[str, ...] = ()) -> Build:
    """Return the build after these events."""
    build = Build(stages)
    for event in events:
        build.add(event)
    return build


def read(*statuses: Any, reader: ProgressReader | None = None, indent: int | None = None) -> list[Event]:
    """Return the events of what buildx prints: JSON values, and lines of the client's."""
    reader = reader or ProgressReader()
    text = "\n".join(each if isinstance(each, str) else json.dumps(each, indent=indent) for each in statuses)
    return [event for line in text.splitlines(keepends=True) for event in reader.read(line)]


def recorded(name: str) -> list[Event]:
    """Return the events of a build that was recorded beside this file."""
    return read((Path(__file__).parent / "recorded" / f"{name}.jsonl").read_text())
