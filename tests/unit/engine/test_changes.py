"""Files are written and removed all at once, or left as they were."""

from __future__ import annotations

from pathlib import Path

import pytest

from relbuild.engine.changes import write_all
from relbuild.errors import CommandFailed


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
