"""An image's content, read from the engine once in a call, whoever needs it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import TypeVar

from relbuild.commands.session import Session
from relbuild.engine import archive
from relbuild.engine.archive import Archive
from relbuild.engine.docker import Engine, ImageFacts
from relbuild.engine.notebook import Forgotten, Notebook
from relbuild.errors import UsageError
from relbuild.image import shipped
from relbuild.image.shipped import Shipped

T = TypeVar("T")


def content(session: Session, facts: ImageFacts) -> Archive:
    """Return an image's layers and configuration; raise CommandFailed when they can't be read."""
    return _read(session.engine, facts.id, facts.architecture)


@cache
def _read(engine: Engine, image: str, architecture: str) -> Archive:
    with engine.saved(image) as stream:
        return archive.read(stream, architecture)


def ask(session: Session, facts: ImageFacts, question: Callable[[Archive], T], *, whole: bool = False) -> T:
    """Return the answer to a question about an image's content, of which only new layers are read, unless it is whole.

    What was asked of a layer before is remembered. Raises what the question does, and CommandFailed when the image
    can't be read.
    """
    for all_layers in (True,) if whole else (False, True):
        notebook = Notebook(whole=all_layers)
        with session.engine.saved(facts.id) as stream:
            found = archive.read(stream, facts.architecture, notebook)
        with suppress(Forgotten):
            answer = question(found)
            notebook.keep()
            return answer
    raise AssertionError("a layer whose content is at hand forgot it")


def release(found: Archive, image: str) -> Shipped:
    """Return the release in an image; raise UsageError where there is none."""
    held = shipped.find(found.files, found.read, found.configuration.labels)
    if held is None:
        raise UsageError(
            f"{image} holds no release: there is no releases/start_erl.data with a boot script beside it",
            hint="name an image that `mix release` was copied into",
        )
    return held
