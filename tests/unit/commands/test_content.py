"""Where an image's content is read: from the engine's archive of it, or from a container that runs anyway."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

from relbuild.commands import content
from relbuild.commands.content import Running, ask
from relbuild.endpoint import DEFAULT
from relbuild.engine.archive import Archive
from relbuild.engine.docker import ImageFacts
from relbuild.errors import EngineError
from tests.unit.engine.test_notebook import tar

BASE, OLD, NEW = "a" * 64, "b" * 64, "c" * 64
FILES = {BASE: {"etc/passwd": b"app"}, OLD: {"app/old": b"1"}, NEW: {"app/new": b"2"}}


class Engine:
    """Plays the engine: it notes what it was asked, and has a container that runs when it was asked for the third time.

    ``directory`` is what it gives of the container: the bytes of a tar, or an error.
    """

    def __init__(self, directory: bytes | EngineError, status: str = "running", over: tuple[str, ...] = ()) -> None:
        self.asked: list[str] = []
        self._over = over
        self._directory = directory
        self._states = [None, {"State": {"Running": False}}, {"State": {"Running": status == "running"}}]

    def history(self, image: str) -> tuple[str, ...]:
        above = (f"COPY /layers/{number}/ / # buildkit" for number in range(len(image.split()) - 1))
        return ("# debian.sh --arch 'amd64'", "WORKDIR /app", *above, "ENTRYPOINT []", *self._over)

    def close(self) -> None:
        self.asked.append("closed")

    def inspected(self, _kind: str, _name: str) -> Any:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]

    @contextmanager
    def directory(self, _container: str, _path: str) -> Iterator[IO[bytes]]:
        self.asked.append("container")
        if isinstance(self._directory, EngineError):
            raise self._directory
        yield io.BytesIO(self._directory)

    @contextmanager
    def saved(self, image: str) -> Iterator[IO[bytes]]:
        self.asked.append("image")
        blobs = {f"blobs/sha256/{layer}": tar(FILES[layer]) for layer in image.split()}
        config = {"rootfs": {"diff_ids": [f"sha256:{layer}" for layer in image.split()]}}
        documents = {"config.json": config, "manifest.json": [{"Config": "config.json", "Layers": list(blobs)}]}
        yield io.BytesIO(tar(blobs | {name: json.dumps(each).encode() for name, each in documents.items()}))


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(content, "POLL", 0)


def asked(
    monkeypatch: pytest.MonkeyPatch,
    engine: Engine,
    *layers: str,
    ended: bool = False,
    whole: bool = False,
    running: bool = True,
) -> list[str]:
    """Ask for the files of an image with these layers, and return where they were read; they are as they should be."""
    monkeypatch.setattr(content, "Engine", lambda _endpoint: engine)
    facts = ImageFacts(" ".join(layers), (), (), {}, 1, layers=tuple(f"sha256:{layer}" for layer in layers))
    session: Any = SimpleNamespace(engine=engine, endpoint=DEFAULT)
    container = Running("c", "/app", len(layers) - 1, lambda: ended, nullcontext())

    def question(found: Archive) -> dict[str, bytes | None]:
        return {path: found.read(path) for path in sorted(found.files)}

    found = ask(session, facts, question, whole=whole, running=container if running else None)
    assert found == {path: text for layer in layers for path, text in FILES[layer].items()}
    return engine.asked


IN_CONTAINER = tar({**FILES[OLD], **FILES[NEW]})


def test_the_first_time_all_of_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, Engine(IN_CONTAINER), BASE, OLD) == ["image"]


def test_then_what_is_new_is_read_where_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, Engine(b""), BASE, OLD, running=False)
    assert asked(monkeypatch, Engine(IN_CONTAINER), BASE, OLD, NEW) == ["container", "closed"]


def test_a_new_base_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, Engine(b""), OLD, NEW, running=False)
    assert "container" not in asked(monkeypatch, Engine(IN_CONTAINER), BASE, OLD, NEW)


def test_all_of_it_is_read_for_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, Engine(b""), BASE, OLD, running=False)
    assert asked(monkeypatch, Engine(IN_CONTAINER), BASE, OLD, NEW, whole=True) == ["image"]


@pytest.mark.parametrize("directory", [b"", IN_CONTAINER[:512], tar(FILES[NEW]), EngineError("gone")])
def test_a_container_that_ends_meanwhile_is_not_relied_on(
    monkeypatch: pytest.MonkeyPatch, directory: bytes | EngineError
) -> None:
    asked(monkeypatch, Engine(b""), BASE, OLD, running=False)
    assert asked(monkeypatch, Engine(directory), BASE, OLD, NEW)[:3] == ["container", "closed", "image"]


def test_one_that_has_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, Engine(b""), BASE, OLD, running=False)
    assert "container" not in asked(monkeypatch, Engine(IN_CONTAINER, "exited"), BASE, OLD, NEW, ended=True)


def test_one_that_ends_while_it_is_read_is_not_relied_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, Engine(b""), BASE, OLD, running=False)
    engine = Engine(IN_CONTAINER)
    engine._states.append({"State": {"Running": False}})
    assert asked(monkeypatch, engine, BASE, OLD, NEW)[:3] == ["container", "closed", "image"]


def test_a_layer_over_the_releases_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked(monkeypatch, Engine(b""), BASE, OLD, running=False)
    assert "container" not in asked(monkeypatch, Engine(IN_CONTAINER, over=("COPY /key /key",)), BASE, OLD, NEW)


def test_files_of_the_base_where_the_release_is_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FILES, BASE, {"app/.env": b"A=b"})
    asked(monkeypatch, Engine(b""), BASE, OLD, running=False)
    assert "container" not in asked(monkeypatch, Engine(IN_CONTAINER), BASE, OLD, NEW)
