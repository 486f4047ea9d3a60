"""What was deployed to a target, when and by whom: the records that the target itself keeps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

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
