"""Finding a place: what ``--on`` names, or the project's own, with the release that is there."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from relbuild.commands.release_image import ReleaseImage, newest_image, release_image, release_in
from relbuild.commands.session import Session
from relbuild.commands.variables import Environment, require_variables
from relbuild.endpoint import Endpoint
from relbuild.engine.docker import ContainerFacts, Listed, ServiceFacts, TaskFacts
from relbuild.errors import CommandFailed, ProjectError, UsageError
from relbuild.image import labels
from relbuild.release.place import CONTAINER, IMAGE, ONE_OFF, SERVICE, TARGET, VERBS, Place, require

if TYPE_CHECKING:
    from relbuild.commands.targets.open import OpenTarget
    from relbuild.image.plan.plan import Plan

# The verbs that read the configuration in a one-off container, with the command of bin/NAME that each is.
BOOTING = {"eval": "eval", "migrate": "eval", "start-iex": "start_iex"}


class NothingRuns(CommandFailed):
    """Nothing of the project runs there."""


def find(session: Session, on: str | None, verb: str, environment: Environment, release: str | None = None) -> Place:
    """Return where a verb runs.

    Raises UsageError where it makes no sense there, and CommandFailed where there is no such place, or nothing runs.
    """
    place = Place.parse(on) if on is not None else _default(session, verb)
    if place.kind == TARGET:
        session, place = place_of_target(session, place.name)
    require(verb, place.kind)
    if place.kind == IMAGE:
        return in_image(session, release_image(session, place.name, release), environment, verb)
    if environment.network is not None:
        raise UsageError(f"--network: {place} has its networks already", hint="leave it out, or name an image")
    if place.kind == CONTAINER:
        return _container(session, place.name, environment, release)
    if place.kind == SERVICE:
        return _service(session, place.name, environment, release)
    if environment.variables:
        raise UsageError(f"--env: kubectl can't add to the environment of {place}", hint="set it in the pod's manifest")
    return replace(_in_cluster(session, place), release=release or _project_release(session, place))


def logged(session: Session, on: str | None) -> Place:
    """Return the place whose log is shown: a container may have ended, a service needs no running task.

    Raises UsageError where there is no log, and CommandFailed where there is no such place.
    """
    place = Place.parse(on) if on is not None else Place(CONTAINER, logged_container(session))
    if place.kind == TARGET:
        session, place = place_of_target(session, place.name, logged_container)
    require("logs", place.kind)
    if place.kind == CONTAINER:
        facts = session.engine.container(place.name)
        if facts.status in ("exited", "dead"):
            session.note(f"{place.name} has ended with exit code {facts.exit_code}")
        return replace(place, endpoint=session.endpoint)
    if place.kind == SERVICE:
        return replace(place, name=session.engine.service(place.name).name, endpoint=session.endpoint)
    return _in_cluster(session, place)


def _default(session: Session, verb: str) -> Place:
    """Return where a verb runs without ``--on``: the project's newest image, or its one running container."""
    if IMAGE in VERBS[verb].places:
        return Place(IMAGE, newest_image(session))
    return Place(CONTAINER, only_container(session))


def in_image(session: Session, image: ReleaseImage, environment: Environment, verb: str) -> Place:
    """Return a one-off container of an image as a place; raise CommandFailed for variables that it lacks."""
    if verb in BOOTING:
        require_variables(image, environment, BOOTING[verb])
    return Place(
        IMAGE,
        image.reference,
        endpoint=session.endpoint,
        release=image.release,
        root=image.root,
        options=environment.run_options(before=image.env),
    )


def _container(session: Session, name: str, environment: Environment, release: str | None) -> Place:
    facts = session.engine.container(name)
    if not facts.running:
        raise not_running(name, facts.status, _exit(facts))
    return _running(session, Place(CONTAINER, name, endpoint=session.endpoint), facts, environment, release)


def _service(session: Session, name: str, environment: Environment, release: str | None) -> Place:
    service, endpoint, container = running_task(session, name)
    node = session if endpoint == session.endpoint else session.at(endpoint)
    place = Place(SERVICE, service.name, endpoint=session.endpoint, node=endpoint)
    return _running(node, place, node.engine.container(container), environment, release)


