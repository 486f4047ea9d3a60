"""The checks by which an image that is being built is tagged, or isn't."""

from __future__ import annotations

import functools
import hashlib
import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from relbuild import __version__, cache
from relbuild.commands import secrets
from relbuild.commands.session import Session
from relbuild.engine import files
from relbuild.engine.docker import ImageFacts
from relbuild.errors import CommandFailed, Problem
from relbuild.image import checks
from relbuild.image.findings import Finding
from relbuild.image.plan import Plan
from relbuild.image.tags import split_reference
from relbuild.mix.facts import Known

if TYPE_CHECKING:
    from relbuild.commands.look import Look

# Seconds a release has to stop, unless said otherwise; what `relbuild run` gives it.
STOP_TIMEOUT = 30


class Verification:
    """The checks of one image, which is looked into from when the engine has it.

    A build goes on for some time then: the builder writes down what it did, the longer the more builds it remembers.
    What still runs at the end of the ``with`` block is ended. ``stop_timeout`` is how many seconds the release may take
    to stop.
    """

    def __init__(self, session: Session, plan: Plan, stop_timeout: int = STOP_TIMEOUT) -> None:
        self._session = session
        self._plan = plan
        self._stop_timeout = stop_timeout
        self._secrets = secrets.values(plan.builder)
        self._look: Look | None = None

    def __enter__(self) -> Verification:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._look is not None:
            self._look.__exit__(kind, *rest)

    def begin(self, candidate: str) -> None:
        """Start looking into an image that the engine has just been given."""
        from relbuild.commands import look

        facts = self._session.engine.built(candidate)
        # One of another platform is read before it is tried out, for which the build would have to wait.
        if _known(self._path(facts)) is None and not look.is_foreign(self._session, facts):
            self._look = self._begun(candidate, facts)

    def _begun(self, candidate: str, facts: ImageFacts) -> Look:
        from relbuild.commands.around import Around
        from relbuild.commands.look import Look

        layers = self._plan.layers.count(runtime=self._plan.narrowing.runtime is not None)
        return Look(self._session, candidate, facts, Around(), self._secrets, self._stop_timeout, layers)

    def _path(self, facts: ImageFacts) -> Path:
        key = _key(facts.id, tuple(sorted(self._secrets.items())), self._stop_timeout)
        return cache.directory() / "verified" / f"{key}.json"

    def require(self, candidate: str, reference: str, platform: str = "") -> tuple[Finding, ...]:
        """Check the image before it is given the reference; of several, the one of this platform. Return the findings.

        Raises CommandFailed with every failed check and what mends it.
        """
        if self._session.dry_run:
            _dry(self._session, self._plan, candidate, self._stop_timeout)
            return ()
        facts = self._session.engine.built(candidate)
        findings = self._findings(candidate, facts)
        failed = [each for each in findings if each.status == "failed"]
        where = f"{platform}: " if platform else ""
        if failed:
            raise CommandFailed.of(
                Problem(f"the image wasn't tagged: {where}{each.check}: {each.message}", hint=each.mending)
                for each in failed
            )
        compressed = self._session.engine.about().containerd
        findings = (
            *findings,
            checks.size(facts.size, previous(self._session, reference, facts), compressed=compressed),
        )
        for each in findings:
            if each.status == "warning":
                self._session.warn(f"{where}{each.check}: {each.message}; {each.mending}")
            elif each.status == "note" and each.check != "commands":  # what eval lacks, the start lacks too
                self._session.note(f"{where}{each.check}: {each.message}")
        return findings

    def _findings(self, image: str, facts: ImageFacts) -> tuple[Finding, ...]:
        """Return what was found of the very same image before, all being well then; else look into it."""
        path = self._path(facts)
        known = _known(path)
        if known is not None:
            return known
        self._session.note("verifying the image")
        if self._look is None:
            self._look = self._begun(image, facts)
        findings = self._look.findings()
        if not any(each.status == "failed" for each in findings):
            files.remember(path, json.dumps([asdict(each) for each in findings]))
        return findings


def _known(path: Path) -> tuple[Finding, ...] | None:
    with suppress(OSError, ValueError, TypeError):  # not to be read, or cut off: look again
        known = files.read_text(path)
        if known is not None:
            return tuple(Finding(**each) for each in json.loads(known))
    return None


@functools.cache
def _key(image: str, values: tuple[tuple[str, tuple[str, ...]], ...], stop_timeout: int) -> str:
    """Return what the findings depend on, as a name from which no secret can be guessed in reasonable time."""
    told = json.dumps([__version__, image, values, stop_timeout]).encode()
    if not values:
        return hashlib.sha256(told).hexdigest()
    return hashlib.scrypt(told, salt=image.encode(), n=2**14, r=8, p=1, dklen=32).hex()


def previous(session: Session, reference: str, facts: ImageFacts) -> tuple[str, int] | None:
    """Return the name and the size of the image before: what has the name now, else the repository's last one.

    That is the one of the same platform that was given its name last, before this one was: a clean build's own time is
    its commit's.
    """
    now = session.engine.image(reference)
    if now is not None and now.id != facts.id and now.architecture == facts.architecture:
        return reference, now.size
    repository, _ = split_reference(reference)
    others = [
        (found.tagged or listed.created, name, found.size)
        for listed in session.engine.images(repository)
        for name in listed.tags
        if listed.id != facts.id and split_reference(name)[0] == repository
        if (found := session.engine.image(name)) is not None and found.architecture == facts.architecture
    ]
    last = max((each for each in others if not facts.tagged or each[0] <= facts.tagged), default=None)
    return last[1:] if last is not None else None


def _dry(session: Session, plan: Plan, candidate: str, stop_timeout: int) -> None:
    """Have the commands shown that would try the release out."""
    from relbuild.image.shipped import Shipped
    from relbuild.image.trials import Containers
    from relbuild.release.command import ROOT

    version = plan.version.value if isinstance(plan.version, Known) else ""
    release = Shipped(plan.release.name, ROOT, version)
    containers = Containers(candidate, release, "relbuild-verify", endpoint=session.endpoint)
    for argv in containers.all({}, stop_timeout):
        session.runner.step(argv)
