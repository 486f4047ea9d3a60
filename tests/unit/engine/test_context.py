"""A build context's digest: another one for whatever the builder would take for another input."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from relbuild.engine import context
from relbuild.engine.context import Snapshot, snapshot
from relbuild.image.ignore import Ignored

IGNORED = Ignored(["_build/", "*.log"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    for name in ("lib/a.ex", "lib/b.ex", "_build/x", "a.log"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    (root / "priv").mkdir()
    (root / "link").symlink_to("lib/a.ex")
    return root


def taken(root: Path) -> Snapshot:
    found = snapshot(root, IGNORED)
    assert found is not None
    return found


def relink(root: Path) -> None:
    (root / "link").unlink()
    (root / "link").symlink_to("lib/b.ex")


def swap(root: Path) -> None:
    for old, new in (("a", "c"), ("b", "a"), ("c", "b")):
        (root / f"lib/{old}.ex").rename(root / f"lib/{new}.ex")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "lib/a.ex").write_text("lib/c.ex"),
        lambda root: (root / "lib/c.ex").write_text(""),
        lambda root: (root / "lib/a.ex").unlink(),
        lambda root: (root / "lib/a.ex").rename(root / "lib/c.ex"),
        lambda root: (root / "lib/a.ex").chmod(0o755),
        lambda root: (root / "priv").rmdir(),
        lambda root: (root / "priv").chmod(0o700),
        lambda root: (root / "lib/_build").mkdir(),
        relink,
        swap,
    ],
)
def test_a_change(change: Callable[[Path], object], project: Path) -> None:
    before = taken(project)
    change(project)
    after = taken(project)
    assert after.content != before.content
    assert context.times(project, IGNORED) == after.times != before.times


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "_build/x").write_text("y"),
        lambda root: (root / "a.log").write_text("y"),
        lambda root: (root / "b.log").write_text("y"),
    ],
)
def test_what_is_left_out_is_no_input(change: Callable[[Path], object], project: Path) -> None:
    before = taken(project)
    change(project)
    assert taken(project).content == before.content


def test_a_file_that_was_another_meanwhile_is_the_same_input_but_was_written(project: Path) -> None:
    before = taken(project)
    file = project / "lib/a.ex"
    status = file.stat()
    file.write_text("lib/X.ex")
    file.write_text("lib/a.ex")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    after = taken(project)
    assert (after.content, after.times != before.times) == (before.content, True)


def test_another_directory_of_equal_content_is_the_same_input(project: Path, tmp_path: Path) -> None:
    content = taken(project).content
    project.rename(tmp_path / "elsewhere")
    assert taken(tmp_path / "elsewhere").content == content


def test_what_no_digest_can_say(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(project / "pipe")
    assert snapshot(project, IGNORED) is None
    (project / "pipe").unlink()
    assert snapshot(project / "nowhere", IGNORED) is None
    assert context.times(project / "nowhere", IGNORED) is None
    monkeypatch.setattr(context, "MOST", len("lib/a.exlib/b.ex"))
    assert snapshot(project, IGNORED) is not None
    (project / "lib/a.ex").write_text("lib/a.exs")
    assert snapshot(project, IGNORED) is None
