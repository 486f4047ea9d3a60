"""Where the timelines of builds are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from relbuild.engine import timelines
from relbuild.image.build.progress import TimedStep, Timeline

BUILT = Timeline((TimedStep("[build 1/1] RUN mix release", 0.0, 3.0, cached=False),), 3.0)
CACHED = Timeline((TimedStep("[build 1/1] RUN mix release", 0.0, 0.0, cached=True),), 0.5)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "relbuild" / "timelines"


def test_a_build_that_did_nothing_tells_less_than_the_one_before() -> None:
    assert timelines.read("sha256:1") is None
    timelines.save("sha256:1", CACHED)
    assert timelines.read("sha256:1") == CACHED
    timelines.save("sha256:1", BUILT)
    timelines.save("sha256:1", CACHED)
    assert timelines.read("sha256:1") == BUILT
    assert timelines.read("sha256:2") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1}', "\udcff"])
def test_what_cannot_be_read_is_not_known(cache: Path, content: str) -> None:
    cache.mkdir(parents=True)
    (cache / "sha256-1.json").write_bytes(content.encode(errors="surrogateescape"))
    assert timelines.read("sha256:1") is None


def test_only_the_newest_are_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "MOST", 2)
    for index in range(4):
        timelines.save(f"sha256:{index}", BUILT)
    assert len(list(cache.iterdir())) == 2


def test_a_cache_that_cannot_be_written_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    timelines.save("sha256:1", BUILT)
    assert timelines.read("sha256:1") is None
