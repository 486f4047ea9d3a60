"""What a target itself keeps: the records of its deployments, and its lock.

One deployment or migration holds the lock at a time. A holder renews it while it works; one that hasn't done so for
``EXPIRY`` seconds has died, and its lock is free.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from relbuild.errors import UsageError

# A target keeps as many records.
LENGTH = 20


@dataclass(frozen=True, slots=True)
class Record:
    """One deployment of a target: ``revision`` counts from 1, ``at`` is in UTC as ISO 8601, ``image`` has its digest.

    ``digest`` is the deployment's own (``Deployment.digest``); ``commit`` and ``url`` are empty where nobody gave them.
    """

    revision: int
    version: str
    image: str
    at: str
    by: str
    digest: str = ""
    commit: str = ""
    url: str = ""
    outcome: str = "deployed"

    def json(self) -> str:
        """Return the record as one line."""
        return json.dumps({name: value for name, value in asdict(self).items() if value != ""}, sort_keys=True)

    @classmethod
    def parse(cls, text: str) -> Record:
        """Return the record of a line; keys of later versions of relbuild are ignored."""
        data: Mapping[str, object] = json.loads(text)
        return cls(**{name: value for name, value in data.items() if name in cls.__slots__})  # type: ignore[arg-type]


def in_order(records: Iterable[Record]) -> tuple[Record, ...]:
    """Return the records, the newest first."""
    return tuple(sorted(records, key=lambda each: each.revision, reverse=True))


def outdated(records: Sequence[Record]) -> tuple[Record, ...]:
    """Return the records of a history, the newest first, that it no longer needs to keep."""
    return tuple(records[LENGTH:])


def old_images(records: Sequence[Record], keep: int) -> tuple[str, ...]:
    """Return the images of a history, the newest first, but the last ``keep`` of those that served."""
    served = tuple(dict.fromkeys(each.image for each in records if each.outcome == "deployed"))
    return tuple(each for each in dict.fromkeys(each.image for each in records) if each not in served[:keep])


def choose_rollback(records: Sequence[Record], wanted: str | None, running: int | None, target: str) -> Record:
    """Return what to go back to: the version or revision named, else the one that served before the running one.

    Raises UsageError where there is none.
    """
    served = [each for each in records if each.outcome == "deployed"]
    if wanted is not None:
        found = next((each for each in served if wanted in (each.version, str(each.revision))), None)
        if found is None:
            known = ", ".join(dict.fromkeys(each.version for each in served)) or "none"
            raise UsageError(
                f"{wanted} was never deployed to {target}",
                hint=f"relbuild history {target} lists what was: {known}",
            )
        return found
    now = next((each for each in served if each.revision == running), None)
    before = [each for each in served if running is None or each.revision < running]
    other = next((each for each in before if now is None or each.image != now.image), None)
    if other is None:
        raise UsageError(
            f"nothing was deployed to {target} before what runs there now",
            hint=f"relbuild history {target} lists what was deployed",
        )
    return other


def age(at: str, now: datetime) -> str:
    """Return how long ago a time was, for people: ``3 minutes``."""
    seconds = max(0, int((now - datetime.fromisoformat(at)).total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


# Seconds between two renewals, and after which a lock that isn't renewed is free: several renewals may fail.
HEARTBEAT, EXPIRY = 15, 90


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock: ``by`` is USER@HOST, ``since`` and ``beat`` are UTC as ISO 8601, ``url`` is the CI's job.

    ``id`` names the lock itself at its engine, so that a later holder's lock isn't removed in its place.
    """

    by: str
    doing: str
    since: str
    version: str = ""
    url: str = ""
    beat: str = ""
    id: str = ""

    def json(self) -> str:
        """Return the holder as one line, without what the engine knows."""
        kept = {name: value for name, value in asdict(self).items() if value and name not in ("id", "beat")}
        return json.dumps(kept, sort_keys=True)

    @classmethod
    def parse(cls, text: str, beat: str = "", id: str = "") -> Holder:  # noqa: A002
        """Return the holder that a lock names; ``beat`` is its last renewal, if any."""
        data = {name: str(value) for name, value in json.loads(text).items() if name in cls.__slots__}
        return cls(**{"by": "somebody", "doing": "deploying", "since": beat, **data, "beat": beat, "id": id})

    def expired(self, now: datetime) -> bool:
        """Return whether the holder has died: it hasn't renewed its lock for too long, by the engine's own clock."""
        last = self.beat or self.since
        return datetime.fromisoformat(last) + timedelta(seconds=EXPIRY) < now

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        url = f" ({self.url})" if self.url else ""
        return f"{self.by} has been {self.doing}{version} since {self.since}{url}"


def lock_name(name: str) -> str:
    """Return what the lock of a deployment's name is called on every engine."""
    return f"relbuild-lock-{name}"
