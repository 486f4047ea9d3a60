"""A squarified treemap: areas as large as what they stand for, in shapes near a square.

Bruls, Huizing, van Wijk: Squarified Treemaps, 2000.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from relbuild.values import dataclass


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
        """Return what is left of it below a heading and within a margin; empty where nothing is."""
        width, height = max(self.width - 2 * around, 0.0), max(self.height - above - around, 0.0)
        return Rectangle(self.x + around, self.y + above, width, height)


@dataclass(frozen=True, slots=True)
class Node:
    """What takes space: a layer, an application, a directory, a file. `size` is that of all in it, in bytes."""

    name: str
    path: str
    size: int
    kind: str = ""
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A node's place; `depth` counts from the outermost, whose kind `kind` is.

    `heading` tells that there is room for one above its parts.
    """

    node: Node
    place: Rectangle
    depth: int
    heading: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Style:
    """The measures of a treemap, in its own units: headings by depth, margins, and the least area that is drawn."""

    headings: tuple[float, ...] = (20.0, 15.0)
    margin: float = 2.0
    least: float = 60.0


def squarify(sizes: Sequence[float], frame: Rectangle) -> tuple[Rectangle, ...]:
    """Return a rectangle for each size, in their order; together they fill the frame, each by its share.

    What has no size gets no area.
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
    """Return how far the least square of a row is from a square."""
    total = sum(row)
    if side <= 0 or total <= 0:
        return float("inf")
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))


def _laid(row: Sequence[float], frame: Rectangle, last: bool) -> tuple[list[Rectangle], Rectangle]:
    """Return the rectangles of a row along the frame's shorter side, and what is left of the frame."""
    total = sum(row)
    wide = frame.width >= frame.height
    side = frame.height if wide else frame.width
    # The last takes what is left: nothing is lost to rounding.
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
    nodes: Sequence[Node], frame: Rectangle, style: Style = Style(), depth: int = 0, kind: str = ""
) -> Iterator[Cell]:
    """Yield the nodes' cells, each before those of its parts; what would be too small to see is put together."""
    kept = _joined(nodes, frame, style)
    for node, place in zip(kept, squarify([node.size for node in kept], frame), strict=True):
        above = style.headings[min(depth, len(style.headings) - 1)]
        inner = place.inside(above, style.margin)
        heading = bool(node.children) and inner.width > 3 * above and inner.height > above
        yield Cell(node, place, depth, heading, kind or node.kind)
        if node.children and place.area > 4 * style.least:
            within = inner if heading else place.inside(1.0, 1.0)
            if within.area > 0:  # else it is thinner than its own margin
                yield from layout(node.children, within, style, depth + 1, kind or node.kind)


def _joined(nodes: Sequence[Node], frame: Rectangle, style: Style) -> list[Node]:
    total = sum(node.size for node in nodes)
    least = style.least * total / frame.area if frame.area > 0 else total
    large = [node for node in nodes if node.size >= least]
    small = [node for node in nodes if 0 < node.size < least]
    if len(small) < 2:
        return [*large, *small]
    return [*large, Node(f"{len(small)} smaller", "", sum(node.size for node in small))]


@dataclass(slots=True)
class _Branch:
    size: int = 0
    below: dict[str, _Branch] = field(default_factory=dict)


def grow(files: Iterable[tuple[str, int]], prefix: str = "") -> tuple[Node, ...]:
    """Return the tree of files given by path and size, the largest first; a directory of one thing is one with it."""
    root = _Branch()
    for path, size in files:
        branch = root
        for part in path.split("/"):
            branch = branch.below.setdefault(part, _Branch())
            branch.size += size
    return _nodes(root, prefix)


def _nodes(branch: _Branch, prefix: str) -> tuple[Node, ...]:
    nodes = []
    for name, below in branch.below.items():
        while len(below.below) == 1:
            ((inner, next_below),) = below.below.items()
            name, below = f"{name}/{inner}", next_below
        path = f"{prefix}{name}"
        nodes.append(Node(name, path, below.size, "", _nodes(below, f"{path}/")))
    return tuple(sorted(nodes, key=lambda node: (-node.size, node.name)))
