"""What a one-off container gets: what the app gets where it runs, and what is said on the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from relbuild.commands.around import Around, around
from relbuild.commands.place import ReleaseImage, at_target
from relbuild.commands.session import Session
from relbuild.errors import CommandFailed, Problem, UsageError
from relbuild.release import surroundings
from relbuild.release.oneoff import Job, OneOff
from relbuild.release.surroundings import Copied
from relbuild.release.target import HARDENING
from relbuild.release.verbs import CONTAINER, IMAGE, require
from relbuild.release.verbs import parse as parse_place

if TYPE_CHECKING:
    from relbuild.config.target import Target

SWARM_SERVICE = "com.docker.swarm.service.name"
COMPOSE = ("com.docker.compose.project", "com.docker.compose.service")


@dataclass(frozen=True, slots=True)
class Beside:
    """Where a one-off is made and like what: ``target`` is the app's place for people, ``lock`` what is one at a time.

    ``image`` is the one that runs there, where one does.
    """

    session: Session
    target: str
    lock: str
    copied: Copied
    image: str | None = None
    kind: type[OneOff] = OneOff

    def with_also(self, given: Around) -> tuple[Around, Copied]:
        """Return the variables of both, those given over those copied, and the rest with the network joined."""
        copied = self.copied
        if given.network is not None and given.network not in copied.joined:
            if self.kind is OneOff and copied.joined:
                # docker create takes several from Engine 25 on.
                copied = replace(copied, networks=(*copied.networks, given.network))
            else:
                copied = replace(copied, options=(*copied.options, "--network", given.network))
        return replace(given, variables={**copied.variables, **given.variables}, network=None), copied


def beside(session: Session, on: str, verb: str) -> Beside | str:
    """Return what the app gets at a place, or the image that is named in place of one.

    Raises UsageError for what is no place, CommandFailed where there is none of this name.
    """
    where = parse_place(on)
    if where.kind == "target":
        return _target(session, where.name, verb)
    require(verb, where.kind)
    if where.kind == IMAGE:
        return where.name
    return _container(session, where.name) if where.kind == CONTAINER else _service(session, where.name)


def anywhere(session: Session, image: ReleaseImage, given: Around) -> Beside:
    """Return what there is without a place: the same release with the same variables and network is one target."""
    import hashlib

    content = "\0".join([str(given.network), *(f"{name}={value}" for name, value in sorted(given.variables.items()))])
    digest = hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()[:6]
    return Beside(session, image.release, f"{image.release}-{digest}", Copied({}, HARDENING))


def _container(session: Session, name: str) -> Beside:
    container = session.engine.inspected("container", name)
    if container is None:
        raise CommandFailed(
            f"there is no container {name} at {session.endpoint}", hint="docker ps shows those that run"
        )
    given = container["Config"].get("Labels") or {}
    if SWARM_SERVICE in given:
        # Its secrets are Swarm's to give, to a service's tasks alone.
        return _service(session, given[SWARM_SERVICE])
    own = container["Name"].lstrip("/")
    # Several containers of one service of Compose stand for the same database.
    lock = "-".join(given[label] for label in COMPOSE) if all(label in given for label in COMPOSE) else own
    copied = surroundings.of_container(container, session.engine.inspected("image", container["Image"]))
    return Beside(session, f"container {own}", lock, copied, _image(session, container))


def _image(session: Session, container: Mapping[str, Any]) -> str:
    """Return the image a container runs: by its name, or by its id when the name has passed to another image."""
    name, own = str(container["Config"]["Image"]), str(container["Image"])
    named = session.engine.inspected("image", name)
    return name if named is not None and named["Id"] == own else own


def _service(session: Session, name: str) -> Beside:
    service = session.engine.inspected("service", name)
    if service is None:
        raise CommandFailed(
            f"there is no service {name} at {session.endpoint}", hint="docker service ls shows those there are"
        )
    own = service["Spec"]["Name"]
    image = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    return Beside(session, f"service {own}", own, surroundings.of_service(service), image, Job)


def _target(session: Session, name: str, verb: str) -> Beside:
    """Return what the app gets at a target of relbuild.yml; before its first deployment, what is said there."""
    from relbuild.commands import running

    session, target = at_target(session, name)
    if target.engine == "kubernetes":
        require(verb, "deployment")
    try:
        if target.engine == "swarm":
            return _service(session, running.only_service(session))
        return _container(session, running.only_container(session))
    except running.NothingRuns:
        return _from_config(session, name, target)


def _from_config(session: Session, name: str, target: Target) -> Beside:
    beside = session.config_file.parent if session.config_file is not None else session.root
    files = [str(beside / target.env_file)] if target.env_file is not None else []
    _require_set(session, name, target)
    said = around([each if value is None else f"{each}={value}" for each, value in target.env.items()], files)
    if target.engine == "swarm":
        networks = tuple(word for network in target.networks for word in ("--network", network))
        options = (*networks, "--read-only", "--mount", "type=tmpfs,target=/tmp")
        return Beside(session, f"target {name}", name, Copied(said.variables, options), kind=Job)
    first = ("--network", target.networks[0]) if target.networks else ()
    copied = Copied(said.variables, (*first, *HARDENING), target.networks[1:])
    return Beside(session, f"target {name}", name, copied)


def _require_set(session: Session, name: str, target: Target) -> None:
    """Raise UsageError for the variables that a target takes from here, and that aren't set here."""
    unset = [each for each, value in target.env.items() if value is None and each not in os.environ]
    if unset:
        marks = session.config().marks
        raise UsageError.of(
            Problem(
                f"the target {name} takes {each} from the environment, and it isn't set here",
                marks.get(f"targets.{name}.env.{each}"),
                f"export {each}, or give its value there",
            )
            for each in unset
        )
