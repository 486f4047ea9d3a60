"""Layers laid over one another."""

from __future__ import annotations

import pytest

from relbuild.image.filesystem import Entry, FileSystem, Place

FILE, DIRECTORY = Entry("file", 1), Entry("directory")


def link(target: str) -> Entry:
    return Entry("symlink", target=target)


def test_a_later_layer_hides_what_it_whites_out() -> None:
    files = FileSystem(
        [
            {
                "etc": DIRECTORY,
                "etc/a": FILE,
                "etc/b": FILE,
                "srv": DIRECTORY,
                "srv/x": FILE,
                "srv/y/z": FILE,
                "top": FILE,
            },
            {"etc/.wh.a": FILE, "srv/.wh..wh..opq": FILE, "srv/new": FILE, ".wh.top": FILE},
            {"etc/b": Entry("file", 2)},
        ]
    )
    assert sorted(files) == ["etc", "etc/b", "srv", "srv/new"]
    assert files.entry("etc/b") == Entry("file", 2)
    assert (files.layer("etc/b"), files.layer("etc/a")) == (2, None)


def test_a_whiteout_takes_what_is_below_too() -> None:
    files = FileSystem([{"a": DIRECTORY, "a/b": DIRECTORY, "a/b/c": FILE, "ab": FILE}, {".wh.a": FILE}])
    assert sorted(files) == ["ab"]


def test_a_file_in_place_of_a_directory() -> None:
    files = FileSystem([{"a": DIRECTORY, "a/b": FILE}, {"a": FILE}])
    assert sorted(files) == ["a"]


LINKED = FileSystem(
    [
        {
            "lib": link("usr/lib"),
            "usr": DIRECTORY,
            "usr/lib": DIRECTORY,
            "usr/lib/libc.so.6": FILE,
            "usr/lib/libz.so.1": link("libz.so.1.3"),
            "usr/lib/libz.so.1.3": FILE,
            "opt/app": link("/usr/lib/../lib"),
            "loop": link("loop"),
            "gone": link("nowhere"),
            "above": link("../../usr"),
            "hard": Entry("hardlink", target="usr/lib/libc.so.6"),
            "lost": Entry("hardlink", target="not/here"),
        }
    ]
)


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("lib/libc.so.6", "usr/lib/libc.so.6"),
        ("/lib/libz.so.1", "usr/lib/libz.so.1.3"),
        ("opt/app/libc.so.6", "usr/lib/libc.so.6"),
        ("above/lib", "usr/lib"),
        ("usr//./lib/", "usr/lib"),
        ("loop", None),
        ("gone", None),
        ("usr/nothing", None),
    ],
)
def test_symbolic_links_are_followed(path: str, real: str | None) -> None:
    assert LINKED.real(path) == real


def test_where_a_files_content_is() -> None:
    assert LINKED.place("lib/libz.so.1") == Place(0, "usr/lib/libz.so.1.3")
    assert LINKED.place("hard") == Place(0, "usr/lib/libc.so.6")
    assert [LINKED.place(path) for path in ("lost", "usr", "gone")] == [None, None, None]


def test_the_files_below_a_directory() -> None:
    assert LINKED.files("usr/") == ("usr/lib/libc.so.6", "usr/lib/libz.so.1.3")
    assert LINKED.files("us") == ()
    assert "hard" in LINKED.files("")
