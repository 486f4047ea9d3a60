"""What the checks of an image say."""

from __future__ import annotations

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
