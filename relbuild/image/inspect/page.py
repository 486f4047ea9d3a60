"""An inspected image as one page that loads nothing: maps of its files, tables, and a search by its one script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from relbuild import __version__, templates
from relbuild.image.build.progress import TimedStep, Timeline
from relbuild.image.findings import change, format_size
from relbuild.image.inspect.difference import Changed, ImageDifference
from relbuild.image.inspect.inspection import TITLES, Inspection, Part
from relbuild.image.inspect.report import NO_CONTRACT, NO_TIMELINE, facts, sizes
from relbuild.image.inspect.treemap import Area, Cell, Rectangle, TreemapStyle, grow, layout
from relbuild.mix.environment import Variable, describe


@dataclass(frozen=True, slots=True)
class Frame:
    """A map's frame in pixels of the screen it is made for, with the width of a letter: a heading's, another's."""

    place: Rectangle
    heading: float
    letter: float


# Each map is laid out twice, for wide and for narrow screens; the letters are those of inspect.css.
FRAMES = {
    "wide": Frame(Rectangle(0.0, 0.0, 1240.0, 660.0), 7.9, 6.9),
    "narrow": Frame(Rectangle(0.0, 0.0, 370.0, 640.0), 6.9, 6.2),
}
MAP = TreemapStyle(headings=(22.0, 17.0), margin=2.0, least=90.0)
# The least height of a cell with a name, and the space beside a name, in the same pixels.
_LINE = 15.0
_PADDING = 14.0
_NAMES = {str(part): title for part, title in TITLES.items()}
# A name is cut only if this many letters remain.
_SHORTEST = 6
# The steps of a timeline's scale, in seconds.
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)
_CHANGED_FILES = 40
_LARGEST = 30


@dataclass(frozen=True, slots=True)
class MapBox:
    """A cell of a map as the page has it: its place in percent, its tip, and the name and size in it."""

    style: str
    classes: str
    tip: str
    name: str
    size: str


@dataclass(frozen=True, slots=True)
class FileMap:
    """A map of files: a title, its legend, and its boxes for each frame."""

    title: str
    legend: tuple[tuple[str, str, str, str], ...]
    boxes: Mapping[str, tuple[MapBox, ...]]


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """A step of the timeline: its place in percent, and its time in words."""

    title: str
    left: str
    width: str
    took: str
    classes: str


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row of a table of changes."""

    name: str
    kind: str
    versions: str
    more: str
    grown: bool


def render(image: Inspection, timeline: Timeline | None, against: ImageDifference | None) -> str:
    """Return the page."""
    used = max((each.size for each in image.applications), default=0) or 1
    largest = max((layer.size for layer in image.layers), default=0) or 1
    parts = image.parts
    files = sorted(image.files, key=lambda path: (-image.files[path].size, path))
    script = templates.render("inspect.js")
    return templates.render(
        "inspect.html.j2",
        relbuild=__version__,
        image=image,
        sizes=sizes(image),
        facts=[(name, value) for name, value in facts(image) if name not in ("image", "id", "size")],
        titles=TITLES,
        shown=format_size,
        maps=maps(image),
        frames={name: frame.place for name, frame in FRAMES.items()},
        layers=[
            (index + 1, layer, part, _percent(layer.size, largest), against is not None and index in against.shared)
            for index, (layer, part) in enumerate(zip(image.layers, parts, strict=True))
        ],
        applications=[
            (each, _percent(each.size, used), parts[each.layer] if each.layer is not None else "empty")
            for each in sorted(image.applications, key=lambda each: (-each.size, each.name))
        ],
        files=[(path, image.files[path].size, parts[image.files[path].layer]) for path in files],
        listed=_LARGEST,
        variables=[_variable(each) for each in image.environment.variables] if image.environment else None,
        no_contract=NO_CONTRACT,
        bars=[_bar(step, timeline.seconds) for step in timeline.steps] if timeline else None,
        took=_time(timeline.seconds) if timeline else "",
        ticks=_ticks(timeline.seconds) if timeline else (),
        no_timeline=NO_TIMELINE,
        against=against,
        grown=change(against.more) if against else "",
        changed_facts=[_row(each) for each in (*against.versions, *against.environment)] if against else (),
        changed_applications=[_row(each) for each in against.applications] if against else (),
        changed_files=[_row(each, "/") for each in against.files[:_CHANGED_FILES]] if against else (),
        labels=sorted(image.labels.items()),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def maps(image: Inspection) -> tuple[FileMap, ...]:
    """Return the map of all files, and that of all but the base image's where it has one."""
    areas = tree(image)
    own = tuple(area for area in areas if area.kind != "base")
    found = [_map("Files by size", areas)]
    if own and len(own) < len(areas):
        found.append(_map("Without the base image", own))
    return tuple(found)


def _map(title: str, areas: Sequence[Area]) -> FileMap:
    boxes = {
        name: tuple(_box(cell, frame) for cell in layout(areas, frame.place, MAP)) for name, frame in FRAMES.items()
    }
    return FileMap(title, tuple(_legend(areas)), boxes)


