"""What the checks of an image say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from relbuild.result import TextTable
from relbuild.values import dataclass

Status = Literal["ok", "note", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says; ``mending`` is what to do where it isn't well."""

    check: str
    status: Status
    message: str
    mending: str | None = None


def table(findings: Iterable[Finding]) -> TextTable:
    """Return the findings for people, with the fix below those that need one."""
    rows: list[tuple[str, ...]] = []
    for each in findings:
        rows.append((each.status, each.check, each.message))
        if each.mending is not None and each.status != "ok":
            rows.append(("", "", each.mending))
    return TextTable(tuple(rows))
