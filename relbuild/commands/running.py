"""What there is of this project at an engine: its images, its containers, its services and their tasks."""

from __future__ import annotations

from collections.abc import Iterable

from relbuild.commands.session import Session
from relbuild.config.target import Target
from relbuild.endpoint import Endpoint
from relbuild.engine.docker import Listed, ListedImage, ServiceFacts, TaskFacts
from relbuild.errors import CommandFailed, UsageError
from relbuild.image import labels
from relbuild.image.plan.plan import Plan
from relbuild.image.plan.tags import image_tags, split_reference
from relbuild.release.target import ONE_OFF


class NothingRuns(CommandFailed):
    """Nothing of the project runs there."""


def newest_image(session: Session) -> str:
    """Return the newest image of the project; raise CommandFailed when it has none here.

    That is the one that was last given its name: a clean build's own time is its commit's.
    """
    plan = session.plan()
    own = image_tags(plan, ())[0]
    images = [
        (own in image.tags, own if own in image.tags else sorted(image.tags)[-1], image)
        for image in session.engine.images(plan.image)
        if image.tags and image.labels.get(labels.RELEASE, plan.release.name) == plan.release.name
    ]
    if not images:
        raise CommandFailed(
            f"there is no image {plan.image} at {session.endpoint}",
            hint="build it: relbuild image; or name another: --on image:REF",
        )
    if len(images) == 1:
        return images[0][1]
    return max((_time(session, name, image), is_own, name) for is_own, name, image in images)[2]


def _time(session: Session, name: str, image: ListedImage) -> float:
    facts = session.engine.image(name)
    return facts.tagged if facts is not None and facts.tagged else image.created


def containers(session: Session, plan: Plan, *, stopped: bool = False) -> tuple[Listed, ...]:
    """Return the containers of the project's release and image, without the one-off ones."""
    found = session.engine.containers(f"{labels.RELEASE}={plan.release.name}", stopped=stopped)
    return tuple(each for each in found if _is_of(each, plan) and ONE_OFF not in each.labels)


def _is_of(container: Listed, plan: Plan) -> bool:
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
    raise NothingRuns(f"no container of the image {plan.image} runs at {session.endpoint}", hint=hint)


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
        f"several {what} of the image {plan.image} run at {session.endpoint}", hint=f"say which one:\n{listed}"
    )


def target(session: Session, name: str) -> Target:
    """Return a target of relbuild.yml; raise UsageError where there is none of this name."""
    targets = session.config().targets
    if name not in targets:
        known = f"those there are: {', '.join(targets)}" if targets else "relbuild.yml has no targets"
        raise UsageError(
            f"--on {name}: there is no such target",
            hint=f"{known}; a place is written image:REF, container:NAME, service:NAME, pod:NAME or deployment:NAME",
        )
    return targets[name]


def task(session: Session, name: str) -> tuple[ServiceFacts, Endpoint, str]:
    """Return a service, and the endpoint and the container's id of one of its running tasks.

    A task on the engine's own node is taken before one elsewhere. Raises CommandFailed where none runs, and UsageError
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
    """Return the endpoints of a swarm's nodes, by host name; those of the targets at this engine go first."""
    swarms = [each for each in session.config().targets.values() if each.engine == "swarm"]
    here = [each for each in swarms if Endpoint(each.context, each.host) == session.endpoint]
    found: dict[str, str] = {}
    for each in (*swarms, *here):
        found.update(each.nodes)
    return found
