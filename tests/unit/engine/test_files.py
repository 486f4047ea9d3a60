"""Files are written all or none."""

from __future__ import annotations

from pathlib import Path

import pytest

from relbuild.engine.files import write_all
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
    ],
)
def test_one_that_cannot_be_written_takes_the_others_back(
    tmp_path: Path, last: dict[str, tuple[str | None, str]], message: str
) -> None:
    for name, content in (("b", "1"), ("c", "changed"), ("there", "theirs")):
        (tmp_path / name).write_text(content)
    with pytest.raises(CommandFailed) as raised:
        write_all(tmp_path, {"a/x/y": (None, "new"), "b": ("1", "2"), **last})
    assert message in str(raised.value)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"b": "1", "c": "changed", "there": "theirs"}
