"""An inspected image as one page that needs nothing else: no script, no request, light and dark, narrow and wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from relbuild import __version__, templates
from relbuild.image.build.progress import TimedStep, Timeline
from relbuild.image.difference import Change, Difference
from relbuild.image.inspection import TITLES, Inspection, Part
from relbuild.image.inspection_text import NO_CONTRACT, NO_TIMELINE, facts
from relbuild.image.sizes import change, shown
from relbuild.image.treemap import Cell, Node, Rectangle, Style, grow, layout
from relbuild.mix.environment import Variable, describe
from relbuild.values import dataclass

# The frames of the map, in pixels of the screen that each is made for.
FRAMES = {"wide": Rectangle(0.0, 0.0, 1240.0, 660.0), "narrow": Rectangle(0.0, 0.0, 370.0, 640.0)}
MAP = Style(headings=(22.0, 17.0), margin=2.0, least=90.0)
# What a name takes at least, in the same pixels.
_NAME = Rectangle(0.0, 0.0, 42.0, 15.0)
# The steps of a timeline's scale, in seconds.
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600)
_FILES = 40


@dataclass(frozen=True, slots=True)
class Box:
    """A cell of the map as the page has it: its place in percent, and what is written in it."""

    style: str
    classes: str
    tip: str
    name: str
    size: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of the timeline: its place in percent, and how long it took in words."""

    title: str
    left: str
    width: str
    took: str
    classes: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table of changes."""

    name: str
    kind: str
    versions: str
    more: str
    grown: bool


def render(image: Inspection, timeline: Timeline | None, against: Difference | None) -> str:
    """Return the page."""
    nodes = tree(image)
    used = max((each.size for each in image.applications), default=0) or 1
    largest = max((layer.size for layer in image.layers), default=0) or 1
    return templates.render(
        "inspect.html.j2",
        relbuild=__version__,
        image=image,
        facts=[(name, value) for name, value in facts(image) if name not in ("image", "id", "size")],
        titles=TITLES,
        shown=shown,
        maps={name: [_box(cell, frame) for cell in layout(nodes, frame, MAP)] for name, frame in FRAMES.items()},
        frames=FRAMES,
        legend=_legend(nodes),
        layers=[
            (index + 1, layer, part, _percent(layer.size, largest), against is not None and index in against.shared)
            for index, (layer, part) in enumerate(zip(image.layers, image.parts, strict=True))
        ],
        applications=[
            (each, _percent(each.size, used), image.parts[each.layer] if each.layer is not None else "empty")
            for each in sorted(image.applications, key=lambda each: (-each.size, each.name))
        ],
        variables=[_variable(each) for each in image.environment.variables] if image.environment else None,
        no_contract=NO_CONTRACT,
        bars=[_bar(step, timeline.seconds) for step in timeline.steps] if timeline else None,
        took=_time(timeline.seconds) if timeline else "",
        ticks=_ticks(timeline.seconds) if timeline else (),
        no_timeline=NO_TIMELINE,
        against=against,
        grown=change(against.more) if against else "",
        said=_said(against) if against else (),
        changed_applications=[_row(each) for each in against.applications] if against else (),
        changed_files=[_row(each, "/") for each in against.files[:_FILES]] if against else (),
        labels=sorted(image.labels.items()),
    )


def tree(image: Inspection) -> tuple[Node, ...]:
    """Return what takes the space: the layers, in each the applications and directories, in those the files.

    Layers that are there for the same thing are one: an application may be spread over several.
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
    nodes = []
    for part, group in groups.items():
        inside = [_grown(prefix, name, files) for (prefix, name), files in group.items()]
        kept = tuple(sorted((node for node in inside if node.size), key=lambda node: (-node.size, node.name)))
        if kept:
            title = f"{_numbers(sorted(layers[part]))} {TITLES[part]}"
            nodes.append(Node(title, "", sum(node.size for node in kept), part, kept))
    return tuple(sorted(nodes, key=lambda node: -node.size))


def _numbers(layers: Sequence[int]) -> str:
    """Return the numbers of layers, as a range where they are one."""
    if len(layers) == 1:
        return str(layers[0])
    whole = layers[-1] - layers[0] == len(layers) - 1
    return f"{layers[0]}-{layers[-1]}" if whole else ", ".join(map(str, layers))


