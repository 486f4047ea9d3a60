"""A target of relbuild.yml, opened: its settings, the engine it names, and what acts there."""

from __future__ import annotations

import difflib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from relbuild.commands.session import Session
from relbuild.commands.targets.engine import TargetEngine
from relbuild.config import Config, Target
from relbuild.deploy.spec import name_of
from relbuild.deploy.state import HEARTBEAT, Holder
from relbuild.endpoint import DEFAULT, Endpoint
from relbuild.errors import LockedError, UsageError

# Seconds between two tries to get a lock that somebody holds.
PAUSE = 2.0
# Where a job of a CI system is shown, by the variables that they set.
CI_URLS = ("CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")


@dataclass(frozen=True, slots=True)
class OpenTarget:
    """A target: ``session`` is at its engine; ``here`` is where the project and the images are."""

    key: str
    target: Target
    config: Config
    here: Session
    session: Session
    engine: TargetEngine
    name: str


def open_target(session: Session, key: str | None, release: str | None = None) -> OpenTarget:
    """Return a target by its name in relbuild.yml, or the only one.

    ``release`` is the release's name, where an image says it; else the project's. Raises UsageError where there is no
    such target, and ConfigError.
    """
    config = session.config()
    key = _key(config, key)
    target = config.targets[key]
    if session.endpoint != DEFAULT and (target.host or target.context):
        option = "--host" if session.endpoint.host else "--context"
        raise UsageError(f"the target {key} and {option} both name an engine", hint="leave one of them out")
    name = (
        name_of(target, release or config.release or session.plan().release.name)
        if target.name is None
        else target.name
    )
    if target.engine == "kubernetes":
        from relbuild.commands.targets.kubernetes import Kubernetes

        context = target.context or session.endpoint.context
        return OpenTarget(key, target, config, session, session, Kubernetes(session, name, key, context, target), name)
    there = session.at(Endpoint(target.context, target.host)) if target.host or target.context else session
    if target.engine == "swarm":
        from relbuild.commands.targets.swarm import Swarm

        return OpenTarget(key, target, config, session, there, Swarm(there, name, key), name)
    from relbuild.commands.targets.host import Host

    return OpenTarget(key, target, config, session, there, Host(there, name, key), name)


def _key(config: Config, key: str | None) -> str:
    known = tuple(config.targets)
    if not known:
        raise UsageError(
            "relbuild.yml has no targets",
            hint="write one, such as targets: {production: {engine: host, publish: ['80:4000']}}",
        )
    if key is None:
        if len(known) > 1:
            raise UsageError("relbuild.yml has several targets", hint=f"name one: {', '.join(known)}")
        return known[0]
    if key not in known:
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
        raise UsageError(f"relbuild.yml has no target {key}", hint=hint)
    return key


@contextmanager
def locked(opened: OpenTarget, doing: str, version: str, *, wait: bool = False) -> Iterator[None]:
    """Hold the target's lock; renew it meanwhile, and free it at the end, whatever happens.

    Raises LockedError while another one holds it, unless it is to wait.
    """
    engine, session = opened.engine, opened.session
    now = datetime.now(UTC).replace(microsecond=0).isoformat()
    lock = _take(opened, Holder(who(), doing, now, version, ci_url()), wait=wait)
    over = threading.Event()
    beat = threading.Thread(target=_beat, args=(engine, lock, over), daemon=True)
    if not session.dry_run:
        beat.start()
    try:
        yield
    finally:
        over.set()
        if beat.is_alive():
            beat.join()
        engine.free_lock(lock)


def _take(opened: OpenTarget, holder: Holder, *, wait: bool) -> Holder:
    noted = False
    while True:
        lock = opened.engine.take_lock(holder)
        if lock is not None:
            return lock
        other = opened.engine.holder()
        if other is None:
            continue
        if other.expired(datetime.now(UTC)):
            opened.session.warn(f"{other}, but hasn't renewed the lock: it is taken over")
            opened.engine.free_lock(other)
            continue
        if not wait:
            raise LockedError(
                f"{other}", hint=f"--wait waits for its end; relbuild lock release {opened.key} frees the lock"
            )
        if not noted:
            opened.session.warn(f"{other}; waiting for its end")
            noted = True
        threading.Event().wait(PAUSE)


def _beat(engine: TargetEngine, lock: Holder, over: threading.Event) -> None:
    while not over.wait(HEARTBEAT):
        engine.renew_lock(lock)


def who() -> str:
    """Return USER@HOST of whoever runs relbuild."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def ci_url() -> str:
    """Return the address of the CI job that runs relbuild; empty outside of one that is known."""
    server, repository, run = (os.environ.get(f"GITHUB_{name}") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID"))
    if server and repository and run:
        return f"{server}/{repository}/actions/runs/{run}"
    return next((url for name in CI_URLS if (url := os.environ.get(name))), "")
