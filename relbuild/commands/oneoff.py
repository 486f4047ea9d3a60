"""Running a one-off container or Swarm job that is its own lock: one at a time, the log of a failed one kept."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias

from relbuild.commands import call
from relbuild.commands.session import Session
from relbuild.engine.runner import Handling
from relbuild.engine.streams import Replay
from relbuild.errors import CommandFailed, LockedError, PassingFault, TimedOut
from relbuild.image import labels
from relbuild.release.oneoff import Job, OneOff
from relbuild.release.target import NAME_TAKEN
from relbuild.result import Ran

# Seconds between two looks at a lock that is held, and at a job that runs.
PAUSE = 1.0
# Seconds that a container may have been made without being started: after them whoever made it has died.
UNSTARTED = 60.0
# https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/
ENDED = {"complete", "failed", "shutdown", "rejected", "orphaned", "remove"}

State: TypeAlias = Literal["runs", "ended", "going"]


@dataclass(frozen=True, slots=True)
class Holder:
    """A one-off that is there already: who made it, when, of which image, and its state."""

    id: str
    by: str
    since: str
    image: str
    state: State


@dataclass(frozen=True, slots=True)
class Lock:
    """What a one-off stands for: its target's name, whether to wait for another, whether to keep a failed one.

    ``timeout`` are the seconds that it may run.
    """

    target: str
    wait: bool = False
    keep: bool = True
    timeout: float | None = None


class _Gone(CommandFailed):
    """Somebody took it away while it ran."""

    def __init__(self, name: str) -> None:
        super().__init__(f"somebody removed {name} while it ran", hint="how far it came can't be told any more")


def run(session: Session, one_off: OneOff, env: Mapping[str, str], lock: Lock) -> Ran:
    """Run it to its end and return the release's own exit code; what failed is kept until the next one, with its log.

    Raises LockedError while another one of its name runs, unless it is to wait for its end, and TimedOut.
    """
    made = _make(session, one_off, env, lock)
    keep = False
    try:
        follow = _follow if isinstance(one_off, Job) else _attach
        ran = follow(session, one_off, made, lock.timeout)
        keep = ran.exit_code != 0 and lock.keep
        if keep:
            _tell_log(session, one_off)
        return ran
    except TimedOut:
        # The task of a job ends with the job alone.
        keep = lock.keep and not isinstance(one_off, Job)
        if keep:
            _tell_log(session, one_off)
        raise
    except (PassingFault, _Gone):
        keep = True
        raise
    finally:
        if not keep:
            session.runner.captured(one_off.remove(made or one_off.name))


def _tell_log(session: Session, one_off: OneOff) -> None:
    session.warn(f"its output is kept until the next one: {shlex.join(one_off.logs())}")


def _make(session: Session, one_off: OneOff, env: Mapping[str, str], lock: Lock) -> str:
    """Make it, having taken away one that has ended, and return its id; empty in a dry run."""
    told = False
    if made_for := one_off.labels.get(labels.MIGRATION):
        _remove_ended(session, one_off, made_for)
    while True:
        holder = _holder(session, one_off)
        if holder is not None and holder.state == "runs":
            said = f"{holder.by} has been migrating {lock.target} with {holder.image} since {holder.since}"
            if not lock.wait:
                raise LockedError(said, hint=f"--wait waits for its end; its output: {shlex.join(one_off.logs())}")
            if not told:
                session.warn(f"{said}; waiting for its end")
            told = True
        if holder is not None and holder.state != "ended":
            time.sleep(PAUSE)
            continue
        if holder is not None:
            # Whoever else does this at the same time finds none of this id any more.
            session.runner.captured(one_off.remove(holder.id))
        made = session.runner.captured(one_off.create(), env=env, handling=Handling(stdin=False))
        if made.exit_code == 0:
            return made.stdout.strip()
        # Somebody was quicker by a moment, or the one that had ended is not quite gone yet.
        if not any(NAME_TAKEN.search(line) for line in made.tail):
            raise CommandFailed(f"can't make the container {one_off.name}", hint="what docker said is above")


def _remove_ended(session: Session, one_off: OneOff, target: str) -> None:
    """Remove the containers that failed migrations of the same target left, whatever environment they had."""
    if isinstance(one_off, Job):  # its name is the target's
        return
    for left in session.engine.containers(f"{labels.MIGRATION}={target}", stopped=True):
        if left.state in ("exited", "dead") and left.name != one_off.name:
            session.runner.captured(one_off.remove(left.id))


def _attach(session: Session, one_off: OneOff, made: str, timeout: float | None) -> Ran:
    for connect in one_off.connect():
        if session.runner.captured(connect).exit_code:
            raise CommandFailed(
                f"the container {one_off.name} can't join the network {connect[-2]}", hint="what docker said is above"
            )
    argv = one_off.start()
    outcome = call.run(
        session, argv, {}, Handling(stdin=False, timeout=timeout, undo=one_off.kill(made) if made else None)
    )
    if not made:
        return Ran(outcome.exit_code, argv)
    container = session.engine.inspected("container", made)
    if container is None:
        raise _Gone(one_off.name)
    state = container["State"]
    if state["Running"]:
        raise PassingFault(
            f"the connection to {session.endpoint} was lost; {one_off.name} goes on there",
            hint=f"{shlex.join(one_off.logs())} --follow",
        )
    if state.get("Error"):
        raise CommandFailed(f"the container {one_off.name} didn't start: {state['Error']}")
    if state.get("OOMKilled"):
        session.warn(f"{one_off.name} was out of memory, and the engine ended it")
    return Ran(state["ExitCode"], argv, outcome.stdout if session.as_json else None)


def _follow(session: Session, job: OneOff, made: str, timeout: float | None) -> Ran:
    """Wait for the end of a job's task, showing its output meanwhile."""
    end = None if timeout is None else time.monotonic() + timeout
    replay = Replay(keep=session.as_json)
    said = ""
    while made:
        task = session.engine.newest_task(made)
        if task is None and session.engine.inspected("service", made) is None:
            raise _Gone(job.name)
        status: Mapping[str, Any] = (task or {}).get("Status") or {}
        state = status.get("State")
        # The log comes after the state: of an ended task it is then all there is.
        replay.show(*session.engine.service_log(made))
        if state in ENDED:
            return _ended(session, job, status, replay)
        if status.get("Err") and status["Err"] != said:
            said = status["Err"]
            session.warn(f"{job.name} is {state}: {said}")
        if timeout is not None and end is not None and time.monotonic() > end:
            raise TimedOut.after(timeout)
        time.sleep(PAUSE)
    return Ran(0, job.create())


