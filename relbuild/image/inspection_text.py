"""An inspected image for people, on a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from relbuild.image.build.progress import Timeline
from relbuild.image.difference import Change, Difference
from relbuild.image.inspection import TITLES, Inspection
from relbuild.image.sizes import change, shown
from relbuild.release.contract_text import Required

# What a terminal has room for.
_WIDEST = 60
_FILES = 12
NO_CONTRACT = "the image doesn't say what it needs"
NO_TIMELINE = "how it was built isn't known here: relbuild image keeps it on the machine that builds"


def to_text(image: Inspection, timeline: Timeline | None, against: Difference | None) -> str:
    """Return what was found, in blocks."""
    blocks = [
        _table(facts(image)),
        _titled("layers", _table(_layers(image, against))),
        _titled("applications", _table(_applications(image))),
        _titled("environment", Required(image.environment).text() if image.environment is not None else NO_CONTRACT),
        _titled("labels", _table([(name, _cut(value)) for name, value in sorted(image.labels.items())]) or "none"),
        _titled("build", _build(timeline) if timeline is not None else NO_TIMELINE),
    ]
    if against is not None:
        blocks.append(_titled(f"against {against.reference}", _against(against, len(image.layers))))
    return "\n\n".join(blocks)


def facts(image: Inspection) -> list[tuple[str, str]]:
    """Return what is said of the image as a whole, as names and words."""
    versions, base = image.contents.versions, image.base
    runs = " ".join(image.command)
    rows = [
        ("image", image.reference),
        ("id", image.id),
        ("created", _time(image.created)),
        ("platform", image.platform),
        ("size", shown(image.size) + (f", {shown(image.packed)} compressed" if image.packed is not None else "")),
        ("release", f"{image.release.name} {image.release.version} in {image.release.root}"),
        ("elixir", versions.elixir or "none"),
        ("otp", f"{versions.otp or 'unknown'} (ERTS {versions.erts or 'unknown'})"),
        ("base", _base(image)),
        ("runs", f"{runs} as {image.user or 'root'}" if runs else f"nothing by itself, as {image.user or 'root'}"),
    ]
    if base.digest is not None:
        rows.insert(9, ("base digest", base.digest))
    return rows


def _time(created: str) -> str:
    """Return a time without its fraction of a second."""
    return re.sub(r"\.\d+", "", created)


def _base(image: Inspection) -> str:
    base = image.base
    title = base.distribution.title if base.distribution is not None else "a distribution that it doesn't name"
    return f"{base.name} ({title})" if base.name is not None else title


def _layers(image: Inspection, against: Difference | None) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for index, (layer, part) in enumerate(zip(image.layers, image.parts, strict=True)):
        shared = "" if against is None else "shared" if index in against.shared else "new"
        digest = (layer.digest or layer.diff_id).removeprefix("sha256:")[:12]
        rows.append(
            (
                f"{index + 1}",
                f"{shown(layer.size):>9}",
                f"{shown(layer.packed):>9}" if image.packed is not None else "",
                digest,
                TITLES[part],
                shared,
                _cut(layer.made_by),
            )
        )
    return rows


def _applications(image: Inspection) -> list[tuple[str, ...]]:
    largest = sorted(image.applications, key=lambda each: (-each.size, each.name))
    return [
        (
            each.name,
            each.version,
            f"{shown(each.size):>9}" if each.layer is not None else f"{'not here':>9}",
            each.origin if each.origin != "unknown" else "",
            f"layer {each.layer + 1}" if each.layer is not None else "",
        )
        for each in largest
    ]


def _build(timeline: Timeline) -> str:
    rows = [
        (f"{step.start:>7.1f} s", "cached" if step.cached else f"{step.seconds:.1f} s", _cut(step.title, 90))
        for step in timeline.steps
    ]
    return f"{_table(rows)}\n{timeline.seconds:.1f} s in all"


def _against(other: Difference, layers: int) -> str:
    new = f", {shown(other.packed_new)} compressed to push" if other.packed_new is not None else ""
    lines = [
        f"size {change(other.more)}: {shown(other.size_before)}, now {shown(other.size_after)}",
        f"{len(other.shared)} of {layers} layers are shared ({shown(other.shared_size)}){new}",
    ]
    for title, rows in (
        ("versions", [said(each) for each in other.versions]),
        ("applications", [sized(each) for each in other.applications]),
        (f"files ({len(other.files)} differ)", [sized(each, "/") for each in other.files[:_FILES]]),
        ("environment", [said(each) for each in other.environment]),
    ):
        if rows:
            lines += ["", title, *(f"  {line}" for line in _table(rows).splitlines())]
    if len(other.files) > _FILES:
        lines.append(f"  and {len(other.files) - _FILES} more files")
    return "\n".join(lines)


def said(each: Change) -> tuple[str, ...]:
    """Return a change of what is said, in words."""
    if each.kind == "changed":
        return (each.name, f"{each.before} → {each.after}")
    return (each.name, f"{each.kind}: {each.after or each.before}")


def sized(each: Change, prefix: str = "") -> tuple[str, ...]:
    """Return a change of what takes space, in words."""
    version = each.after or each.before or ""
    if each.before and each.after and each.before != each.after:
        version = f"{each.before} → {each.after}"
    return (f"{prefix}{each.name}", each.kind, version, f"{change(each.more):>10}")


def _titled(title: str, text: str) -> str:
    return "\n".join((title, *(f"  {line}".rstrip() for line in text.splitlines())))


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    """Return the rows with their columns under one another; a column that is empty throughout is left out."""
    if not rows:
        return ""
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cut(text: str, width: int = _WIDEST) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
