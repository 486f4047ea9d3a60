"""Where a release's command runs: what ``--on`` names, found with the release that is there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from relbuild.commands.around import Around
from relbuild.commands.session import Session
from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.engine.docker import ContainerFacts, ImageFacts
from relbuild.errors import CommandFailed, PassingFault, ProjectError, UsageError
from relbuild.image import labels
from relbuild.release.command import ROOT
from relbuild.release.target import Container, Deployment, Image, Logged, Place, Pod, Service
from relbuild.release.verbs import CONTAINER, DEPLOYMENT, IMAGE, POD, SERVICE, VERBS, PlaceName, parse, require

if TYPE_CHECKING:
    from relbuild.config.target import Target

# What relbuild's images have set, for those of others: RELEASE_TMP is in the release by default, where nothing can be
# written on a read-only root, and without a cap the VM sizes its port table by the limit of open files.
NOT_OURS = ("RELEASE_TMP=/tmp", "ERL_CRASH_DUMP=/tmp/erl_crash.dump", "ERL_MAX_PORTS=65536")
# The verbs that read the configuration in a one-off container, with the command of bin/NAME that each is.
BOOTING = {"eval": "eval", "migrate": "eval", "start-iex": "start_iex"}


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """An image that holds a release, with all the engine says of it."""

    reference: str
    release: str
    root: str
    facts: ImageFacts

    @property
    def env(self) -> tuple[str, ...]:
        """Variables that a container of it needs before all others."""
        return () if labels.BUILT_BY in self.facts.labels else NOT_OURS

    @property
    def environment(self) -> str | None:
        """The contract as its label carries it."""
        return self.facts.labels.get(labels.ENVIRONMENT)


@dataclass(frozen=True, slots=True)
class Found:
    """A place, the release that is there, and the container's facts where it is a running one."""

    place: Place
    name: str
    release: str
    root: str
    container: ContainerFacts | None = None


def find(session: Session, on: str | None, verb: str, around: Around, release: str | None = None) -> Found:
    """Return where a verb is to run.

    Raises UsageError where it makes no sense there, and CommandFailed where there is no such place, or where nothing
    runs.
    """
    where = parse(on) if on is not None else _default(session, verb)
    if where.kind == "target":
        session, where = _target(session, where.name)
    require(verb, where.kind)
    if where.kind == IMAGE:
        image = release_image(session, where.name, release)
        return in_image(session, image, around, verb)
    if around.network is not None:
        raise UsageError(f"--network: {where} has its networks already", hint="leave it out, or name an image")
    match where.kind:
        case "container":
            return _container(session, where.name, around, release)
        case "service":
            return _service(session, where.name, around, release)
        case _:
            return _pod(session, where, around, release)


def logged(session: Session, on: str | None) -> Logged:
    """Return the place whose log is shown: a container may have ended, a service needs no running task.

    Raises UsageError where there is no log, and CommandFailed where there is no such place.
    """
    from relbuild.commands import running

    where = parse(on) if on is not None else PlaceName(CONTAINER, running.logged_container(session))
    if where.kind == "target":
        session, where = _target(session, where.name, running.logged_container)
    require("logs", where.kind)
    match where.kind:
        case "container":
            facts = session.engine.container(where.name)
            if facts.status in ("exited", "dead"):
                session.note(f"{where.name} has ended with exit code {facts.exit_code}")
            return Container(where.name, session.endpoint)
        case "service":
            name = session.engine.service(where.name).name
            return Service(name, Container(""), session.endpoint)
        case _:
            return _pod_of(session, where)


def _default(session: Session, verb: str) -> PlaceName:
    """Return where a verb runs that was not told: the project's newest image, or its one running container."""
    from relbuild.commands import running

    if IMAGE in VERBS[verb].places:
        return PlaceName(IMAGE, running.newest_image(session))
    return PlaceName(CONTAINER, running.only_container(session))


def in_image(session: Session, image: ReleaseImage, around: Around, verb: str) -> Found:
    """Return a one-off container of an image as a place; raise CommandFailed for what the verb would lack there."""
    if verb in BOOTING:
        from relbuild.commands import needs

        needs.require(image, around, BOOTING[verb])
    place = Image(image.reference, around.surroundings(before=image.env), session.endpoint)
    return Found(place, image.reference, image.release, image.root)


def release_image(session: Session, reference: str | None, release: str | None = None) -> ReleaseImage:
    """Return the named image, pulled when it isn't here, or the project's newest one.

    Raises UsageError for an image in which no release is found and CommandFailed where there is none.
    """
    if reference is None:
        from relbuild.commands import running

        reference = running.newest_image(session)
    facts = session.engine.image(reference) or pull(session, reference)
    name, root = _release(session, reference, facts, release)
    return ReleaseImage(reference, name, root, facts)


def pull(session: Session, reference: str) -> ImageFacts:
    """Pull an image and return its facts; raise CommandFailed or PassingFault where it can't be had."""
    from relbuild.image.build import buildx
    from relbuild.image.build.causes import unanswered

    outcome = session.runner.step(buildx.pull(reference, session.endpoint))
    facts = session.engine.image(reference)
    if outcome.exit_code or facts is None:
        kind = PassingFault if unanswered("\n".join(outcome.tail)) else CommandFailed
        raise kind(
            f"there is no image {reference} at {session.endpoint}, and it can't be pulled",
            hint=_to_have(reference, outcome.tail[-1] if outcome.tail else ""),
        )
    return facts


