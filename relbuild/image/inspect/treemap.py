"""A squarified treemap: areas in proportion to sizes, in shapes near a square.

Bruls, Huizing, van Wijk: Squarified Treemaps, 2000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A rectangle; its corner is the upper left one."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """Its area."""
        return self.width * self.height

    def inside(self, above: float, around: float) -> Rectangle:
        """Return its part below a heading and within a margin, which may be empty."""
        width, height = max(self.width - 2 * around, 0.0), max(self.height - above - around, 0.0)
        return Rectangle(self.x + around, self.y + above, width, height)


@dataclass(frozen=True, slots=True)
class Area:
    """What takes space: a layer, an application, a directory or a file. `size` is in bytes, with all in it."""

    name: str
    path: str
    size: int
    kind: str = ""
    children: tuple[Area, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """The place of an area; `depth` counts from the outermost, and `kind` is the outermost's.

    `heading` tells that there is room for a heading above its parts.
    """

    area: Area
    place: Rectangle
    depth: int
    heading: bool
    kind: str


@dataclass(frozen=True, slots=True)
class TreemapStyle:
    """The measures of a treemap, in its own units: headings by depth, margins, and the least area that is drawn."""

    headings: tuple[float, ...] = (20.0, 15.0)
    margin: float = 2.0
    least: float = 60.0


def squarify(sizes: Sequence[float], frame: Rectangle) -> tuple[Rectangle, ...]:
    """Return a rectangle for each size, in their order; together they fill the frame, each in proportion to its size.

    A size of 0 gets an empty one.
    """
    total = float(sum(sizes))
    places = [Rectangle(frame.x, frame.y, 0.0, 0.0)] * len(sizes)
    order = [index for index in sorted(range(len(sizes)), key=lambda index: -sizes[index]) if sizes[index] > 0]
    if not order or frame.area <= 0:
        return tuple(places)
    scale = frame.area / total
    left = frame
    while order:
        side = min(left.width, left.height)
        row: list[float] = []
        for index in order:
            if row and _worst([*row, sizes[index] * scale], side) > _worst(row, side):
                break
            row.append(sizes[index] * scale)
        last = len(row) == len(order)
        rectangles, left = _laid(row, left, last)
        for index, rectangle in zip(order, rectangles, strict=False):
            places[index] = rectangle
        order = order[len(row) :]
    return tuple(places)


def _worst(row: Sequence[float], side: float) -> float:
    """Return the largest ratio of length to width in a row."""
    total = sum(row)
    if side <= 0 or total <= 0:
        return float("inf")
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))


def _laid(row: Sequence[float], frame: Rectangle, last: bool) -> tuple[list[Rectangle], Rectangle]:
    """Return the rectangles of a row along the frame's shorter side, and what is left of the frame."""
    total = sum(row)
    wide = frame.width >= frame.height
    side = frame.height if wide else frame.width
    # The last row takes the rest: nothing is lost to rounding.
    depth = (frame.width if wide else frame.height) if last else total / side
    rectangles, at = [], 0.0
    for area in row:
        length = side * area / total
        if wide:
            rectangles.append(Rectangle(frame.x, frame.y + at, depth, length))
        else:
            rectangles.append(Rectangle(frame.x + at, frame.y, length, depth))
        at += length
    if wide:
        return rectangles, Rectangle(frame.x + depth, frame.y, max(frame.width - depth, 0.0), frame.height)
    return rectangles, Rectangle(frame.x, frame.y + depth, frame.width, max(frame.height - depth, 0.0))


def layout(
    areas: Sequence[Area], frame: Rectangle, style: TreemapStyle = TreemapStyle(), depth: int = 0, kind: str = ""
) -> Iterator[Cell]:
    """Yield the areas' cells, each before those of its parts; areas too small to see are joined to one."""
    kept = _joined(areas, frame, style)
    for area, place in zip(kept, squarify([area.size for area in kept], frame), strict=True):
        above = style.headings[min(depth, len(style.headings) - 1)]
        inner = place.inside(above, style.margin)
        heading = bool(area.children) and inner.width > 3 * above and inner.height > above
        yield Cell(area, place, depth, heading, kind or area.kind)
        if area.children and place.area > 4 * style.least:
            within = inner if heading else place.inside(1.0, 1.0)
            if within.area > 0:  # else it is narrower than its margins
                yield from layout(area.children, within, style, depth + 1, kind or area.kind)


def _joined(areas: Sequence[Area], frame: Rectangle, style: TreemapStyle) -> list[Area]:
    total = sum(area.size for area in areas)
    least = style.least * total / frame.area if frame.area > 0 else total
    large = [area for area in areas if area.size >= least]
    small = [area for area in areas if 0 < area.size < least]
    if len(small) < 2:
        return [*large, *small]
    return [*large, Area(f"{len(small)} smaller", "", sum(area.size for area in small))]


@dataclass(slots=True)
class _Branch:
    size: int = 0
    below: dict[str, _Branch] = field(default_factory=dict)


def grow(files: Iterable[tuple[str, int]], prefix: str = "") -> tuple[Area, ...]:
    """Return the tree of files (path and size), the largest first; a directory with one entry is joined with it."""
    root = _Branch()
    for path, size in files:
        branch = root
        for part in path.split("/"):
            branch = branch.below.setdefault(part, _Branch())
            branch.size += size
    return _areas(root, prefix)


def _areas(branch: _Branch, prefix: str) -> tuple[Area, ...]:
    areas = []
    for name, below in branch.below.items():
        while len(below.below) == 1:
            ((inner, next_below),) = below.below.items()
            name, below = f"{name}/{inner}", next_below
        path = f"{prefix}{name}"
        areas.append(Area(name, path, below.size, "", _areas(below, f"{path}/")))
    return tuple(sorted(areas, key=lambda area: (-area.size, area.name)))
