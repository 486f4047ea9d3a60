"""Running a one-off beside an app: what it gets, one at a time under a fixed name, the log of a failed one kept."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from relbuild.commands import call, places
from relbuild.commands.release_image import ReleaseImage
from relbuild.commands.session import Session
from relbuild.commands.variables import Environment, given_environment
from relbuild.engine.runner import Handling
from relbuild.engine.streams import Replay
from relbuild.errors import CommandFailed, LockedError, PassingFault, Problem, TimedOut, UsageError
from relbuild.image import labels
from relbuild.release import oneoff
from relbuild.release.oneoff import CopiedOptions, OneOff
from relbuild.release.place import CONTAINER, HARDENING, IMAGE, NAME_TAKEN, TARGET, Place, require
from relbuild.result import Ran

if TYPE_CHECKING:
    from relbuild.commands.targets.open import OpenTarget

SWARM_SERVICE = "com.docker.swarm.service.name"
COMPOSE = ("com.docker.compose.project", "com.docker.compose.service")
# Seconds between two looks at a lock that is held, and at a job that runs.
PAUSE = 1.0
# Seconds that a container may exist without being started: after them whoever made it has died.
UNSTARTED = 60.0
# https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/
ENDED = {"complete", "failed", "shutdown", "rejected", "orphaned", "remove"}

State: TypeAlias = Literal["running", "ended", "removing"]


# What a one-off gets: the variables, networks, mounts and secrets of the app.


@dataclass(frozen=True, slots=True)
class OneOffContext:
    """Where a one-off runs and what it gets.

    ``target`` is the app's place in a sentence; of those with the same ``lock`` one runs at a time. ``image`` is the
    app's, where it runs. ``swarm`` is whether it is a job of the swarm. ``opened`` is the target of relbuild.yml, whose
    own lock is held meanwhile.
    """

    session: Session
    target: str
    lock: str
    copied: CopiedOptions
    image: str | None = None
    swarm: bool = False
    opened: OpenTarget | None = None

    def combine(self, given: Environment) -> tuple[Environment, CopiedOptions]:
        """Return the variables of both, those given over those copied, and the rest with the network joined."""
        copied = self.copied
        if given.network is not None and given.network not in copied.joined:
            if not self.swarm and copied.joined:
                # docker create takes several from Engine 25 on.
                copied = replace(copied, networks=(*copied.networks, given.network))
            else:
                copied = replace(copied, options=(*copied.options, "--network", given.network))
        return replace(given, variables={**copied.variables, **given.variables}, network=None), copied


def context_at(session: Session, on: str, verb: str) -> OneOffContext | str:
    """Return the context of a place, or the name of an image that is given as the place.

    Raises UsageError for what is no place, CommandFailed where there is none of this name.
    """
    place = Place.parse(on)
    if place.kind == TARGET:
        return target_context(session, place.name, verb)
    require(verb, place.kind)
    if place.kind == IMAGE:
        return place.name
    return _context_of(session, place)


def context_without_place(session: Session, image: ReleaseImage, given: Environment) -> OneOffContext:
    """Return the context without a place: the same release with the same variables and network is one target."""
    import hashlib

    content = "\0".join([str(given.network), *(f"{name}={value}" for name, value in sorted(given.variables.items()))])
    digest = hashlib.sha256(content.encode(errors="surrogateescape")).hexdigest()[:6]
    return OneOffContext(session, image.release, f"{image.release}-{digest}", CopiedOptions({}, HARDENING))


def target_context(session: Session, name: str, verb: str = "migrate") -> OneOffContext:
    """Return the context of a target of relbuild.yml: of what runs there, before that of its settings."""
    opened = places.open_named(session, name)
    try:
        there, place = places.place_of_target(session, name)
    except places.NothingRuns:
        return replace(_configured_context(opened), opened=opened)
    require(verb, place.kind)
    return replace(_context_of(there, place), opened=opened)


def _context_of(session: Session, place: Place) -> OneOffContext:
    return _container_context(session, place.name) if place.kind == CONTAINER else _service_context(session, place.name)


def _container_context(session: Session, name: str) -> OneOffContext:
    container = session.engine.inspected("container", name)
    if container is None:
        raise CommandFailed(
            f"there is no container {name} at {session.endpoint}", hint="docker ps shows those that run"
        )
    given = container["Config"].get("Labels") or {}
    if SWARM_SERVICE in given:
        # Swarm gives its secrets to a service's tasks alone.
        return _service_context(session, given[SWARM_SERVICE])
    own = container["Name"].lstrip("/")
    # Several containers of one service of Compose use the same database.
    lock = "-".join(given[label] for label in COMPOSE) if all(label in given for label in COMPOSE) else own
    copied = oneoff.copy_container(container, session.engine.inspected("image", container["Image"]))
    return OneOffContext(session, f"container {own}", lock, copied, _image_of(session, container))


def _image_of(session: Session, container: Mapping[str, Any]) -> str:
    """Return the image a container runs: by its name, or by its id when the name has passed to another image."""
    name, own = str(container["Config"]["Image"]), str(container["Image"])
    named = session.engine.inspected("image", name)
    return name if named is not None and named["Id"] == own else own


def _service_context(session: Session, name: str) -> OneOffContext:
    service = session.engine.inspected("service", name)
    if service is None:
        raise CommandFailed(
            f"there is no service {name} at {session.endpoint}", hint="docker service ls shows those there are"
        )
    own = service["Spec"]["Name"]
    image = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    return OneOffContext(session, f"service {own}", own, oneoff.copy_service(service), image, swarm=True)


def _configured_context(opened: OpenTarget) -> OneOffContext:
    """Return what relbuild.yml gives a target to which nothing was deployed yet."""
    session, target = opened.session, opened.target
    directory = session.config_file.parent if session.config_file is not None else session.root
    files = [str(directory / target.env_file)] if target.env_file is not None else []
    unset = [each for each, value in target.env.items() if value is None and each not in os.environ]
    if unset:
        raise UsageError.of(
            Problem(
                f"the target {opened.key} takes {each} from the environment, and it isn't set here",
                opened.config.marks.get(f"targets.{opened.key}.env.{each}"),
                f"export {each}, or give its value there",
            )
            for each in unset
        )
    given = given_environment(
        [each if value is None else f"{each}={value}" for each, value in target.env.items()], files
    )
    where = f"target {opened.key}"
    if target.engine == "swarm":
        networks = tuple(word for network in target.networks for word in ("--network", network))
        options = (*networks, "--read-only", "--mount", "type=tmpfs,target=/tmp")
        return OneOffContext(session, where, opened.key, CopiedOptions(given.variables, options), swarm=True)
    first = ("--network", target.networks[0]) if target.networks else ()
    copied = CopiedOptions(given.variables, (*first, *HARDENING), target.networks[1:])
    return OneOffContext(session, where, opened.key, copied)


# Running it.


@dataclass(frozen=True, slots=True)
class Existing:
    """A one-off of the same name that exists already: who made it, when, of which image, and its state."""

    id: str
    by: str
    since: str
    image: str
    state: State


class RemovedMeanwhile(CommandFailed):
    """Somebody removed it while it ran."""

    def __init__(self, name: str) -> None:
        super().__init__(f"somebody removed {name} while it ran", hint="it isn't known how far it came")


class OneOffEngine(Protocol):
    """A one-off at an engine: a container, or a job of a swarm."""

    @property
    def ends_with_timeout(self) -> bool:
        """Whether its command ends only when it is removed."""

    def create(self) -> tuple[str, ...]:
        """Return the argv that makes it and prints its id."""

    def existing(self) -> Existing | None:
        """Return the one of the same name."""

    def remove_failed(self) -> None:
        """Remove what failed ones of the same target left under other names."""

    def follow(self, made: str, timeout: float | None) -> Ran:
        """Run it to its end with its output; raise TimedOut after so many seconds."""

    def logs(self) -> tuple[str, ...]:
        """Return the argv that shows its output again."""

    def remove(self, made: str) -> tuple[str, ...]:
        """Return the argv that ends and removes it, by its id: by then another one may have its name."""


def run(
    context: OneOffContext,
    spec: OneOff,
    env: Mapping[str, str],
    *,
    wait: bool = False,
    keep: bool = True,
    timeout: float | None = None,
) -> Ran:
    """Run it to its end and return the release's own exit code; one that failed is kept with its log if ``keep``.

    Raises LockedError while another one of its name runs, unless ``wait``, and TimedOut after ``timeout`` seconds.
    """
    session = context.session
    one_off: OneOffEngine = SwarmJob(session, spec) if context.swarm else OneOffContainer(session, spec)
    made = _make(session, one_off, spec, env, context.target, wait=wait)
    kept = failed = False
    try:
        ran = one_off.follow(made, timeout)
        failed = ran.exit_code != 0 and keep
        return ran
    except TimedOut:
        failed = keep and not one_off.ends_with_timeout
        raise
    except (PassingFault, RemovedMeanwhile):
        kept = True
        raise
    finally:
        if failed:
            session.warn(f"its output is kept until the next one: {shlex.join(one_off.logs())}")
        elif not kept:
            session.runner.captured(one_off.remove(made or spec.name))


def _make(
    session: Session, one_off: OneOffEngine, spec: OneOff, env: Mapping[str, str], target: str, *, wait: bool
) -> str:
    """Make it, having removed one that has ended, and return its id; empty in a dry run."""
    noted = False
    one_off.remove_failed()
    while True:
        other = one_off.existing()
        if other is not None and other.state == "running":
            message = f"{other.by} has been migrating {target} with {other.image} since {other.since}"
            if not wait:
                raise LockedError(message, hint=f"--wait waits for its end; its output: {shlex.join(one_off.logs())}")
            if not noted:
                session.warn(f"{message}; waiting for its end")
            noted = True
        if other is not None and other.state != "ended":
            time.sleep(PAUSE)
            continue
        if other is not None:
            # By its id: whoever else does this at the same time removes no newer one.
            session.runner.captured(one_off.remove(other.id))
        made = session.runner.captured(one_off.create(), env=env, handling=Handling(stdin=False))
        if made.exit_code == 0:
            return made.stdout.strip()
        # Somebody was quicker by a moment, or the one that had ended is not quite removed yet.
        if not any(NAME_TAKEN.search(line) for line in made.tail):
            raise CommandFailed(f"can't make the container {spec.name}", hint="docker's message is above")


@dataclass(frozen=True, slots=True)
class OneOffContainer:
    """A one-off as a container of an engine."""

    session: Session
    spec: OneOff
    ends_with_timeout: bool = False

    def create(self) -> tuple[str, ...]:
        return oneoff.create_container(self.spec)

    def existing(self) -> Existing | None:
        container = self.session.engine.inspected("container", self.spec.name)
        if container is None:
            return None
        config, created, status = container["Config"], container["Created"], container["State"]["Status"]
        age = (_parse_time(self.session.engine.time()) - _parse_time(created)).total_seconds()
        ended = status in ("exited", "dead") or (status == "created" and age > UNSTARTED)
        state: State = "ended" if ended else "removing" if status == "removing" else "running"
        return _existing(container["Id"], config, created, config["Image"], state)

    def remove_failed(self) -> None:
        target = self.spec.labels.get(labels.MIGRATION)
        if target is None:
            return
        for left in self.session.engine.containers(f"{labels.MIGRATION}={target}", stopped=True):
            if left.state in ("exited", "dead") and left.name != self.spec.name:
                self.session.runner.captured(self.remove(left.id))

    def follow(self, made: str, timeout: float | None) -> Ran:
        session, name = self.session, self.spec.name
        for connect in oneoff.connect_container(self.spec):
            if session.runner.captured(connect).exit_code:
                raise CommandFailed(
                    f"the container {name} can't join the network {connect[-2]}", hint="docker's message is above"
                )
        argv = (*self._docker, "start", "--attach", name)
        # It stays there with its output.
        undo = (*self._docker, "kill", made) if made else None
        outcome = call.run(session, argv, {}, Handling(stdin=False, timeout=timeout, undo=undo))
        if not made:
            return Ran(outcome.exit_code, argv)
        container = session.engine.inspected("container", made)
        if container is None:
            raise RemovedMeanwhile(name)
        state = container["State"]
        if state["Running"]:
            raise PassingFault(
                f"the connection to {session.endpoint} was lost; {name} goes on there",
                hint=f"{shlex.join(self.logs())} --follow",
            )
        if state.get("Error"):
            raise CommandFailed(f"the container {name} didn't start: {state['Error']}")
        if state.get("OOMKilled"):
            session.warn(f"{name} was out of memory, and the engine ended it")
        return Ran(state["ExitCode"], argv, outcome.stdout if session.as_json else None)

    def logs(self) -> tuple[str, ...]:
        return (*self._docker, "logs", self.spec.name)

    def remove(self, made: str) -> tuple[str, ...]:
        return (*self._docker, "rm", "--force", "--volumes", made)

    @property
    def _docker(self) -> tuple[str, ...]:
        return self.spec.endpoint.docker


@dataclass(frozen=True, slots=True)
class SwarmJob:
    """A one-off as a job of a swarm."""

    session: Session
    spec: OneOff
    ends_with_timeout: bool = True

    def create(self) -> tuple[str, ...]:
        return oneoff.create_job(self.spec)

    def existing(self) -> Existing | None:
        service = self.session.engine.inspected("service", self.spec.name)
        if service is None:
            return None
        task = self.session.engine.newest_task(service["ID"])
        image = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"].partition("@")[0]
        ended = task is not None and task["Status"]["State"] in ENDED
        return _existing(service["ID"], service["Spec"], service["CreatedAt"], image, "ended" if ended else "running")

    def remove_failed(self) -> None:
        """Do nothing: a job has the name of its target alone."""

    def follow(self, made: str, timeout: float | None) -> Ran:
        session, name = self.session, self.spec.name
        end = None if timeout is None else time.monotonic() + timeout
        replay = Replay(keep=session.as_json)
        shown = ""
        while made:
            task = session.engine.newest_task(made)
            if task is None and session.engine.inspected("service", made) is None:
                raise RemovedMeanwhile(name)
            status: Mapping[str, Any] = (task or {}).get("Status") or {}
            state = status.get("State")
            # Read after the state: the log of an ended task is complete then.
            replay.show(*session.engine.service_log(made))
            if state in ENDED:
                return self._ended(status, replay)
            if status.get("Err") and status["Err"] != shown:
                shown = status["Err"]
                session.warn(f"{name} is {state}: {shown}")
            if timeout is not None and end is not None and time.monotonic() > end:
                raise TimedOut.after(timeout)
            time.sleep(PAUSE)
        return Ran(0, self.create())

    def _ended(self, status: Mapping[str, Any], replay: Replay) -> Ran:
        code = int((status.get("ContainerStatus") or {}).get("ExitCode") or 0)
        if status["State"] != "complete" and code == 0:
            why = status.get("Err") or status.get("Message")
            raise CommandFailed(f"the task of {self.spec.name} is {status['State']}: {why}")
        return Ran(code, self.create(), replay.stdout.decode(errors="replace") if self.session.as_json else None)

    def logs(self) -> tuple[str, ...]:
        return (*self.spec.endpoint.docker, "service", "logs", "--raw", self.spec.name)

    def remove(self, made: str) -> tuple[str, ...]:
        return (*self.spec.endpoint.docker, "service", "rm", made)


def _existing(found: str, labelled: Mapping[str, Any], created: str, image: str, state: State) -> Existing:
    by = (labelled.get("Labels") or {}).get(labels.MIGRATED_BY, "someone")
    return Existing(found, by, f"{_parse_time(created):%Y-%m-%d %H:%M:%S %Z}", image, state)


def _parse_time(time: str) -> datetime:
    """Return a time of the engine: RFC 3339 with nanoseconds, which Python's reader doesn't take."""
    whole, _, rest = time.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    return datetime.fromisoformat((whole + zone).replace("Z", "+00:00"))
