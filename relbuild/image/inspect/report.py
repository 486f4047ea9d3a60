"""An inspected image for people, in blocks, and as JSON: the contract for scripts, in docs/json.md."""

from __future__ import annotations

import re
from typing import Any

from relbuild.image.build.progress import Timeline
from relbuild.image.findings import change, format_size
from relbuild.image.inspect.contents import Application, Distribution
from relbuild.image.inspect.difference import Changed, ImageDifference
from relbuild.image.inspect.inspection import TITLES, Inspection
from relbuild.mix.environment import data_of
from relbuild.mix.lock import Locked
from relbuild.release.contract_text import Required
from relbuild.result import Content, TextTable

# The largest files that are in the data, and those that differ most.
MOST_FILES = 100


def to_data(image: Inspection, timeline: Timeline | None, against: ImageDifference | None) -> dict[str, Any]:
    """Return the image as JSON has it; sizes are bytes, times seconds."""
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


def _against(other: ImageDifference) -> dict[str, Any]:
    return {
        "reference": other.reference,
        "id": other.id,
        "size": other.more,
        "packed_new": other.packed_new,
        "shared_layers": [index + 1 for index in other.shared],
        "shared_size": other.shared_size,
        "applications": [_changed_size(each) for each in other.applications],
        "files": {"count": len(other.files), "most": [_changed_size(each, "/") for each in other.files[:MOST_FILES]]},
        "environment": [_changed_text(each) for each in other.environment],
        "versions": [_changed_text(each) for each in other.versions],
    }


def _changed_size(change: Changed, prefix: str = "") -> dict[str, Any]:
    return {
        "name": f"{prefix}{change.name}",
        "change": change.kind,
        "before": change.before,
        "after": change.after,
        "size_before": change.size_before,
        "size_after": change.size_after,
    }


def _changed_text(change: Changed) -> dict[str, Any]:
    return {"name": change.name, "change": change.kind, "before": change.before, "after": change.after}


# Instructions and values are cut at this many characters.
_WIDEST = 60
# The files that differ that are shown.
_FILES = 12
NO_CONTRACT = "unknown: the image has no contract label"
NO_TIMELINE = "unknown: only the machine that built the image knows how"


def to_text(image: Inspection, timeline: Timeline | None, against: ImageDifference | None) -> Content:
    """Return the image for people, in blocks with a title each."""
    environment = Required(image.environment).text() if image.environment is not None else NO_CONTRACT
    labels = tuple((name, _cut(value)) for name, value in sorted(image.labels.items()))
    blocks: list[str | TextTable] = [
        TextTable(tuple(facts(image))),
        *_titled("layers", _layers(image, against)),
        *_titled("applications", _applications(image)),
        *_titled("environment", environment),
        *_titled("labels", TextTable(labels) if labels else "none"),
        *_titled("build", _build_steps(timeline) if timeline is not None else NO_TIMELINE),
    ]
    if against is not None:
        blocks += _titled(f"against {against.reference}", _against_blocks(against, len(image.layers)))
    return tuple(blocks)


def _titled(title: str, content: Content) -> list[str | TextTable]:
    """Return a title and what is below it, after an empty line."""
    blocks = (content,) if isinstance(content, str | TextTable) else content
    return ["", title, *(_indented(block) for block in blocks)]


def _indented(block: str | TextTable) -> str | TextTable:
    if isinstance(block, str):
        return f"  {block}".rstrip()
    return TextTable(block.rows, block.header, block.right, block.indent + 2)


def facts(image: Inspection) -> list[tuple[str, str]]:
    """Return the facts about the image as a whole, as names and values."""
    versions, base = image.contents.versions, image.base
    command = " ".join(image.command)
    user = image.user or "root"
    rows = [
        ("image", image.reference),
        ("id", image.id),
        ("created", re.sub(r"\.\d+", "", image.created)),
        ("platform", image.platform),
        ("size", sizes(image)),
        ("release", f"{image.release.name} {image.release.version} in {image.release.root}"),
        ("elixir", versions.elixir or "none"),
        ("otp", f"{versions.otp or 'unknown'} (ERTS {versions.erts or 'unknown'})"),
        ("base", _base(image)),
        ("command", f"{command or 'none'}, as {user}"),
    ]
    if base.digest is not None:
        rows.insert(9, ("base digest", base.digest))
    return rows


