"""The page of an inspected image: it loads nothing, it is safe whatever the image holds, and it can be read."""

from __future__ import annotations

import base64
import colorsys
import hashlib
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from relbuild.image import labels
from relbuild.image.build.progress import TimedStep, Timeline
from relbuild.image.inspect import page
from relbuild.image.inspect.difference import compare
from tests.unit.image.conftest import DEPENDENCIES, PROJECT, RELEASE

RELEASE_LAYERS = (RELEASE, DEPENDENCIES, PROJECT)
VOID = {"meta", "br", "hr", "img", "input", "link"}
EVIL = "<script>alert(1)</script>\"'&</style>"
TIMELINE = Timeline(
    (
        TimedStep("[build 1/2] COPY lib/ lib/", 0.0, 0.0, cached=True),
        TimedStep(f"[build 2/2] RUN echo {EVIL}", 0.5, 3.5, cached=False),
        TimedStep("exporting to image", 4.0, 1.0, cached=False, internal=True),
    ),
    5.0,
)


class Reader(HTMLParser):
    """Notes the elements, and holds that every one is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def image(made: Callable[..., Any]) -> Any:
    return made().inspection


def test_it_loads_nothing(image: Any) -> None:
    text = page.render(image, TIMELINE, compare(image, image, lambda one, other: True))
    reader = read(text)
    names = [name for name, _ in reader.elements]
    assert set(names).isdisjoint({"link", "img", "iframe", "object", "base", "form", "a"})
    attributes = {name for _, found in reader.elements for name in found}
    assert not [name for name in attributes if name.startswith("on") or name in ("src", "href")]
    assert not re.search(r"url\(|@import|https?:", text)
    [script] = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = [found["content"] for _, found in reader.elements if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy == [f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hashed}'"]
    assert not re.search(r"fetch|XMLHttp|WebSocket|import\b|eval|innerHTML", script)


def test_what_an_image_holds_is_only_text(made: Callable[..., Any]) -> None:
    label = {labels.BUILT_BY: EVIL, EVIL: EVIL, labels.OCI_BASE_NAME: EVIL}
    evil = made(
        [{f"etc/{EVIL}": b"x" * 99}, *RELEASE_LAYERS], label, reference=EVIL, user=EVIL, command=(EVIL,), id=EVIL
    )
    evil = evil.inspection
    reader = read(page.render(evil, TIMELINE, compare(evil, evil, lambda one, other: False)))
    names = [name for name, _ in reader.elements]
    assert (names.count("script"), names.count("style")) == (1, 1)
    assert EVIL in reader.text


@pytest.mark.parametrize("frame", page.FRAMES)
def test_the_map_shows_every_layer_and_application(image: Any, frame: str) -> None:
    boxes = page.maps(image)[0].boxes[frame]
    titles = {box.tip.rpartition(" · ")[0] for box in boxes}
    for named in ("1 base image", "2 ERTS, OTP and Elixir", "3 dependencies", "4 project", "/app/lib/jason-1.4.1"):
        assert named in titles
    places = [[float(side.partition(":")[2].rstrip("%")) for side in box.style.split(";")] for box in boxes]
    assert len(places) > 10
    assert all(x >= 0 and y >= 0 and x + width < 100.01 and y + height < 100.01 for x, y, width, height in places)


def test_the_second_map_is_without_the_base(made: Callable[..., Any], image: Any) -> None:
    every, own = page.maps(image)
    assert (every.title, own.title) == ("Files by size", "Without the base image")
    assert [part for part, *_ in every.legend] == ["base", "otp", "dependencies", "project"]
    assert [part for part, *_ in own.legend] == ["otp", "dependencies", "project"]
    assert not [box for boxes in own.boxes.values() for box in boxes if "base" in box.classes.split()]
    minimal = {labels.BUILT_BY: "relbuild", labels.RELEASE: "shop", labels.ROOT: "/app"}
    assert len(page.maps(made(label=minimal).inspection)) == 1


@pytest.mark.parametrize(
    ("name", "title", "room", "fitting"),
    [
        ("jason 1.4.1", "", 11, "jason 1.4.1"),
        ("jason 1.4.1", "", 10, "jason"),
        ("jason 1.4.1", "", 4, ""),
        ("3-5 dependencies", "dependencies", 12, "dependencies"),
        ("12 smaller", "", 9, "12 small…"),
        ("plug_cowboy 2.7.0", "", 8, "plug_co…"),
        ("plug_cowboy 2.7.0", "", 5, ""),
        ("ebin/re.so", "", 6, "re.so"),
        ("ls", "", 2, "ls"),
        ("ls", "", 1, ""),
    ],
)
def test_no_name_is_cut_to_a_few_letters(name: str, title: str, room: int, fitting: str) -> None:
    assert page._fitting(name, title, room) == fitting


def test_files_are_listed_with_the_largest_first(image: Any) -> None:
    text = page.render(image, None, None)
    rows = re.findall(r'<tr class="(\w+)" data-size="(\d+)"(?: hidden)?>.*?<td class="path">(.*?)</td></tr>', text)
    assert len(rows) == len(image.files)
    assert rows[:2] == [("base", "9000", "/usr/lib/libc.so.6"), ("otp", "5000", "/app/erts-15.2.7/bin/beam.smp")]
    assert [int(size) for _, size, _ in rows] == sorted((file.size for file in image.files.values()), reverse=True)


def test_only_the_largest_files_are_shown_before_a_search(made: Callable[..., Any]) -> None:
    many = {f"etc/{index}": b"x" * (100 + index) for index in range(50)}
    text = page.render(made([many, *RELEASE_LAYERS]).inspection, None, None)
    assert text.count(" hidden><td") == text.count('<td class="path">') - 30


CSS = (Path(__file__).parents[4] / "pages" / "inspect.css").read_text()


def luminance(hue: float, saturation: float, lightness: float) -> float:
    """Return a colour's relative luminance, as WCAG 2 defines it."""
    channels = colorsys.hls_to_rgb(hue / 360, lightness / 100, saturation / 100)
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_names_on_the_map_have_contrast(scheme: str) -> None:
    """At least that of WCAG 2's level AA for text, 4.5, whatever the layer and the depth."""
    variables: dict[str, float] = {}
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    for block in blocks[: 1 if scheme == "light" else 2]:
        variables |= {name: float(value) for name, value in re.findall(r"--([\w-]+): ([\d.]+)%", block)}
    parts = re.findall(r"^\.(?:[\w, .]+) \{ --hue: (\d+);(?: --vivid: (\d+)%;)? \}", CSS, re.MULTILINE)
    levels = [int(level) for level in re.findall(r"--level: (-?\d+);", CSS)]
    assert (len(parts), len(levels)) == (6, 5)
    for hue, vivid in parts:
        saturation = float(vivid or variables["vivid"])
        ink = luminance(float(hue), saturation + 10, variables["cell-ink"])
        for level in levels:
            cell = luminance(float(hue), saturation, variables["cell"] + level * variables["step"])
            assert contrast(ink, cell) >= 4.5