def _ended(session: Session, job: OneOff, status: Mapping[str, Any], replay: Replay) -> Ran:
    code = int((status.get("ContainerStatus") or {}).get("ExitCode") or 0)
    if status["State"] != "complete" and code == 0:
        why = status.get("Err") or status.get("Message")
        raise CommandFailed(f"the task of {job.name} is {status['State']}: {why}")
    return Ran(code, job.create(), replay.stdout.decode(errors="replace") if session.as_json else None)


def _holder(session: Session, one_off: OneOff) -> Holder | None:
    if isinstance(one_off, Job):
        service = session.engine.inspected("service", one_off.name)
        if service is None:
            return None
        task = session.engine.newest_task(service["ID"])
        spec = service["Spec"]
        image = spec["TaskTemplate"]["ContainerSpec"]["Image"].partition("@")[0]
        ended = task is not None and task["Status"]["State"] in ENDED
        return _holds(service["ID"], spec, service["CreatedAt"], image, "ended" if ended else "runs")
    container = session.engine.inspected("container", one_off.name)
    if container is None:
        return None
    config, created, status = container["Config"], container["Created"], container["State"]["Status"]
    abandoned = status == "created" and _seconds(created, session.engine.time()) > UNSTARTED
    ended = abandoned or status in ("exited", "dead")
    state: State = "ended" if ended else "going" if status == "removing" else "runs"
    return _holds(container["Id"], config, created, config["Image"], state)


def _holds(found: str, labelled: Mapping[str, Any], created: str, image: str, state: State) -> Holder:
    by = (labelled.get("Labels") or {}).get(labels.MIGRATED_BY, "someone")
    return Holder(found, by, f"{_moment(created):%Y-%m-%d %H:%M:%S %Z}", image, state)


def _seconds(first: str, second: str) -> float:
    return (_moment(second) - _moment(first)).total_seconds()


def _moment(engines: str) -> datetime:
    """Return a time of the engine's, RFC 3339 with nanoseconds, which Python's reader has no place for."""
    whole, _, rest = engines.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    return datetime.fromisoformat((whole + zone).replace("Z", "+00:00"))