def _to_have(reference: str, said: str) -> str:
    """Return what to do for an image that can't be pulled, by the engine's last words, which stand above already."""
    from relbuild.image.build.causes import without_trust
    from relbuild.image.reference import Reference

    here = "docker image ls shows the images that are here"
    if untrusted := without_trust(Reference.parse(reference).registry, said):
        return untrusted
    if re.search("denied|unauthorized|authentication|no basic auth", said, re.IGNORECASE):
        return f"is the name right? {here}; where it is private: {Reference.parse(reference).login}"
    if re.search("not found|manifest unknown|does not exist|invalid reference", said, re.IGNORECASE):
        return f"is the name right? {here}"
    return f"is the name right? {here}; where it is, and its registry answers: docker pull {reference}"


def _release(session: Session, name: str, facts: ImageFacts | ContainerFacts, asked: str | None) -> tuple[str, str]:
    """Return the name and the root of the release that an image or a container has."""
    labelled = facts.labels.get(labels.RELEASE)
    if labelled is None:
        from relbuild.commands import unlabelled

        return unlabelled.release(session, name, facts, asked)
    if asked is not None and asked != labelled:
        raise UsageError(f"{name} holds the release {labelled}, not {asked}", hint=f"leave out --release {asked}")
    return labelled, facts.labels.get(labels.ROOT, ROOT)


def _container(session: Session, name: str, around: Around, release: str | None) -> Found:
    facts = session.engine.container(name)
    if not facts.running:
        raise _not_running(name, facts.status, _ended(facts))
    found, root = _release(session, name, facts, release)
    place = Container(name, session.endpoint, around.surroundings().env)
    return Found(place, name, found, root, facts)


def _ended(facts: ContainerFacts) -> str:
    return f" (exit code {facts.exit_code})" if facts.status in ("exited", "restarting", "dead") else ""


def lost(found: Found, status: str) -> CommandFailed:
    """Return the error for a container that was running when it was found and is in another state now."""
    if isinstance(found.place, Service):
        return CommandFailed(
            f"the task of the {found.name} is {status} now",
            hint=f"try again; docker service ps {found.place.name} shows how it ended",
        )
    return _not_running(found.name, status)


def _not_running(name: str, status: str, ended: str = "") -> CommandFailed:
    return CommandFailed(f"the container {name} is {status}{ended}", hint=_to_run(name, status))


def _to_run(name: str, status: str) -> str:
    if status == "restarting":
        return f"it does not come up: docker logs {name} says why"
    if status == "paused":
        return f"docker unpause {name}"
    if status == "gone":
        return "docker ps shows those that run"
    return f"docker start {name}; docker logs {name} shows how it ended"


def _service(session: Session, name: str, around: Around, release: str | None) -> Found:
    from relbuild.commands import running

    service, endpoint, container = running.task(session, name)
    node = session if endpoint == session.endpoint else session.at(endpoint)
    facts = node.engine.container(container)
    found, root = _release(node, f"the service {service.name}", facts, release)
    place = Service(service.name, Container(facts.id, endpoint, around.surroundings().env), session.endpoint)
    return Found(place, f"service {service.name}", found, root, facts)


def _pod(session: Session, where: PlaceName, around: Around, release: str | None) -> Found:
    if around.variables:
        raise UsageError(f"--env: kubectl can't add to the environment of {where}", hint="set it in the pod's manifest")
    return Found(_pod_of(session, where), str(where), release or _project_release(session, where), ROOT)


def _pod_of(session: Session, where: PlaceName) -> Pod:
    if session.endpoint.host is not None:
        raise UsageError(
            f"--host names a Docker Engine, and {where} is none's", hint="--context names kubectl's context"
        )
    kind = Pod if where.kind == POD else Deployment
    return kind(where.own_name, session.endpoint.context, where.namespace)


def _project_release(session: Session, where: PlaceName) -> str:
    try:
        return session.plan().release.name
    except ProjectError as error:
        raise UsageError(
            f"which release does {where} run?", hint="give --release NAME, or -C DIR of the project"
        ) from error


def at_target(session: Session, name: str) -> tuple[Session, Target]:
    """Return the session at the engine of a target of relbuild.yml, and the target."""
    from relbuild.commands import running

    target = running.target(session, name)
    if session.endpoint != DEFAULT and (target.host or target.context):
        raise UsageError(
            f"--on {name} and {'--host' if session.endpoint.host else '--context'} both name an engine",
            hint="leave one of them out",
        )
    if target.host or target.context:
        session = session.at(Endpoint(target.context, target.host))
    return session, target


def _target(
    session: Session, name: str, container: Callable[[Session], str] | None = None
) -> tuple[Session, PlaceName]:
    """Return the session at a target's engine, and the place the target's release runs in.

    ``container`` chooses among its containers; by default it is the only one that runs.
    """
    from relbuild.commands import running

    session, target = at_target(session, name)
    if target.engine == "kubernetes":
        deployment = session.plan().release.name.replace("_", "-")
        return session, PlaceName(DEPLOYMENT, f"{target.namespace}/{deployment}" if target.namespace else deployment)
    if target.engine == "swarm":
        return session, PlaceName(SERVICE, running.only_service(session))
    return session, PlaceName(CONTAINER, (container or running.only_container)(session))
