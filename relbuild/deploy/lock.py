"""The lock of a target: one deployment or migration at a time, held by something that the target itself keeps.

A holder renews its lock while it works; one that hasn't done so for ``EXPIRY`` seconds has died, and its lock is free.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

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
