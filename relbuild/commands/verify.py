"""relbuild verify: try a release image out and look into it; relbuild image does so before it tags one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from relbuild import __version__, cache
from relbuild.commands.session import Session
from relbuild.engine import files
from relbuild.engine.docker import ImageFacts
from relbuild.errors import CommandFailed, ConfigError, Problem, ProjectError, UsageError
from relbuild.image import checks
from relbuild.image.checks import Finding
from relbuild.image.plan import Plan
from relbuild.image.tags import split_reference
from relbuild.mix.facts import Known
from relbuild.values import dataclass

if TYPE_CHECKING:
    from relbuild.commands.around import Around

# Seconds a release has to stop; what `relbuild run` gives it.
STOP_TIMEOUT = 30


@dataclass(frozen=True, slots=True)
class Verified:
    """An image and what its checks found."""

    reference: str
    id: str
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        return int(any(each.status == "failed" for each in self.findings))

    def text(self) -> str:
        lines = []
        for each in self.findings:
            lines.append(f"{each.status:<8} {each.check:<10} {each.message}")
            if each.mending is not None and each.status != "ok":
                lines.append(f"{'':<20}{each.mending}")
        return "\n".join(lines)

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
    size = checks.size(facts.size, _previous(session, reference, facts))
    return Verified(reference, facts.id, (*findings, size))


def require_verified(session: Session, plan: Plan, candidate: str, reference: str, platform: str = "") -> None:
    """Check an image that was just built, before it is given the reference; of several, the one of this platform.

    Raises CommandFailed with every failed check and what mends it.
    """
    if session.dry_run:
        _dry(session, plan, candidate)
        return
    facts = session.engine.built(candidate)
    secrets = {each.name: os.environ[each.name] for each in plan.builder.all_secrets if each.name in os.environ}
    findings = _remembered(session, candidate, facts, secrets)
    failed = [each for each in findings if each.status == "failed"]
    where = f"{platform}: " if platform else ""
    if failed:
        raise CommandFailed.of(
            Problem(f"the image wasn't tagged: {where}{each.check}: {each.message}", hint=each.mending)
            for each in failed
        )
    size = checks.size(facts.size, _previous(session, reference, facts))
    for each in (*findings, size):
        if each.status == "warning":
            session.warn(f"{where}{each.check}: {each.message}; {each.mending}")
        elif each.status == "note" and each.check != "commands":  # what eval lacks, the start lacks too
            session.note(f"{where}{each.check}: {each.message}")


def _remembered(session: Session, image: str, facts: ImageFacts, secrets: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return what was found of the very same image before, all being well then; else look into it."""
    path = cache.directory() / "verified" / f"{_key(facts, secrets)}.json"
    with contextlib.suppress(OSError, ValueError, TypeError):  # not to be read, or cut off: look again
        known = files.read_text(path)
        if known is not None:
            return tuple(Finding(**each) for each in json.loads(known))
    from relbuild.commands.around import Around
    from relbuild.commands.look import look

    session.note("verifying the image")
    findings = look(session, image, facts, Around(), secrets, STOP_TIMEOUT)
    if not any(each.status == "failed" for each in findings):
        files.remember(path, json.dumps([asdict(each) for each in findings]))
    return findings


def _key(facts: ImageFacts, secrets: Mapping[str, str]) -> str:
    """Return what the findings depend on, as a name from which no secret can be guessed in reasonable time."""
    told = json.dumps([__version__, facts.id, sorted(secrets.items())]).encode()
    if not secrets:
        return hashlib.sha256(told).hexdigest()
    return hashlib.scrypt(told, salt=facts.id.encode(), n=2**14, r=8, p=1, dklen=32).hex()


def _previous(session: Session, reference: str, facts: ImageFacts) -> tuple[str, int] | None:
    """Return the name and the size of the image before: what has the name now, else the newest of the repository."""
    now = session.engine.image(reference)
    if now is not None and now.id != facts.id and now.architecture == facts.architecture:
        return reference, now.size
    repository, _ = split_reference(reference)
    others = [
        (each.created, name)
        for each in session.engine.images(repository)
        for name in each.tags
        if each.id != facts.id and split_reference(name)[0] == repository
    ]
    newest = max(others, default=(0, ""))[1]
    before = session.engine.image(newest) if newest else None
    return None if before is None or before.architecture != facts.architecture else (newest, before.size)


def _secrets_here(session: Session) -> dict[str, str]:
    """Return the values of the secrets that the project here gives its builds, where there is one."""
    try:
        secrets = session.plan().builder.all_secrets
    except (ConfigError, ProjectError, UsageError):
        return {}
    return {each.name: os.environ[each.name] for each in secrets if each.name in os.environ}


def _dry(session: Session, plan: Plan, candidate: str) -> None:
    """Have the commands shown that would try the release out."""
    from relbuild.image.shipped import Shipped
    from relbuild.image.trials import Containers
    from relbuild.release.command import ROOT

    version = plan.version.value if isinstance(plan.version, Known) else ""
    release = Shipped(plan.release.name, ROOT, version)
    containers = Containers(candidate, release, "relbuild-verify", endpoint=session.endpoint)
    for argv in containers.all({}, STOP_TIMEOUT):
        session.runner.step(argv)
