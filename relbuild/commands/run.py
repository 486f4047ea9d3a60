"""relbuild run: docker run with what a release needs."""

from __future__ import annotations

from collections.abc import Mapping

from relbuild.commands import call, needs
from relbuild.commands.around import Around
from relbuild.commands.place import ReleaseImage, release_image
from relbuild.commands.session import Session
from relbuild.engine import terminal
from relbuild.engine.runner import Handling
from relbuild.errors import CommandFailed
from relbuild.image import labels
from relbuild.mix.environment import from_label
from relbuild.release.target import NAME_TAKEN, NewContainer, remove_container
from relbuild.result import Ran
from relbuild.values import dataclass

# Seconds that docker has to take the container away, after those the release has to stop.
REMOVAL = 5


@dataclass(frozen=True, slots=True)
class Boot:
    """How the release is started; ``stop_timeout`` is in seconds, ``options`` go to docker as they are.

    ``publish_all`` publishes the ports that the image names; None leaves it to whether a person is in front of it.
    """

    name: str | None = None
    publish: tuple[str, ...] = ()
    publish_all: bool | None = None
    nofile: str | None = None
    detach: bool = False
    stop_timeout: int = 30
    options: tuple[str, ...] = ()
    release: str | None = None


def run(session: Session, reference: str | None, around: Around, boot: Boot) -> Ran:
    """Start the release in a container; return when it has ended, or with its id when it is detached.

    Raises CommandFailed when it lacks a variable that it needs.
    """
    image = release_image(session, reference, boot.release)
    needs.require(image, around, "start", boot.options)
    mark = session.runner.mark()
    name = boot.name or (f"{image.release}-{mark}" if mark is not None else None)
    place = NewContainer(
        image.reference,
        name=name,
        publish=boot.publish or _published(session, own_ports(image, around.variables), boot),
        labels={labels.CONTAINER: image.release},
        surroundings=around.surroundings(boot.options, before=image.env),
        nofile=boot.nofile,
        detach=boot.detach,
        stop_timeout=boot.stop_timeout,
        endpoint=session.endpoint,
    )
    # A container of a name that was asked for may have been there before: only one that is surely ours is removed.
    ours = name is not None and boot.name is None and not boot.detach
    undo = remove_container(name, session.endpoint) if ours and name is not None else None
    handling = Handling(stdin=not boot.detach, undo=undo, grace=boot.stop_timeout + REMOVAL)
    argv = place.argv()
    outcome = call.run(session, argv, around.values, handling)
    try:
        call.require_started(outcome)
    except CommandFailed as error:
        if boot.detach and not NAME_TAKEN.search(str(error)):
            _remove_unstarted(session, name)
        raise
    return call.result(session, argv, outcome)


def _remove_unstarted(session: Session, name: str | None) -> None:
    """Remove what docker leaves of a container it made and couldn't start: a second try would find the name taken."""
    left = session.engine.inspected("container", name) if name is not None else None
    if left is not None and left["State"]["Status"] == "created":
        session.runner.captured(remove_container(left["Id"], session.endpoint))


def own_ports(image: ReleaseImage, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ports a release listens on: PORT, where it is given and its contract reads it, else the image's.

    Of an image that names none it is PORT's default.
    """
    contract = from_label(image.environment) if image.environment is not None else None
    port = next((each for each in contract.variables if each.name == "PORT"), None) if contract is not None else None
    if port is None:
        return image.facts.ports
    given = variables.get("PORT") or image.facts.env.get("PORT")
    default = port.shown_default or ""
    value = given if given is not None else "" if image.facts.ports else default
    return (value,) if value.isdecimal() else image.facts.ports


def _published(session: Session, own: tuple[str, ...], boot: Boot) -> tuple[str, ...]:
    """Return the release's own ports, on this machine alone and under the same numbers, where they are wanted."""
    wanted = boot.publish_all if boot.publish_all is not None else terminal.attended() and not boot.detach
    ports = [port.removesuffix("/tcp") for port in own] if wanted else []
    for port in ports:
        session.warn(f"port {port} of the release is published on 127.0.0.1; -p names another, --no-publish none")
    return tuple(f"127.0.0.1:{port.partition('/')[0]}:{port}" for port in ports)
