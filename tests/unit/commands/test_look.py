"""What is looked for in a release's own files."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from relbuild.commands import look
from relbuild.commands.around import Around
from relbuild.engine.archive import Archive, Configuration
from relbuild.engine.docker import ImageFacts
from relbuild.engine.layer import Unpacked
from relbuild.errors import EngineError
from relbuild.image import labels
from relbuild.image.filesystem import Entry
from relbuild.image.leaks import Leak
from relbuild.image.shipped import Shipped


def archive(*layers: dict[str, bytes]) -> Archive:
    """Return an image of layers with these files."""
    unpacked = []
    for files in layers:
        offsets, content = {}, b""
        for path, text in files.items():
            offsets[path] = len(content)
            content += text
        unpacked.append(Unpacked(content, {path: Entry("file", len(text)) for path, text in files.items()}, offsets))
    return Archive(unpacked, Configuration())


def test_cookies_in_what_starts_the_vm() -> None:
    release = Shipped("shop", "/app", "1.0.0")
    baked = {"vm.args": b"-setcookie a\n", "remote.vm.args": b"-setcookie a\n", "env.sh": b"export RELEASE_COOKIE=a\n"}
    given = {"vm.args": b"+Q 65536\n", "env.sh": b'export RELEASE_COOKIE="${RELEASE_COOKIE:?}"\n'}
    files = [{f"app/releases/1.0.0/{name}": text for name, text in each.items()} for each in (baked, given)]
    other = {"app/releases/0.9.0/env.sh": baked["env.sh"]}
    assert look._cookies(archive(other, files[0]), release) == tuple(Leak("cookie", path, layer=1) for path in files[0])
    assert look._cookies(archive(other, files[1]), release) == ()


def test_nothing_is_tried_out_when_the_engine_doesn_t_say_what_the_image_stands_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was begun then would go on: there is nothing yet by which it would be ended."""

    def silent(_name: str) -> None:
        raise EngineError("no answer")

    begun: list[object] = []
    monkeypatch.setattr(look, "Trial", lambda *args, **options: begun.append(args))
    said = {labels.RELEASE: "shop", labels.OCI_BASE_NAME: "debian:trixie-slim"}
    facts = ImageFacts("sha256:1", (), (), said, 1, architecture="amd64")
    session: Any = SimpleNamespace(
        dry_run=False,
        endpoint="here",
        engine=SimpleNamespace(architecture=lambda: "amd64", image=silent),
        runner=SimpleNamespace(mark=lambda: ""),
    )
    with pytest.raises(EngineError):
        look.Look(session, "shop:1", facts, Around(), {"TOKEN": ("s3cret-a",)}, 30)
    assert begun == []
