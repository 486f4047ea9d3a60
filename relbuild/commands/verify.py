"""relbuild verify: try a release image out and look into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from relbuild.commands.session import Session
from relbuild.commands.verification import previous
from relbuild.errors import ConfigError, ProjectError, UsageError
from relbuild.image import checks
from relbuild.image.findings import Finding, table
from relbuild.result import TextTable
from relbuild.values import dataclass

if TYPE_CHECKING:
    from relbuild.commands.around import Around


@dataclass(frozen=True, slots=True)
class Verified:
    """An image and what its checks found."""

    reference: str
    id: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        return int(any(each.status == "failed" for each in self.findings))

    def text(self) -> TextTable:
        return table(self.findings)

    def data(self) -> dict[str, Any]:
        findings = [asdict(each) for each in self.findings]
        return {"reference": self.reference, "id": self.id, "findings": findings}


def verify(session: Session, reference: str | None, around: Around, stop_timeout: int) -> Verified:
    """Check a release image, the project's newest one by default, and return what was found.

    Raises UsageError for an image that holds no release and CommandFailed where there is none.
    """
    from relbuild.commands import place, running
    from relbuild.commands.look import look

    reference = reference or running.newest_image(session)
    facts = session.engine.image(reference) or place.pull(session, reference)
    findings = look(session, reference, facts, around, _secrets_here(session), stop_timeout)
    compressed = session.engine.about().containerd
    size = checks.size(facts.size, previous(session, reference, facts), compressed=compressed)
    return Verified(reference, facts.id, (*findings, size))


def _secrets_here(session: Session) -> Mapping[str, tuple[str, ...]]:
    """Return the values of the secrets that the project here gives its builds, where there is one."""
    from relbuild.commands import secrets

    try:
        return secrets.values(session.plan().builder)
    except (ConfigError, ProjectError, UsageError):
        return {}
