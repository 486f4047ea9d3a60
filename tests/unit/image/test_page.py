"""The page of an inspected image: whole by itself, and safe whatever an image says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from relbuild.image import labels, page
from relbuild.image.build.progress import TimedStep, Timeline
from relbuild.image.difference import compare

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


def test_it_needs_nothing_else(image: Any) -> None:
    text = page.render(image, TIMELINE, compare(image, image, lambda one, other: True))
    reader = read(text)
    names = {name for name, _ in reader.elements}
    assert names.isdisjoint({"script", "link", "img", "iframe", "object", "base", "form", "a"})
    attributes = {name for _, found in reader.elements for name in found}
    assert not [name for name in attributes if name.startswith("on") or name in ("src", "href")]
    assert not re.search(r"url\(|@import|https?:", text)
    policy = [found["content"] for _, found in reader.elements if found.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_what_an_image_says_is_only_text(made: Callable[..., Any]) -> None:
    label = {labels.BUILT_BY: EVIL, EVIL: EVIL, labels.OCI_BASE_NAME: EVIL}
    evil = made(label=label, reference=EVIL, user=EVIL, command=(EVIL,), id=EVIL).inspection
    reader = read(page.render(evil, TIMELINE, compare(evil, evil, lambda one, other: False)))
    assert "script" not in {name for name, _ in reader.elements}
    assert [name for name, _ in reader.elements].count("style") == 1
    assert EVIL in reader.text


@pytest.mark.parametrize("frame", page.FRAMES)
def test_the_map_shows_every_layer_and_application(image: Any, frame: str) -> None:
    text = page.render(image, None, None)
    part = re.split(r'<div class="map \w+"', text)[1 + list(page.FRAMES).index(frame)]
    titles = re.findall(r'title="([^"]+) · [^"]+"', part)
    for named in ("1 base image", "2 ERTS, OTP and Elixir", "3 dependencies", "4 project", "/app/lib/jason-1.4.1"):
        assert named in titles
    places = [
        tuple(map(float, found)) for found in re.findall(r"left:(.+?)%;top:(.+?)%;width:(.+?)%;height:(.+?)%", part)
    ]
    assert len(places) > 10
    assert all(x >= 0 and y >= 0 and x + width < 100.01 and y + height < 100.01 for x, y, width, height in places)


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
    assert "How it was built isn&#39;t known here" in page.render(image, None, None)


def test_equal_images_make_equal_pages(image: Any) -> None:
    assert page.render(image, TIMELINE, None) == page.render(image, TIMELINE, None)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.5, 7.3, 68.0, 1000.0, 100_000.0])
def test_the_scale_has_a_few_steps(seconds: float) -> None:
    ticks = page._ticks(seconds)
    assert ticks[0][1] == "0 s"
    assert len(ticks) <= 100
