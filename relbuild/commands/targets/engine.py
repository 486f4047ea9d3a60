"""What every kind of target can do; `relbuild deploy` is written in these words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from relbuild.deploy.spec import Deployment
from relbuild.deploy.state import Holder, Record
from relbuild.errors import DeployError
from relbuild.release.place import Place


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a release: ``state`` is starting, healthy, running (nothing checks it), unhealthy or ended.

    ``id`` is its container's or pod's at the engine.
    """

    name: str
    role: str
    state: str
    detail: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """What a target runs: the deployment's digest and revision as its labels have them, and its copies by role."""

    digest: str
    revision: int
    image: str
    version: str
    copies: Sequence[Copy] = ()
    wanted: Mapping[str, int] = field(default_factory=dict)


class TargetEngine(Protocol):
    """One target's engine."""

    def require(self) -> None:
        """Raise EngineError where the engine doesn't answer, is too old, or lacks a right that a deployment needs."""

    def holder(self) -> Holder | None:
        """Return who holds the target's lock."""

    def take_lock(self, holder: Holder) -> Holder | None:
        """Return the lock just taken, with its id, or None where another one was quicker."""

    def renew_lock(self, lock: Holder) -> None:
        """Let others know that the holder still works."""

    def free_lock(self, lock: Holder) -> None:
        """Remove the lock, if it is still this one."""

    def history(self) -> tuple[Record, ...]:
        """Return the records of the target, the newest first."""

    def keep(self, record: Record) -> None:
        """Add a record to the history."""

    def running(self) -> Running | None:
        """Return what runs, None where nothing does."""

    def place(self) -> Place | None:
        """Return where commands of the release run; None where nothing runs."""

    def provide(self, image: str) -> str:
        """Have the image at the target and return the reference under which its engine finds it."""

    def render(self, deployment: Deployment, revision: int) -> str:
        """Return the Compose file, stack or manifests, without the values of secrets."""

    def store_secrets(self, deployment: Deployment, values: Mapping[str, str]) -> None:
        """Keep the secrets of a deployment at the engine."""

    def migrate(self, deployment: Deployment, argv: tuple[str, ...]) -> None:
        """Run a command of the new image to its end, with the new environment; raise DeployError when it fails."""

    def roll_out(self, deployment: Deployment, revision: int) -> None:
        """Replace what runs; raise DeployError when the new version isn't healthy, the old one serving."""

    def prune(self, deployment: Deployment, images: Sequence[str]) -> None:
        """Remove what no deployment needs any more: the secrets that were replaced, and these images."""

    def remove(self) -> tuple[str, ...]:
        """Remove everything of the target but its history, and return the names of what was removed."""

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        """Return the argv that shows what the copies write."""


def failed(what: str, why: str, log: Sequence[str] = (), hint: str | None = None, *, serves: bool) -> DeployError:
    """Return the error of a deployment that failed: what, why, the last lines of the new version's log, what to do."""
    lines = "".join(f"\n  | {line}" for line in log)
    after = "the old version serves" if serves else "no version serves: none did before"
    return DeployError(f"{what}: {why}; {after}{lines}", hint=hint)


def last_lines(session: Any, argv: tuple[str, ...], count: int = 25) -> tuple[str, ...]:
    """Return the last lines that a command prints, such as ``docker logs``."""
    lines: list[str] = []
    session.runner.lines(argv, lambda line: lines.append(line.rstrip()))
    return tuple(lines[-count:])


def to_yaml(document: Mapping[str, Any]) -> str:
    """Return a document as YAML, its keys in their order."""
    import yaml

    return str(yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120))


def engine_time(time: str) -> str:
    """Return a time of an engine, which has nanoseconds, to the second in UTC as ISO 8601."""
    zone = time[-6:] if time[-6:-5] in ("+", "-") else "+00:00"
    return datetime.fromisoformat(time[:19] + zone).astimezone(UTC).isoformat()
