"""relbuild ps: this project's containers, or the copies that a target runs."""

from __future__ import annotations

from relbuild.commands import places
from relbuild.commands.session import Session
from relbuild.errors import UsageError
from relbuild.image import labels
from relbuild.release.place import TARGET, Place
from relbuild.result import ListedContainer, ListedContainers


def ps(session: Session, on: str | None, *, stopped: bool) -> ListedContainers:
    """Return the containers of the project's image, the newest first, or the copies of a target.

    Those that have stopped are listed with ``stopped``. Raises UsageError for any other place.
    """
    if on is not None:
        place = Place.parse(on)
        if place.kind != TARGET:
            raise UsageError(f"ps lists no {place.kind}", hint="--on takes a target's name from relbuild.yml")
        opened = places.open_named(session, place.name)
        running = opened.engine.running()
        if running is not None:
            return ListedContainers(
                tuple(
                    ListedContainer(
                        each.name,
                        each.id,
                        running.image,
                        running.version or None,
                        each.state,
                        each.detail or each.state,
                        (),
                    )
                    for each in running.copies
                )
            )
        if opened.target.engine != "host":
            return ListedContainers(())
        session = opened.session
    return ListedContainers(
        tuple(
            ListedContainer(
                each.name, each.id, each.image, each.labels.get(labels.VERSION), each.state, each.status, each.ports
            )
            for each in places.containers(session, session.plan(), stopped=stopped)
        )
    )
