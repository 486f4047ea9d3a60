"""relbuild run: docker run with what a release needs."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from relbuild.commands import call
from relbuild.commands.oneoff import target_context
from relbuild.commands.places import open_named
from relbuild.commands.release_image import ReleaseImage, release_image
from relbuild.commands.session import Session
from relbuild.commands.variables import Environment, require_variables
from relbuild.engine.runner import Handling
from relbuild.engine.streams import attended
from relbuild.errors import CommandFailed, UsageError
from relbuild.image import labels
from relbuild.mix.environment import from_label
from relbuild.release import advice
from relbuild.release.place import CONTAINER, NAME_TAKEN, TARGET, NewContainer, Place, remove_container
from relbuild.release.terms import decoded
from relbuild.result import Ran

# Seconds that docker has to remove the container, after those that the release has to stop.
REMOVAL = 5
# Seconds in which a detached container that can't boot ends, unless it is healthy earlier, and between two looks at it.
SETTLES, PAUSE = 5.0, 0.1
# How many lines of its log are shown then.
LAST_LINES = 20


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


def run(session: Session, reference: str | None, on: str | None, environment: Environment, boot: Boot) -> Ran:
    """Start the release in a container; return when it has ended, or with its id when it is detached.

    With ``on``, a target's name, it runs at the target's engine with the variables, networks and volumes of what was
    deployed there, and by default its image. Raises CommandFailed when it lacks a variable that it needs, when docker
    can't start it, and when a detached one ends within a moment.
    """
    if on is not None:
        session, reference, environment, boot = _at_target(session, reference, on, environment, boot)
    image = release_image(session, reference, boot.release)
    require_variables(image, environment, "start", boot.options)
    mark = session.runner.mark()
    name = boot.name or (f"{image.release}-{mark}" if mark is not None else None)
    own = own_ports(image, environment.variables)
    publish = tuple(map(both_sides, boot.publish)) or _published(own, boot)
    place = NewContainer(
        image.reference,
        name=name,
        publish=publish,
        labels={labels.CONTAINER: image.release},
        options=environment.run_options(boot.options, before=image.env),
        nofile=boot.nofile,
        detach=boot.detach,
        stop_timeout=boot.stop_timeout,
        endpoint=session.endpoint,
    )
    argv = place.argv()
    if boot.detach:
        return _detached(session, argv, environment.values, name, boot, publish, own)
    for address in filter(None, (address_of(each, session.endpoint.host) for each in publish)):
        session.note(address)
    # A container of a name that was given may have been there before: only one that is surely ours is removed.
    undo = remove_container(name, session.endpoint) if name is not None and boot.name is None else None
    handling = Handling(undo=undo, grace=boot.stop_timeout + REMOVAL, ends_by_signal=True)
    outcome = call.run(session, argv, environment.values, handling, call.refused_start)
    if error := call.refused_start(outcome.exit_code, outcome.tail):
        raise error
    return call.result(session, argv, outcome)


def _at_target(
    session: Session, reference: str | None, on: str, environment: Environment, boot: Boot
) -> tuple[Session, str | None, Environment, Boot]:
    """Return what a container at a target gets; raise UsageError for any place but a target on one host."""
    place = Place.parse(on)
    if place.kind != TARGET:
        raise UsageError(f"run --on {on}: a new container has no such place", hint="--on takes a target's name here")
    engine = open_named(session, place.name).target.engine
    if engine != "host":
        raise UsageError(
            f"run does not support {on}: {engine} starts what it runs itself",
            hint=f"relbuild deploy {on} changes what runs there; relbuild eval runs an expression in it",
        )
    context = target_context(session, place.name)
    environment, copied = context.combine(environment)
    networks = tuple(word for each in copied.networks for word in ("--network", each))
    checked = environment.checked and not copied.brings_files
    return (
        context.session,
        reference or context.image,
        replace(environment, checked=checked),
        # The ports there are the target's own.
        replace(boot, options=(*copied.options, *networks, *boot.options), publish_all=boot.publish_all or False),
    )


def _detached(
    session: Session,
    argv: tuple[str, ...],
    env: Mapping[str, str],
    name: str | None,
    boot: Boot,
    publish: tuple[str, ...],
    own: tuple[str, ...],
) -> Ran:
    """Start the container in the background, and wait a moment to see whether it stays up."""
    handling = Handling(stdin=False, hold=advice.GIVES_UP, explained=call.refused_start)
    outcome = session.runner.captured(argv, env=env, handling=handling)
    if error := call.refused_start(outcome.exit_code, outcome.tail):
        if not NAME_TAKEN.search(str(error)):
            _remove_unstarted(session, name)
        raise error
    if session.dry_run or outcome.exit_code:
        return Ran(outcome.exit_code, argv, outcome.stdout)
    container = outcome.stdout.strip()
    _require_up(session, container, name or container)
    addresses = [found for each in publish if (found := address_of(each, session.endpoint.host))]
    for address in addresses:
        session.note(address)
    if not publish and "--publish" not in boot.options and "-p" not in boot.options:
        port = (own or ("PORT",))[0].removesuffix("/tcp")
        session.note(
            f"no port is published: relbuild run -p {port} publishes one; "
            f"containers in the same network reach {name}:{port}"
        )
    return Ran(0, argv, container)


def _require_up(session: Session, container: str, name: str) -> None:
    """Raise CommandFailed, after the last lines of its log, when a container ends within a moment."""
    end = time.monotonic() + SETTLES
    while True:
        found = session.engine.inspected("container", container)
        state = found["State"] if found is not None else {"Status": "removed"}
        if state["Status"] in ("exited", "dead", "restarting", "removed"):
            break
        if time.monotonic() > end or _is_healthy(found):
            return
        time.sleep(PAUSE)
    if found is not None:
        lines: list[str] = []
        shown = Place(CONTAINER, container, endpoint=session.endpoint).logs(("--tail", str(LAST_LINES)))
        session.runner.lines(shown, lines.append)
        for each in decoded("".join(lines)).splitlines():
            session.note(each)
    code = f" with exit code {state['ExitCode']}" if "ExitCode" in state else ""
    memory = ": it was out of memory" if state.get("OOMKilled") else ""
    hint = f"its log: relbuild logs --on container:{name}; docker rm --force {name} removes it"
    raise CommandFailed(f"{name} ended{code} right after its start{memory}", hint=hint if found is not None else None)


def _is_healthy(container: Any) -> bool:
    return bool(container and container["State"].get("Health", {}).get("Status") == "healthy")


def _remove_unstarted(session: Session, name: str | None) -> None:
    """Remove what docker leaves of a container it made and couldn't start: a second try would find the name taken."""
    left = session.engine.inspected("container", name) if name is not None else None
    if left is not None and left["State"]["Status"] == "created":
        session.runner.captured(remove_container(left["Id"], session.endpoint))


