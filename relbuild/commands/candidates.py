"""Names for images until they are verified and tagged; those that an interrupted build left are removed after a day."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress

from relbuild.commands.session import Session
from relbuild.errors import EngineError
from relbuild.image.build import buildx

# No build takes this long (seconds).
OLDEST = 24 * 3600


def name(session: Session, release: str) -> str:
    """Return an unused name for the image of a release, with the time of the build."""
    if session.dry_run:
        return f"{_repository(release)}:dry-run"
    return f"{_repository(release)}:{int(time.time())}_{secrets.token_hex(4)}"


def sweep(session: Session, release: str) -> None:
    """Remove the names that builds left more than a day ago; nothing where the engine doesn't answer."""
    if session.dry_run:
        return
    with suppress(EngineError):
        for image in session.engine.images(_repository(release)):
            for each in image.tags:
                repository, _, tag = each.rpartition(":")
                if repository == _repository(release) and is_left(tag, time.time()):
                    session.runner.captured(buildx.untag(each, session.endpoint))


def is_left(tag: str, now: float) -> bool:
    """Return whether a tag is of a build more than a day before ``now``, in seconds since 1970."""
    begun, separator, _ = tag.partition("_")
    return bool(separator) and begun.isdecimal() and now - int(begun) > OLDEST


def _repository(release: str) -> str:
    return f"relbuild-candidate/{release}"
