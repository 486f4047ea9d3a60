"""An image's content, read from the engine once in a call, whoever needs it."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import TypeVar

from relbuild.commands.session import Session
from relbuild.engine import archive
from relbuild.engine.archive import Archive, Configuration
from relbuild.engine.docker import Engine, ImageFacts
from relbuild.engine.layer import spooled
from relbuild.engine.notebook import Forgotten, Notebook
from relbuild.errors import EngineError, PassingFault, UsageError
from relbuild.image import shipped
from relbuild.image.shipped import Shipped
from relbuild.values import dataclass

T = TypeVar("T")
# How often it is asked whether a container runs yet, in seconds.
POLL = 0.02


def content(session: Session, facts: ImageFacts) -> Archive:
    """Return an image's layers and configuration; raise CommandFailed when they can't be read."""
    return _read(session.engine, facts.id, facts.architecture)


@cache
def _read(engine: Engine, image: str, architecture: str) -> Archive:
    with engine.saved(image) as stream:
        return archive.read(stream, architecture)


@dataclass(frozen=True, slots=True)
class Running:
    """A container of an image whose Dockerfile is known, from which its release can be read while it runs.

    ``layers`` is how many of the image's layers, the uppermost ones, have nothing but the release, which is in
    ``root``, and no two of them the same file. ``has_ended`` tells that the container won't run any more.
    """

    container: str
    root: str
    layers: int
    has_ended: Callable[[], bool]


def ask(
    session: Session,
    facts: ImageFacts,
    question: Callable[[Archive], T],
    *,
    whole: bool = False,
    running: Running | None = None,
) -> T:
    """Return the answer to a question about an image's content, of which only new layers are read, unless it is whole.

    What was asked of a layer before is remembered. The engine gives an image only as a whole, its base with it; where
    all that is new is in a container that runs, it is read from there. Raises what the question does, and CommandFailed
    when the image can't be read.
    """
    if running is not None and not whole and (part := _seen(session, facts, running)) is not None:
        with suppress(Forgotten):
            return question(part)
    for all_layers in (True,) if whole else (False, True):
        notebook = Notebook(whole=all_layers)
        with session.engine.saved(facts.id) as stream:
            found = archive.read(stream, facts.architecture, notebook)
        with suppress(Forgotten):
            answer = question(found)
            notebook.keep(found.diff_ids)
            return answer
    raise AssertionError("a layer whose content is at hand forgot it")


def _seen(session: Session, facts: ImageFacts, running: Running) -> Archive | None:
    """Return an image's content from what is known of its layers and from a container; None where that isn't all."""
    notebook = Notebook()
    count = len(facts.layers) - running.layers
    below, known = (
        [layer for each in part if (layer := notebook.layer(each)) is not None]
        for part in (facts.layers[:count], facts.layers[count:])
    )
    if count <= 0 or len(below) < count:
        return None
    # This may be a thread, and the session's connection isn't shared with one.
    engine = Engine(session.endpoint)
    configuration = Configuration(
        user=facts.user, architecture=facts.architecture, env=facts.env, labels=facts.labels, diff_ids=facts.layers
    )
    try:
        history = engine.history(facts.id)
        while not _runs(engine, running.container):
            if running.has_ended():
                return None
            time.sleep(POLL)
        with engine.directory(running.container, running.root) as stream:
            return archive.joined(below, known, spooled(stream), replace(configuration, history=history))
    except (EngineError, PassingFault, tarfile.TarError):  # it has ended meanwhile
        return None


def _runs(engine: Engine, container: str) -> bool:
    """Tell whether a container runs: the engine locks one that it is about to start until it is read."""
    found = engine.inspected("container", container)
    return found is not None and bool(found["State"]["Running"])


def release(found: Archive, image: str) -> Shipped:
    """Return the release in an image; raise UsageError where there is none."""
    held = shipped.find(found.files, found.read, found.configuration.labels)
    if held is None:
        raise UsageError(
            f"{image} holds no release: there is no releases/start_erl.data with a boot script beside it",
            hint="name an image that `mix release` was copied into",
        )
    return held
