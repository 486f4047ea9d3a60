"""Which builder docker builds with."""

from __future__ import annotations

from pathlib import Path

import pytest

from relbuild.engine import builders


@pytest.mark.parametrize(
    ("chosen", "named", "own"),
    [
        (None, None, False),
        ('{"Key": "unix:///var/run/docker.sock", "Name": "", "Global": false}', None, False),
        ('{"Name": "default"}', None, False),
        ('{"Name": "many"}', None, True),
        ("{", None, False),
        ("[]", None, False),
        ('{"Name": "many"}', "default", False),
        ('{"Name": ""}', "many", True),
    ],
)
def test_the_builder(
    chosen: str | None, named: str | None, own: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("BUILDX_CONFIG", raising=False)
    monkeypatch.delenv("BUILDX_BUILDER", raising=False)
    if named is not None:
        monkeypatch.setenv("BUILDX_BUILDER", named)
    if chosen is not None:
        (tmp_path / "buildx").mkdir()
        (tmp_path / "buildx" / "current").write_text(chosen)
    assert builders.is_own() is own