def sizes(image: Inspection) -> str:
    """Return the image's sizes, each with which it is."""
    compressed = f", {format_size(image.packed)} compressed" if image.packed is not None else ""
    return f"{format_size(image.size)} uncompressed{compressed}"


def _base(image: Inspection) -> str:
    base = image.base
    title = base.distribution.title if base.distribution is not None else "unknown distribution"
    return f"{base.name} ({title})" if base.name is not None else title


def _layers(image: Inspection, against: ImageDifference | None) -> TextTable:
    rows = []
    for index, (layer, part) in enumerate(zip(image.layers, image.parts, strict=True)):
        shared = "" if against is None else "shared" if index in against.shared else "new"
        digest = (layer.digest or layer.diff_id).removeprefix("sha256:")[:12]
        packed = format_size(layer.packed) if layer.packed is not None else ""
        rows.append(
            (f"{index + 1}", format_size(layer.size), packed, digest, TITLES[part], shared, _cut(layer.made_by))
        )
    header = ("LAYER", "SIZE", "COMPRESSED", "DIGEST", "CONTENT", "", "INSTRUCTION")
    return TextTable(tuple(rows), header, right=(0, 1, 2))


def _applications(image: Inspection) -> TextTable:
    largest = sorted(image.applications, key=lambda each: (-each.size, each.name))
    rows = (
        (
            each.name,
            each.version,
            format_size(each.size) if each.layer is not None else "elsewhere",
            each.origin if each.origin != "unknown" else "",
            str(each.layer + 1) if each.layer is not None else "",
        )
        for each in largest
    )
    return TextTable(tuple(rows), ("APPLICATION", "VERSION", "SIZE", "FROM", "LAYER"), right=(2, 4))


def _build_steps(timeline: Timeline) -> Content:
    rows = (
        (f"{step.start:.1f} s", "cached" if step.cached else f"{step.seconds:.1f} s", _cut(step.title, 90))
        for step in timeline.steps
    )
    table = TextTable(tuple(rows), ("START", "TIME", "STEP"), right=(0, 1))
    return (table, f"{timeline.seconds:.1f} s in total")


def _against_blocks(other: ImageDifference, layers: int) -> tuple[str | TextTable, ...]:
    new = f"; {format_size(other.packed_new)} compressed are new" if other.packed_new is not None else ""
    blocks: list[str | TextTable] = [
        f"size {change(other.more)}: from {format_size(other.size_before)} to {format_size(other.size_after)}, "
        "uncompressed",
        f"{len(other.shared)} of {layers} layers are shared ({format_size(other.shared_size)}){new}",
    ]
    for title, rows, right in (
        ("versions", [_words(each) for each in other.versions], ()),
        ("applications", [_sized(each) for each in other.applications], (3,)),
        (
            f"files ({len(other.files)} differ)",
            [(f"/{each.name}", each.kind, change(each.more)) for each in other.files[:_FILES]],
            (2,),
        ),
        ("environment", [_words(each) for each in other.environment], ()),
    ):
        if rows:
            blocks += ["", title, TextTable(tuple(rows), right=right, indent=2)]
    if len(other.files) > _FILES:
        blocks.append(f"  and {len(other.files) - _FILES} more files")
    return tuple(blocks)


def _words(each: Changed) -> tuple[str, ...]:
    if each.kind == "changed":
        return (each.name, f"{each.before} → {each.after}")
    return (each.name, f"{each.kind}: {each.after or each.before}")


def _sized(each: Changed) -> tuple[str, ...]:
    version = each.after or each.before or ""
    if each.before and each.after and each.before != each.after:
        version = f"{each.before} → {each.after}"
    return (each.name, each.kind, version, change(each.more))


def _cut(text: str, width: int = _WIDEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