def test_the_tree_counts_every_visible_byte_once(image: Any) -> None:
    nodes = page.tree(image)
    assert sum(node.size for node in nodes) == sum(file.size for file in image.files.values())
    assert [(node.name, node.kind) for node in nodes] == [
        ("1 base image", "base"),
        ("2 ERTS, OTP and Elixir", "otp"),
        ("3 dependencies", "dependencies"),
        ("4 project", "project"),
    ]
    assert [node.name for node in nodes[2].children] == ["jason 1.4.1", "tool 0.2.0"]
    assert [node.path for node in nodes[3].children][:1] == ["app/releases"]


def test_layers_of_one_kind_are_one_in_the_tree(made: Callable[..., Any], shop_layers: tuple[Any, ...]) -> None:
    base, release, dependencies, project = shop_layers
    spread = [{path: content} for path, content in dependencies.items()]
    nodes = page.tree(made([base, release, *spread, {}, project]).inspection)
    assert [node.name for node in nodes] == [
        "1 base image",
        "2 ERTS, OTP and Elixir",
        "3-5 dependencies",
        "7 project",
    ]
    assert [(node.name, len(node.children)) for node in nodes[2].children] == [("jason 1.4.1", 2), ("tool 0.2.0", 1)]


@pytest.mark.parametrize(("layers", "text"), [([3], "3"), ([3, 4], "3-4"), ([2, 3, 5], "2, 3, 5")])
def test_numbers_of_layers(layers: list[int], text: str) -> None:
    assert page._numbers(layers) == text


@pytest.mark.parametrize(
    ("part", "text"), [(0.0, "0 %"), (1e-9, "<1 %"), (0.005, "<1 %"), (0.006, "1 %"), (1.0, "100 %")]
)
def test_what_is_there_takes_a_part(part: float, text: str) -> None:
    assert page._share(part) == text


def test_the_steps_of_the_build(image: Any) -> None:
    text = page.render(image, TIMELINE, None)
    assert "<b>5.0 s</b> from the first step to the last" in text
    assert re.findall(r'<i style="left:(.+?);width:(.+?)">', text) == [
        ("0.00%", "0.00%"),
        ("10.00%", "70.00%"),
        ("80.00%", "20.00%"),
    ]
    assert re.findall(r'<div class="(step[^"]*)">', text) == ["step cached", "step", "step own"]
    assert "Unknown: only the machine that built the image knows how" in page.render(image, None, None)


def test_equal_images_make_equal_pages(image: Any) -> None:
    assert page.render(image, TIMELINE, None) == page.render(image, TIMELINE, None)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.5, 7.3, 68.0, 1000.0, 100_000.0])
def test_the_scale_has_a_few_steps(seconds: float) -> None:
    ticks = page._ticks(seconds)
    assert ticks[0][1] == "0 s"
    assert len(ticks) <= 100
