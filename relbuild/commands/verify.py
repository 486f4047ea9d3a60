"""relbuild verify: boot a release image and check its content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from relbuild.commands.session import Session
from relbuild.errors import ConfigError, ProjectError, UsageError
from relbuild.image.findings import Finding, table
from relbuild.result import TextTable

if TYPE_CHECKING:
    from relbuild.commands.variables import Environment


@dataclass(frozen=True, slots=True)
class Verified:
    """An image and the findings of its checks."""

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


def verify(session: Session, reference: str | None, given_variables: Environment, stop_timeout: int) -> Verified:
    """Check a release image, the project's newest one by default, and return the findings.

    Raises UsageError for an image that holds no release and CommandFailed where there is none.
    """
    from relbuild.commands.checks import Checks
    from relbuild.commands.release_image import newest_image, pull
    from relbuild.commands.verification import environment, size_of

    reference = reference or newest_image(session)
    facts = session.engine.image(reference) or pull(session, reference)
    given = environment(session, given_variables)
    with Checks(session, reference, facts, given, _secrets_here(session), stop_timeout) as checks:
        findings = checks.findings()
    return Verified(reference, facts.id, (*findings, size_of(session, reference, facts)))


def _secrets_here(session: Session) -> Mapping[str, tuple[str, ...]]:
    """Return the values of the secrets that the project here gives its builds, where there is one."""
    from relbuild.commands import secrets

    try:
        return secrets.values(session.plan().builder)
    except (ConfigError, ProjectError, UsageError):
        return {}