def _running(
    node: Session, place: Place, facts: ContainerFacts, environment: Environment, release: str | None
) -> Place:
    called = f"the service {place.name}" if place.kind == SERVICE else place.name
    name, root = release_in(node, called, facts, release)
    return replace(
        place,
        release=name,
        root=root,
        container=facts.id,
        env=facts.env or {},
        options=environment.run_options(),
    )


def _in_cluster(session: Session, place: Place) -> Place:
    """Return a pod or deployment in kubectl's context."""
    if session.endpoint.host is not None:
        raise UsageError(
            f"--host names a Docker Engine, and {place} is in a cluster", hint="--context names kubectl's context"
        )
    return place if place.endpoint.context is not None else replace(place, endpoint=session.endpoint)


def _project_release(session: Session, place: Place) -> str:
    try:
        return session.plan().release.name
    except ProjectError as error:
        raise UsageError(
            f"which release does {place} run?", hint="give --release NAME, or -C DIR of the project"
        ) from error


# The states of a container or of a task.


def lost(place: Place, status: str) -> CommandFailed:
    """Return the error for a container that was running when it was found and is in another state now."""
    if place.kind == SERVICE:
        return CommandFailed(
            f"the task of the {place.label} is {status} now",
            hint=f"try again; docker service ps {place.name} shows how it ended",
        )
    return not_running(place.name, status)


def not_running(name: str, status: str, ended: str = "") -> CommandFailed:
    """Return the error for a container in which no command can run."""
    hint = {
        "restarting": f"it does not come up: docker logs {name} says why",
        "paused": f"docker unpause {name}",
        "gone": "docker ps shows those that run",
    }.get(status, f"docker start {name}; docker logs {name} shows how it ended")
    return CommandFailed(f"the container {name} is {status}{ended}", hint=hint)


def _exit(facts: ContainerFacts) -> str:
    return f" (exit code {facts.exit_code})" if facts.status in ("exited", "restarting", "dead") else ""


# The project's own containers and services.


def containers(session: Session, plan: Plan, *, stopped: bool = False) -> tuple[Listed, ...]:
    """Return the containers of the project's release and image, without the one-off ones."""
    found = session.engine.containers(f"{labels.RELEASE}={plan.release.name}", stopped=stopped)
    return tuple(each for each in found if _is_of(each, plan) and ONE_OFF not in each.labels)


def _is_of(container: Listed, plan: Plan) -> bool:
    from relbuild.image.plan.tags import split_reference

    # A container whose image has lost its name to a newer one is listed with the image's id.
    repository, _ = split_reference(container.image.partition("@")[0])
    return repository == plan.image or container.image.startswith("sha256:") or _is_id(container.image)


def _is_id(reference: str) -> bool:
    return len(reference) >= 12 and all(character in "0123456789abcdef" for character in reference)


def only_container(session: Session) -> str:
    """Return the name of the one running container of the project; raise CommandFailed for none or several."""
    plan = session.plan()
    found = containers(session, plan)
    if len(found) == 1:
        return found[0].name
    if found:
        raise _several("containers", plan, session, [f"container:{each.name}" for each in found])
    others = session.engine.containers(f"{labels.RELEASE}={plan.release.name}")
    hint = "start one: relbuild run --detach; or name another: --on container:NAME"
    if named := [f"{each.name} ({each.image})" for each in others if ONE_OFF not in each.labels]:
        hint = f"of the same release, but of another image: {', '.join(named)}; name one with --on container:NAME"
    elif ended := next(iter(containers(session, plan, stopped=True)), None):
        hint = f"{hint}; {ended.name} has ended ({ended.status}): relbuild logs shows why"
    raise NothingRuns(f"no container of the image {plan.image} is running at {session.endpoint}", hint=hint)


def logged_container(session: Session) -> str:
    """Return the name of the one running container of the project; of the newest that has ended where none runs.

    Raises CommandFailed where several run, and where there is none.
    """
    plan = session.plan()
    every = containers(session, plan, stopped=True)
    if every and not any(each.state == "running" for each in every):
        return every[0].name
    return only_container(session)


