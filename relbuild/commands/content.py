"""An image's content, read from the engine once in a call, whoever needs it."""

from __future__ import annotations

from functools import cache

from relbuild.commands.session import Session
from relbuild.engine import archive
from relbuild.engine.archive import Archive
from relbuild.engine.docker import Engine, ImageFacts
from relbuild.errors import UsageError
from relbuild.image.inspect.contents import ShippedRelease, find_release


def content(session: Session, facts: ImageFacts) -> Archive:
    """Return an image's layers and configuration; raise CommandFailed when they can't be read."""
    return _read(session.engine, facts.id, facts.architecture)


@cache
def _read(engine: Engine, image: str, architecture: str) -> Archive:
    with engine.saved(image) as stream:
        return archive.read(stream, architecture)


def release(found: Archive, image: str) -> ShippedRelease:
    """Return the release in an image; raise UsageError where there is none."""
    held = find_release(found.files, found.read, found.configuration.labels)
    if held is None:
        raise UsageError(
            f"{image} holds no release: it has no releases/start_erl.data with a boot script beside it",
            hint="name an image that `mix release` was copied into",
        )
    return held