def tree(image: Inspection) -> tuple[Area, ...]:
    """Return what takes the space: the layers, in each the applications and directories, in those the files.

    Layers with the same part of the image are one area: an application may be spread over several.
    """
    root = f"{image.release.directory}/" if image.release.directory else ""
    names = {f"{each.name}-{each.version}": f"{each.name} {each.version}" for each in image.applications}
    parts = image.parts
    groups: dict[Part, dict[tuple[str, str], list[tuple[str, int]]]] = {}
    layers: dict[Part, set[int]] = {}
    for path, file in image.files.items():
        part = parts[file.layer]
        prefix, name = _group(path, root, names)
        groups.setdefault(part, {}).setdefault((prefix, name), []).append((path.removeprefix(prefix), file.size))
        layers.setdefault(part, set()).add(file.layer + 1)
    areas = []
    for part, group in groups.items():
        inside = [_grown(prefix, name, files) for (prefix, name), files in group.items()]
        kept = tuple(sorted((area for area in inside if area.size), key=lambda area: (-area.size, area.name)))
        if kept:
            title = f"{_numbers(sorted(layers[part]))} {TITLES[part]}"
            areas.append(Area(title, "", sum(area.size for area in kept), part, kept))
    return tuple(sorted(areas, key=lambda area: -area.size))


def _numbers(layers: Sequence[int]) -> str:
    """Return the numbers of layers, as a range if they are consecutive."""
    if len(layers) == 1:
        return str(layers[0])
    whole = layers[-1] - layers[0] == len(layers) - 1
    return f"{layers[0]}-{layers[-1]}" if whole else ", ".join(map(str, layers))


def _group(path: str, root: str, names: dict[str, str]) -> tuple[str, str]:
    """Return the directory that a file is counted to, with a slash at its end, and its name on the map."""
    if path.startswith(root):
        parts = path.removeprefix(root).split("/")
        if parts[0] == "lib" and len(parts) > 2 and parts[1] in names:
            return f"{root}lib/{parts[1]}/", names[parts[1]]
        if len(parts) > 1 and root:
            return f"{root}{parts[0]}/", parts[0]
    parts = path.split("/")
    directory = "/".join(parts[: min(2, len(parts) - 1)])
    return (f"{directory}/", f"/{directory}") if directory else ("", "/")


def _grown(prefix: str, name: str, files: Iterable[tuple[str, int]]) -> Area:
    below = grow(files, prefix)
    size = sum(area.size for area in below)
    while len(below) == 1 and below[0].children:  # most applications have only ebin/
        below = below[0].children
    return Area(name, prefix.removesuffix("/"), size, "", below)


def _box(cell: Cell, frame: Frame) -> MapBox:
    place, area = cell.place, cell.area
    sides = (
        ("left", place.x, frame.place.width),
        ("top", place.y, frame.place.height),
        ("width", place.width, frame.place.width),
        ("height", place.height, frame.place.height),
    )
    letter = frame.heading if cell.depth < 2 else frame.letter
    room = int((place.width - _PADDING) / letter)
    named = cell.heading or (not area.children and place.height > _LINE)
    name = _fitting(area.name, _NAMES.get(area.kind, ""), room) if named else ""
    size = format_size(area.size)
    where = f"/{area.path}" if area.path else area.name
    return MapBox(
        ";".join(f"{name}:{100 * value / whole:.3f}%" for name, value, whole in sides),
        f"cell d{min(cell.depth, 4)} {cell.kind}",
        f"{where} · {size}",
        name,
        size if cell.heading and name == area.name and len(name) + len(size) < room else "",
    )


def _fitting(name: str, title: str, room: int) -> str:
    """Return a name in this many letters: whole, the title of its layer, without its version or directories; else cut.

    A cell in which only a few letters would remain gets no name.
    """
    for each in (name, title, name.partition(" ")[0] if not name[0].isdigit() else "", name.rpartition("/")[2]):
        if each and len(each) <= room:
            return each
    return f"{name[: room - 1]}…" if room > _SHORTEST else ""


def _legend(areas: Sequence[Area]) -> list[tuple[str, str, str, str]]:
    total = sum(area.size for area in areas) or 1
    by_part: dict[str, int] = {}
    for area in areas:
        by_part[area.kind] = by_part.get(area.kind, 0) + area.size
    order = [part for part in TITLES if part in by_part]
    return [(part, TITLES[part], format_size(by_part[part]), _share(by_part[part] / total)) for part in order]


def _share(part: float) -> str:
    """Return a part of one in whole percents; more than nothing is never 0 %."""
    percent = round(100 * part)
    return f"{percent} %" if percent or not part else "<1 %"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "0%"


def _variable(each: Variable) -> tuple[str, str, str, str]:
    """Return a variable's name, kind, place and description."""
    needs = each.needs
    at = needs[0].at if needs else each.at
    lines = [] if needs or not each.shown_default else [each.shown_default]
    for needed in needs:
        lines += [] if needed.unconditional else [f"when {describe(needed.when)}"]
        lines += [needed.message] if needed.message else []
    return each.name, each.kind, at.brief, "\n".join(lines)


def _bar(step: TimedStep, whole: float) -> TimelineBar:
    classes = " ".join(filter(None, ("step", "cached" if step.cached else "", "own" if step.internal else "")))
    took = "cached" if step.cached else _time(step.seconds)
    return TimelineBar(step.title, _percent(step.start, whole), _percent(step.seconds, whole), took, classes)


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds // 60)}:{int(seconds % 60):02} min"


def _ticks(seconds: float) -> list[tuple[str, str]]:
    """Return the scale of a timeline: places in percent, and times."""
    step = next((each for each in _TICKS if seconds / each <= 8), _TICKS[-1])
    count = int(seconds / step) + 1
    return [(_percent(index * step, seconds), f"{index * step:g} s") for index in range(min(count, 100))]


def _row(each: Changed, prefix: str = "") -> ChangedRow:
    versions = " → ".join(dict.fromkeys(version for version in (each.before, each.after) if version))
    return ChangedRow(f"{prefix}{each.name}", each.kind, versions, change(each.more), each.more > 0)
