"""An image's content, read from the engine once in a call, whoever needs it."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from functools import cache
from typing import Any, TypeVar

from relbuild.commands.session import Session
from relbuild.engine import archive
from relbuild.engine.archive import Archive, Configuration
from relbuild.engine.docker import Engine, ImageFacts
from relbuild.engine.layer import spooled
from relbuild.engine.notebook import Forgotten, Notebook
from relbuild.errors import EngineError, PassingFault, UsageError
from relbuild.image import shipped
from relbuild.image.history import release_layers
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
    ``root``; what two of them have is empty in the lower one. ``has_ended`` tells that the container won't run any
    more, and while ``held`` is held it isn't stopped: docker would wait with that until it is read.
    """

    container: str
    root: str
    layers: int
    has_ended: Callable[[], bool]
    held: AbstractContextManager[object]


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
    own = f"{running.root.strip('/')}/"
    if count <= 0 or len(below) < count or any(path.startswith(own) for layer in below for path in layer.entries):
        return None
    # This may be a thread, and the session's connection isn't shared with one.
    with closing(Engine(session.endpoint)) as engine:
        try:
            history = engine.history(facts.id)
            directory = _directory(engine, running) if release_layers(history) == running.layers else None
            if directory is None:
                return None
            configuration = Configuration(
                user=facts.user,
                architecture=facts.architecture,
                env=facts.env,
                labels=facts.labels,
                history=history,
                diff_ids=facts.layers,
            )
            return archive.joined(below, known, directory, configuration)
        except (EngineError, PassingFault, tarfile.TarError):  # it has ended meanwhile
            return None


def _directory(engine: Engine, running: Running) -> Any:
    """Return the tar of the release in a container as soon as that runs; None where it has ended before or meanwhile.

    The engine doesn't start a container before what is being read of it was read.
    """
    while not _runs(engine, running.container):
        if running.has_ended():
            return None
        time.sleep(POLL)
    with running.held, engine.directory(running.container, running.root) as stream:
        content = spooled(stream)
    return content if _runs(engine, running.container) else None


def _runs(engine: Engine, container: str) -> bool:
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
