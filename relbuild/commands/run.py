"""relbuild run: docker run with what a release needs."""

from __future__ import annotations

from dataclasses import dataclass

from relbuild.commands.around import Around
from relbuild.commands.place import ran, release_image, terminal
from relbuild.commands.session import Session
from relbuild.image import labels
from relbuild.release.target import NewContainer
from relbuild.result import Ran


@dataclass(frozen=True, slots=True)
class Boot:
    """How the release is started; ``stop_timeout`` is in seconds, ``options`` go to docker as they are."""

    name: str | None = None
    publish: tuple[str, ...] = ()
    detach: bool = False
    stop_timeout: int = 30
    options: tuple[str, ...] = ()


def run(session: Session, reference: str | None, around: Around, boot: Boot) -> Ran:
    """Start the release in a container; return when it has ended, or with its id when it is detached."""
    image = release_image(session, reference)
    place = NewContainer(
        image.reference,
        name=boot.name,
        publish=boot.publish,
        labels={labels.CONTAINER: image.release},
        surroundings=around.surroundings(boot.options),
        detach=boot.detach,
        terminal=terminal(),
        stop_timeout=boot.stop_timeout,
        endpoint=session.endpoint,
    )
    return ran(session, place.argv(), around.values)
