"""What the checks of an image say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from relbuild.values import dataclass

Status = Literal["ok", "note", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says; ``mending`` is what to do where it isn't well."""

    check: str
    status: Status
    message: str
    mending: str | None = None


def table(findings: Iterable[Finding]) -> str:
    """Return the findings for people, a line each, with what to do below those that aren't well."""
    lines = []
    for each in findings:
        lines.append(f"{each.status:<8} {each.check:<10} {each.message}")
        if each.mending is not None and each.status != "ok":
            lines.append(f"{'':<20}{each.mending}")
    return "\n".join(lines)
