"""Names for images until they are verified and tagged, and the end of those that a killed relbuild has left."""

from __future__ import annotations

import re
import secrets
import time
from contextlib import suppress

from relbuild.commands.session import Session
from relbuild.engine import owner
from relbuild.errors import EngineError
from relbuild.image import buildx

# No build of a machine that can't be asked is as old as this (seconds).
OLDEST = 24 * 3600
# A process's name (engine/owner.py), and how it stands in a tag: only word characters, dots and dashes may.
OWNER = re.compile(r"([0-9a-f-]+)/pid:\[(\d+)\]/(\d+)/(\d+)")
TAG = re.compile(r"(?P<time>\d+)_[0-9a-f]+(?:_(?P<boot>[0-9a-f-]+)_(?P<space>\d+)_(?P<pid>\d+)_(?P<started>\d+))?")


def name(session: Session, release: str) -> str:
    """Return a name of this call's own for the image of a release: it says since when, and whose it is."""
    if session.dry_run:
        return f"{_repository(release)}:dry-run"
    own = OWNER.fullmatch(owner.own())
    words = (str(int(time.time())), secrets.token_hex(4), *(own.groups() if own else ()))
    return f"{_repository(release)}:{'_'.join(words)}"


def sweep(session: Session, release: str) -> None:
    """Take the names away that processes have left which are gone; where the engine can't say, nothing."""
    if session.dry_run:
        return
    with suppress(EngineError):
        for image in session.engine.images(_repository(release)):
            for each in image.tags:
                repository, _, tag = each.rpartition(":")
                if repository == _repository(release) and is_left(tag, time.time()):
                    session.runner.captured(buildx.untag(each, session.endpoint))


def is_left(tag: str, now: float) -> bool:
    """Tell whether the process is gone that named its image so; one of another machine is after a day.

    ``now`` is in seconds since 1970.
    """
    said = TAG.fullmatch(tag)
    if said is None:
        return False
    whose = f"{said['boot']}/pid:[{said['space']}]/{said['pid']}/{said['started']}"
    if said["boot"] and owner.is_dead(whose):
        return True
    return now - int(said["time"]) > OLDEST and not owner.is_alive(whose)


def _repository(release: str) -> str:
    return f"relbuild-candidate/{release}"
