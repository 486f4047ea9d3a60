"""relbuild ps: this project's containers."""

from __future__ import annotations

from relbuild.commands import running
from relbuild.commands.session import Session
from relbuild.image import labels
from relbuild.result import ListedContainer, ListedContainers


def ps(session: Session, *, stopped: bool) -> ListedContainers:
    """Return the containers of the project's image, the newest first; those that have stopped only when asked."""
    found = running.containers(session, session.plan(), stopped=stopped)
    return ListedContainers(
        tuple(
            ListedContainer(
                each.name, each.id, each.image, each.labels.get(labels.VERSION), each.state, each.status, each.ports
            )
            for each in found
        )
    )