def both_sides(publish: str) -> str:
    """Return what is published with the port on both sides: docker takes a single one for a random port of the host."""
    port, slash, protocol = publish.partition("/")
    return f"{port}:{port}{slash}{protocol}" if re.fullmatch(r"\d+(-\d+)?", port) else publish


def address_of(publish: str, host: str | None) -> str | None:
    """Return the address of a published TCP port; None where docker chooses the port, or there are several.

    ``host`` is the engine's address.
    """
    found = re.fullmatch(r"(?:(?P<address>\[[^]]+\]|[^:]*):)?(?P<port>\d+):\d+(?:/tcp)?", publish)
    if found is None or found["port"] == "0":
        return None
    remote = re.match(r"(?:ssh|tcp)://(?:[^@/]*@)?(?P<name>\[[^]]+\]|[^:/]+)", host or "")
    address = found["address"]
    if address in (None, "", "0.0.0.0", "[::]"):
        address = remote["name"] if remote is not None else "127.0.0.1"
    return f"http://{address}:{found['port']}"


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


def _published(own: tuple[str, ...], boot: Boot) -> tuple[str, ...]:
    """Return the release's own ports, on this machine alone and under the same numbers, where they are published."""
    wanted = boot.publish_all if boot.publish_all is not None else attended() and not boot.detach
    ports = [port.removesuffix("/tcp") for port in own] if wanted else []
    return tuple(f"127.0.0.1:{port.partition('/')[0]}:{port}" for port in ports)
