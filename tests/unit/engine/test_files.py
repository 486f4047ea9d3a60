"""A project's files as its readers see them; files are written all or none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from relbuild.engine.checkout import location
from relbuild.engine.files import ProjectTree, write, write_all
from relbuild.errors import CommandFailed, Mark, Problem, ProjectError, RelbuildError
from relbuild.image.plan.location import Link, Location


@pytest.mark.parametrize(
    ("link", "target", "listed"),
    [
        ("lib/around", "around", "lib"),
        ("lib/here", ".", "lib"),
        ("lib/up", "..", "lib"),
        ("lib/far", "../../..", "lib"),
        ("itself", ".", ""),
        # Each leads to the other.
        ("lib/there/back", "../lib", "lib/there"),
        ("../beside/lib", "../beside", "../beside"),
    ],
)
def test_a_link_that_leads_around_in_a_circle_is_refused(tmp_path: Path, link: str, target: str, listed: str) -> None:
    root = tmp_path / "project"
    for directory in (root / "lib", root / "other", tmp_path / "beside"):
        directory.mkdir(parents=True)
    (root / "lib" / "there").symlink_to("../other")
    (root / link).symlink_to(target)
    with pytest.raises(ProjectError) as raised:
        ProjectTree(root).list(listed)
    (problem,) = raised.value.problems
    assert (problem.message, problem.at, problem.hint) == (
        f"{link}: a circular symbolic link",
        Mark(link, 1),
        "remove it: who follows it comes to no end",
    )


def test_other_links_are_what_they_lead_to_and_those_to_nothing_are_not_there(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "lib" / "inner").mkdir(parents=True)
    (root / "mix.exs").write_text("")
    (tmp_path / "beside" / "lib").mkdir(parents=True)
    for link, target in (
        ("lib/nothing", "nowhere"),
        ("lib/file", "../mix.exs"),
        ("lib/beside", "../../beside"),
        ("lib/sibling", "inner"),
        ("../beside/back", "../project/lib"),
    ):
        (root / link).symlink_to(target)
    tree = ProjectTree(root)
    assert tree.list("lib") == ("beside/", "file", "inner/", "sibling/")
    assert tree.list("../beside") == ("back/", "lib/")
    assert tree.list("lib/sibling") == ()


def test_a_directory_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    tree = ProjectTree(tmp_path)
    assert (tree.list("nowhere"), tree.read("nowhere")) == ((), None)
    (tmp_path / "file").write_text("")
    assert (tree.list("file"), tree.read("file/x")) == ((), None)
    with pytest.raises(RelbuildError, match="file name too long"):
        tree.list("x" * 300)


def test_links_out_of_the_project_are_seen(tmp_path: Path) -> None:
    project = tmp_path / "x" / "app"
    (tmp_path / ".git").mkdir()
    (project / "lib").mkdir(parents=True)
    (tmp_path / "VERSION").write_text("1.0.0")
    for name, target in {
        "result": "/usr",
        "absolute": str(project / "lib"),
        "version": "../../VERSION",
        "inside": "lib",
        "chained": "version",
        "circular": "circular",
        "outside": "../../..",
        "lib/deep": "../../../VERSION",
        "lib/near": "../lib",
    }.items():
        (project / name).symlink_to(target)
    for name in ("deps/a", "lib/.cache"):
        (project / name).mkdir(parents=True)
        (project / name / "link").symlink_to("/usr")
    assert location(project) == Location(
        ("x", "app"),
        git=True,
        links=(
            Link("absolute", str(project / "lib"), None),
            Link("chained", "version", 2),
            Link("lib/deep", "../../../VERSION", 2),
            Link("outside", "../../..", None),
            Link("result", "/usr", None),
            Link("version", "../../VERSION", 2),
        ),
        here=os.path.relpath(project),
    )


def test_what_a_link_leads_to_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target = tmp_path / "there" / "bill"
    target.write_text("old")
    link = tmp_path / "link"
    link.symlink_to("there/bill")
    write(link, "new")
    assert (link.is_symlink(), target.read_text(), list(target.parent.iterdir())) == (True, "new", [target])
    target.unlink()
    write(link, "newer")
    assert (link.is_symlink(), target.read_text()) == (True, "newer")


def test_a_fifo_is_written_to(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    write(fifo, "content")
    assert (os.read(reading, 100), stat.S_ISFIFO(fifo.stat().st_mode)) == (b"content", True)
    os.close(reading)


def test_a_link_to_an_open_pipe_is_written_to(tmp_path: Path) -> None:
    """As /dev/stdout is one."""
    reading, writing = os.pipe2(os.O_NONBLOCK)
    link = tmp_path / "stdout"
    link.symlink_to(f"/proc/self/fd/{writing}")
    write(link, "content")
    assert (os.read(reading, 100), link.is_symlink()) == (b"content", True)
    os.close(reading)
    os.close(writing)


def test_a_file_has_the_mode_the_umask_leaves_and_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("")
    (tmp_path / "kept").chmod(0o640)
    before = os.umask(0o077)
    try:
        write(tmp_path / "new", "")
        write(tmp_path / "kept", "")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("new", "kept")] == [0o600, 0o640]


@pytest.mark.parametrize(
    ("name", "reason"), [("nowhere/page.html", "no such file or directory"), (".", "is a directory")]
)
def test_what_can_not_be_written_is_named_without_a_line(tmp_path: Path, name: str, reason: str) -> None:
    path = tmp_path / name
    with pytest.raises(CommandFailed) as raised:
        write(path, "")
    assert raised.value.problems == (
        Problem(f"can't write {path}: {reason}", hint="name a file in a directory that is there and can be written to"),
    )


def test_all_files_are_written(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"1\r\n")
    write_all(tmp_path, {"a/x/y": (None, "é\r\n"), "b": ("1\r\n", "2\r\n")})
    assert [(tmp_path / name).read_bytes() for name in ("a/x/y", "b")] == [b"\xc3\xa9\r\n", b"2\r\n"]


@pytest.mark.parametrize(
    ("last", "message"),
    [
        ({"b/z": (None, "")}, "can't write b/z: "),
        ({"c": ("old", "new")}, "c has changed meanwhile: nothing was written"),
        ({"gone": ("old", "new")}, "can't write gone: no such file"),
        ({"there": (None, "new")}, "can't write there: file exists"),
        ({"c": ("old", None)}, "c has changed meanwhile: nothing was written"),
        ({"gone": ("old", None)}, "can't write gone: no such file"),
        ({"d": ("2", None), "gone": ("old", None)}, "can't write gone: no such file"),
    ],
)
def test_one_that_cannot_be_written_takes_the_others_back(
    tmp_path: Path, last: dict[str, tuple[str | None, str | None]], message: str
) -> None:
    for name, content in (("b", "1"), ("c", "changed"), ("d", "2"), ("there", "theirs")):
        (tmp_path / name).write_text(content)
    with pytest.raises(CommandFailed) as raised:
        write_all(tmp_path, {"a/x/y": (None, "new"), "b": ("1", "2"), **last})
    assert message in str(raised.value)
    left = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert left == {"b": "1", "c": "changed", "d": "2", "there": "theirs"}


def test_what_goes_takes_empty_directories_with_it(tmp_path: Path) -> None:
    for name in ("a/b/c", "a/d", "e/f"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "link").symlink_to("a/d")
    write_all(tmp_path, {"a/b/c": ("x", None), "e/f": ("x", None), "link": ("x", None), "new": (None, "y")})
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")) == ["a", "a/d", "new"]


def test_what_was_put_aside_comes_back_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "script").write_text("x")
    (tmp_path / "script").chmod(0o750)
    (tmp_path / "link").symlink_to("script")
    with pytest.raises(CommandFailed):
        write_all(tmp_path, {"script": ("x", None), "link": ("x", None), "z": ("gone", None)})
    assert (tmp_path / "script").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "link").readlink() == Path("script")
