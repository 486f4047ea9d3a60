"""The release that an image holds, found by its files."""

from __future__ import annotations

from relbuild.image.filesystem import Entry, FileSystem
from relbuild.image.inspect.contents import ShippedRelease, find_release

FILE = Entry("file", 1)


def release(root: str, name: str, version: str = "1.0") -> dict[str, str]:
    root = root.strip("/") + "/" if root.strip("/") else ""
    return {
        f"{root}releases/start_erl.data": f"15.2 {version}",
        f"{root}releases/{version}/{name}.rel": "{release, ...}.",
        f"{root}releases/{version}/start.boot": "",
        f"{root}bin/{name}": "#!/bin/sh",
    }


def find(texts: dict[str, str], **label: str) -> ShippedRelease | None:
    files = FileSystem([dict.fromkeys(texts, FILE)])
    labels = {f"io.relbuild.{name}": value for name, value in label.items()}
    return find_release(files, lambda path: texts[path].encode() if path in texts else None, labels)


def test_a_release_is_found_by_its_files() -> None:
    assert find({"etc/passwd": "", **release("/app", "shop")}) == ShippedRelease("shop", "/app", "1.0")
    assert find(release("/", "shop", "0.1.0-rc.1")) == ShippedRelease("shop", "/", "0.1.0-rc.1")


def test_of_several_the_labelled_one() -> None:
    both = {**release("/a", "one"), **release("/b", "two")}
    assert find(both) == ShippedRelease("one", "/a", "1.0")
    assert find(both, release="two", root="/b") == ShippedRelease("two", "/b", "1.0")


def test_what_is_no_release() -> None:
    assert find({"etc/passwd": ""}) is None
    assert find({"app/releases/start_erl.data": "15.2 1.0"}) is None
    assert find({"app/releases/start_erl.data": "garbage"}) is None
    without_script = release("/app", "shop")
    del without_script["app/bin/shop"]
    assert find(without_script) is None