def _group(path: str, root: str, names: dict[str, str]) -> tuple[str, str]:
    """Return the directory that a file is counted to, with a slash at its end, and what that is called."""
    if path.startswith(root):
        parts = path.removeprefix(root).split("/")
        if parts[0] == "lib" and len(parts) > 2 and parts[1] in names:
            return f"{root}lib/{parts[1]}/", names[parts[1]]
        if len(parts) > 1 and root:
            return f"{root}{parts[0]}/", parts[0]
    parts = path.split("/")
    directory = "/".join(parts[: min(2, len(parts) - 1)])
    return (f"{directory}/", f"/{directory}") if directory else ("", "/")


def _grown(prefix: str, name: str, files: Iterable[tuple[str, int]]) -> Node:
    below = grow(files, prefix)
    size = sum(node.size for node in below)
    while len(below) == 1 and below[0].children:  # most applications have nothing but ebin/
        below = below[0].children
    return Node(name, prefix.removesuffix("/"), size, "", below)


def _box(cell: Cell, frame: Rectangle) -> Box:
    place, node = cell.place, cell.node
    sides = (
        ("left", place.x, frame.width),
        ("top", place.y, frame.height),
        ("width", place.width, frame.width),
        ("height", place.height, frame.height),
    )
    named = cell.heading or (not node.children and place.width > _NAME.width and place.height > _NAME.height)
    classes = ("cell", f"d{min(cell.depth, 4)}", cell.kind)
    where = f"/{node.path}" if node.path else node.name
    return Box(
        ";".join(f"{name}:{100 * value / whole:.3f}%" for name, value, whole in sides),
        " ".join(classes),
        f"{where} · {shown(node.size)}",
        node.name if named else "",
        shown(node.size) if named and cell.heading and place.width > 110 else "",
    )


def _legend(nodes: Sequence[Node]) -> list[tuple[str, str, str, str]]:
    total = sum(node.size for node in nodes) or 1
    sizes: dict[str, int] = {}
    for node in nodes:
        sizes[node.kind] = sizes.get(node.kind, 0) + node.size
    order = [part for part in TITLES if part in sizes]
    return [(part, TITLES[part], shown(sizes[part]), _share(sizes[part] / total)) for part in order]


def _share(part: float) -> str:
    """Return a part of one in whole percents; what is there is never nothing."""
    percent = round(100 * part)
    return f"{percent} %" if percent or not part else "<1 %"


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "0%"


def _variable(each: Variable) -> tuple[str, str, str, str]:
    """Return a variable's name, kind and place, and what is said of it."""
    needs = each.needs
    at = needs[0].at if needs else each.at
    said = [] if needs or not each.shown_default else [each.shown_default]
    for needed in needs:
        said += [] if needed.unconditional else [f"when {describe(needed.when)}"]
        said += [needed.message] if needed.message else []
    return each.name, each.kind, at.brief, "\n".join(said)


def _bar(step: TimedStep, whole: float) -> Bar:
    classes = " ".join(filter(None, ("step", "cached" if step.cached else "", "own" if step.internal else "")))
    took = "cached" if step.cached else _time(step.seconds)
    return Bar(step.title, _percent(step.start, whole), _percent(step.seconds, whole), took, classes)


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds // 60)}:{int(seconds % 60):02} min"


def _ticks(seconds: float) -> list[tuple[str, str]]:
    """Return the scale of a timeline: places in percent, and times."""
    step = next((each for each in _TICKS if seconds / each <= 8), _TICKS[-1])
    count = int(seconds / step) + 1
    return [(_percent(index * step, seconds), f"{index * step:g} s") for index in range(min(count, 100))]


def _said(against: Difference) -> list[Row]:
    return [_row(each) for each in (*against.versions, *against.environment)]


def _row(each: Change, prefix: str = "") -> Row:
    words = [word for word in (each.before, each.after) if word]
    versions = " → ".join(dict.fromkeys(words))
    return Row(f"{prefix}{each.name}", each.kind, versions, change(each.more), each.more > 0)
