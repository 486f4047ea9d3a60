"""Which image is the one before, whose size is compared."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands.verification import previous
from relbuild.engine.facts import ImageFacts, ListedImage

NEW = replace(ImageFacts.of({"Id": "new"}), tagged=500.0, architecture="amd64", size=9)


def image(name: str, tagged: float, architecture: str = "amd64") -> ImageFacts:
    return replace(
        ImageFacts.of({"Id": f"id of {name}"}), tags=(name,), tagged=tagged, architecture=architecture, size=int(tagged)
    )


@pytest.mark.parametrize(
    ("images", "before"),
    [
        ([], None),
        # A clean build has its commit's time, which is before that of an earlier build.
        ([(image("a:1", 100.0), 90), (image("a:2", 200.0), 10)], ("a:2", 200)),
        # Of another platform, of a longer name, named after the one that is looked at.
        ([(image("a:1", 100.0), 1), (image("a:2", 200.0, "arm64"), 2)], ("a:1", 100)),
        ([(image("a:1", 100.0), 1), (image("ab:2", 200.0), 2)], ("a:1", 100)),
        ([(image("a:1", 100.0), 1), (image("a:9", 600.0), 9)], ("a:1", 100)),
        ([(image("a:9", 600.0), 9)], None),
        # What has the name now comes first.
        ([(image("a:3", 100.0), 1), (image("a:2", 200.0), 2)], ("a:3", 100)),
        ([(image("a:3", 100.0, "arm64"), 1), (image("a:2", 200.0), 2)], ("a:2", 200)),
    ],
)
def test_the_image_before_is_the_one_named_last(
    images: list[tuple[ImageFacts, int]], before: tuple[str, int] | None
) -> None:
    facts = {found.tags[0]: found for found, _ in images}
    listed = tuple(ListedImage(found.id, found.tags, created, {}) for found, created in images)
    session: Any = SimpleNamespace(engine=SimpleNamespace(image=facts.get, images=lambda repository: listed))
    assert previous(session, "a:3", NEW) == before
