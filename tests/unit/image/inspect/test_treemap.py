"""The map of what takes the space: every area as large as what it stands for."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from relbuild.image.inspect.treemap import Area, Cell, Rectangle, TreemapStyle, grow, layout, squarify

SIZES = st.lists(st.integers(0, 10**9), max_size=40)
FRAMES = st.builds(Rectangle, st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 2000), st.floats(1, 2000))
# Of the frame's measures: what floats lose on the way.
NEAR = 1e-6


@given(SIZES, FRAMES)
def test_areas_are_proportional(sizes: list[int], frame: Rectangle) -> None:
    places = squarify(sizes, frame)
    assert len(places) == len(sizes)
    total = sum(sizes)
    for size, place in zip(sizes, places, strict=True):
        expected = frame.area * size / total if total else 0.0
        assert math.isclose(place.area, expected, rel_tol=1e-6, abs_tol=NEAR * frame.area)


@given(SIZES, FRAMES)
def test_all_are_inside_and_none_overlap(sizes: list[int], frame: Rectangle) -> None:
    places = [place for place in squarify(sizes, frame) if place.area > 0]
    for place in places:
        assert within(place, frame)
    for index, one in enumerate(places):
        assert not any(overlap(one, other, frame) for other in places[index + 1 :])


def within(inner: Rectangle, outer: Rectangle) -> bool:
    near = NEAR * (outer.width + outer.height + abs(outer.x) + abs(outer.y))
    return (
        inner.x >= outer.x - near
        and inner.y >= outer.y - near
        and inner.x + inner.width <= outer.x + outer.width + near
        and inner.y + inner.height <= outer.y + outer.height + near
    )


def overlap(one: Rectangle, other: Rectangle, frame: Rectangle) -> bool:
    wide = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    high = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return wide > NEAR * frame.width and high > NEAR * frame.height


def test_the_example_of_the_paper() -> None:
    places = squarify([6, 6, 4, 3, 2, 2, 1], Rectangle(0, 0, 6, 4))
    first = [(place.x, place.y, place.width, place.height) for place in places[:4]]
    assert first[:2] == [(0, 0, 3, 2), (0, 2, 3, 2)]
    assert [round(value, 2) for value in first[2]] == [3, 0, 1.71, 2.33]
    worst = max(max(place.width / place.height, place.height / place.width) for place in places)
    assert worst < 3


def nodes(depth: int) -> st.SearchStrategy[Area]:
    leaf = st.builds(lambda size: Area("file", "x", size), st.integers(0, 10**6))
    if depth == 0:
        return leaf
    below = st.lists(nodes(depth - 1), max_size=5).map(tuple)
    inner = below.map(lambda parts: Area("dir", "d", sum(part.size for part in parts), "", parts))
    return leaf | inner


@given(st.lists(nodes(3), max_size=5), FRAMES)
def test_parts_lie_in_what_they_are_parts_of(trees: list[Area], frame: Rectangle) -> None:
    above: list[Cell] = []
    for cell in layout(trees, frame):
        above = [*above[: cell.depth], cell]
        assert within(cell.place, above[-2].place if cell.depth else frame)
        if cell.depth and above[-2].heading:
            assert cell.place.y >= above[-2].place.y + TreemapStyle().headings[0] - 6
    assert all(one.depth + 1 >= other.depth for one, other in pairwise(layout(trees, frame)))


def test_what_is_thinner_than_its_own_margin_has_no_parts_drawn() -> None:
    parts = (Area("a", "", 5), Area("b", "", 5))
    frame = Rectangle(0, 0, 1.5, 5000)
    cells = list(layout([Area("dir", "d", 10, "", parts)], frame))
    assert all(within(cell.place, frame) for cell in cells)
    assert [cell.area.name for cell in cells] == ["dir"]


def test_what_is_too_small_to_see_is_put_together() -> None:
    small = [Area(f"s{index}", "", 1) for index in range(50)]
    cells = list(layout([Area("large", "", 10**6), *small], Rectangle(0, 0, 100, 100)))
    assert [(cell.area.name, cell.area.size) for cell in cells] == [("large", 10**6), ("50 smaller", 50)]


def test_trees_of_files() -> None:
    files = [("ebin/a.beam", 3), ("ebin/b.beam", 5), ("priv/static/deep/x.js", 4), ("VERSION", 1)]
    assert grow(files, "app/lib/a-1/") == (
        Area(
            "ebin",
            "app/lib/a-1/ebin",
            8,
            "",
            (Area("b.beam", "app/lib/a-1/ebin/b.beam", 5), Area("a.beam", "app/lib/a-1/ebin/a.beam", 3)),
        ),
        Area("priv/static/deep/x.js", "app/lib/a-1/priv/static/deep/x.js", 4),
        Area("VERSION", "app/lib/a-1/VERSION", 1),
    )
    assert grow([]) == ()