def only_service(session: Session) -> str:
    """Return the name of the one Swarm service of the project's image; raise CommandFailed for none or several."""
    from relbuild.image.plan.tags import split_reference

    plan = session.plan()
    found = [
        each
        for each in session.engine.services()
        if split_reference(each.image)[0] == plan.image and ONE_OFF not in each.labels
    ]
    if len(found) == 1:
        return found[0].name
    if found:
        raise _several("services", plan, session, [f"service:{each.name}" for each in found])
    raise NothingRuns(
        f"no service of the image {plan.image} is at {session.endpoint}",
        hint="name another: --on service:NAME; docker service ls shows those there are",
    )


def _several(what: str, plan: Plan, session: Session, places: Iterable[str]) -> CommandFailed:
    listed = "\n".join(f"--on {place}" for place in sorted(places))
    return CommandFailed(
        f"several {what} of the image {plan.image} run at {session.endpoint}", hint=f"name one of them:\n{listed}"
    )


# Targets of relbuild.yml, and the nodes of their swarms.


def open_named(session: Session, name: str) -> OpenTarget:
    """Return the target that ``--on`` names; raise UsageError where there is none of this name."""
    from relbuild.commands.targets.open import open_target

    targets = session.config().targets
    if name not in targets:
        near = difflib.get_close_matches(name, targets, 1)
        known = f"did you mean {near[0]}? " if near else ""
        known += f"those there are: {', '.join(targets)}" if targets else "relbuild.yml has no targets"
        raise UsageError(
            f"--on {name}: there is no such target",
            hint=f"{known}; a place is written image:REF, container:NAME, service:NAME, pod:NAME or deployment:NAME",
        )
    return open_target(session, name)


def place_of_target(
    session: Session, name: str, container: Callable[[Session], str] | None = None
) -> tuple[Session, Place]:
    """Return the session at a target's engine, and the place its release runs in.

    That is what relbuild deployed there; where it deployed nothing, what runs of the project's image, and then
    ``container`` chooses among the containers: by default it is the only one.
    """
    opened = open_named(session, name)
    place = opened.engine.place()
    if place is None and opened.target.engine == "swarm":
        place = Place(SERVICE, only_service(opened.session))
    return opened.session, place or Place(CONTAINER, (container or only_container)(opened.session))


def running_task(session: Session, name: str) -> tuple[ServiceFacts, Endpoint, str]:
    """Return a service, and the endpoint and the container's id of one of its running tasks.

    A task on the engine's own node comes before one elsewhere. Raises CommandFailed where none runs, and UsageError
    where those that run are on nodes without an endpoint in relbuild.yml.
    """
    service = session.engine.service(name)
    tasks = session.engine.tasks(service.id)
    up = [each for each in tasks if each.state == "running" and each.container]
    if not up:
        raise _none_runs(service, tasks)
    own = session.engine.own_node()
    for each in up:
        if each.node == own:
            return service, session.endpoint, each.container
    endpoints = _node_endpoints(session)
    nodes = {each: session.engine.node_name(each.node) for each in up}
    for each, node in nodes.items():
        if node in endpoints:
            return service, Endpoint(host=endpoints[node]), each.container
    names = sorted(set(nodes.values()))
    raise UsageError(
        f"the service {service.name} runs on {', '.join(names)}, and relbuild.yml has no endpoint for "
        f"{'it' if len(names) == 1 else 'any of them'}",
        hint=f"add it to the target: nodes: {{{names[0]}: ssh://USER@{names[0]}}}",
    )


def _none_runs(service: ServiceFacts, tasks: tuple[TaskFacts, ...]) -> CommandFailed:
    states = ", ".join(f"{each.state}{f' ({each.error})' if each.error else ''}" for each in tasks)
    return CommandFailed(
        f"the service {service.name} has no running task" + (f": {states}" if states else ""),
        hint=f"docker service ps --no-trunc {service.name} says why",
    )


def _node_endpoints(session: Session) -> dict[str, str]:
    """Return the endpoints of a swarm's nodes, by host name; those of the targets at this engine come first."""
    swarms = [each for each in session.config().targets.values() if each.engine == "swarm"]
    here = [each for each in swarms if Endpoint(each.context, each.host) == session.endpoint]
    found: dict[str, str] = {}
    for each in (*swarms, *here):
        found.update(each.nodes)
    return found
