"""An inspected image as JSON takes it: a contract for scripts, described in README.md."""

from __future__ import annotations

from typing import Any

from relbuild.image.build.progress import Timeline
from relbuild.image.contents import Application
from relbuild.image.debian import Distribution
from relbuild.image.difference import Change, Difference
from relbuild.image.inspection import Inspection
from relbuild.mix.environment import data_of
from relbuild.mix.lock import Locked

# So many of the largest files, and of those that differ most.
MOST_FILES = 100


def to_data(image: Inspection, timeline: Timeline | None, against: Difference | None) -> dict[str, Any]:
    """Return all that was found; sizes are bytes, times seconds."""
    versions, base = image.contents.versions, image.base
    largest = sorted(image.files, key=lambda path: (-image.files[path].size, path))[:MOST_FILES]
    return {
        "reference": image.reference,
        "id": image.id,
        "created": image.created,
        "platform": image.platform,
        "size": image.size,
        "packed": image.packed,
        "user": image.user,
        "command": list(image.command),
        "release": {"name": image.release.name, "version": image.release.version, "root": image.release.root},
        "versions": {"elixir": versions.elixir, "otp": versions.otp, "erts": versions.erts},
        "base": {"name": base.name, "digest": base.digest, "distribution": _distribution(base.distribution)},
        "layers": [
            {
                "diff_id": layer.diff_id,
                "digest": layer.digest,
                "size": layer.size,
                "packed": layer.packed,
                "files": layer.files,
                "instruction": layer.made_by,
                "part": part,
            }
            for layer, part in zip(image.layers, image.parts, strict=True)
        ],
        "applications": [_application(each) for each in image.applications],
        "files": {
            "count": len(image.files),
            "largest": [
                {"path": f"/{path}", "size": image.files[path].size, "layer": image.files[path].layer + 1}
                for path in largest
            ],
        },
        "labels": dict(sorted(image.labels.items())),
        "environment": data_of(image.environment) if image.environment is not None else None,
        "build": _build(timeline) if timeline is not None else None,
        "against": _against(against) if against is not None else None,
    }


def _distribution(found: Distribution | None) -> dict[str, str | None] | None:
    if found is None:
        return None
    return {"id": found.id, "version": found.version, "codename": found.codename, "title": found.title}


def _application(each: Application) -> dict[str, Any]:
    return {
        "name": each.name,
        "version": each.version,
        "origin": each.origin,
        "size": each.size,
        "files": each.files,
        "layer": each.layer + 1 if each.layer is not None else None,
        "applications": list(each.applications),
        "locked": _locked(each.locked),
    }


def _locked(locked: Locked | None) -> dict[str, str | None] | None:
    if locked is None:
        return None
    if locked.source == "git":
        return {"url": locked.address, "commit": locked.commit}
    return {"package": locked.package, "repository": locked.repo, "checksum": locked.checksum}


def _build(timeline: Timeline) -> dict[str, Any]:
    steps = [
        {"title": step.title, "start": step.start, "seconds": step.seconds, "cached": step.cached, "own": step.internal}
        for step in timeline.steps
    ]
    return {"seconds": timeline.seconds, "steps": steps}


def _against(other: Difference) -> dict[str, Any]:
    return {
        "reference": other.reference,
        "id": other.id,
        "size": other.more,
        "packed_new": other.packed_new,
        "shared_layers": [index + 1 for index in other.shared],
        "shared_size": other.shared_size,
        "applications": [_change(each) for each in other.applications],
        "files": {"count": len(other.files), "most": [_change(each, "/") for each in other.files[:MOST_FILES]]},
        "environment": [_said(each) for each in other.environment],
        "versions": [_said(each) for each in other.versions],
    }


def _change(change: Change, prefix: str = "") -> dict[str, Any]:
    return {
        "name": f"{prefix}{change.name}",
        "change": change.kind,
        "before": change.before,
        "after": change.after,
        "size_before": change.size_before,
        "size_after": change.size_after,
    }


def _said(change: Change) -> dict[str, Any]:
    return {"name": change.name, "change": change.kind, "before": change.before, "after": change.after}
