"""The verification that a build requires, what a trial is given, and the findings that are remembered by image."""

from __future__ import annotations

import functools
import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from relbuild import __version__, cache
from relbuild.commands import secrets
from relbuild.commands.session import Session
from relbuild.commands.variables import Environment, given_environment
from relbuild.engine import files
from relbuild.engine.docker import ImageFacts
from relbuild.errors import CommandFailed, ConfigError, Problem
from relbuild.image.findings import Finding, size
from relbuild.image.plan.plan import Plan
from relbuild.image.plan.tags import split_reference

# relbuild image knows the findings of an image that it has verified before: nothing is read or tried out.
if TYPE_CHECKING:
    from relbuild.commands.checks import Checks

# Seconds a release has to stop, unless said otherwise; what `relbuild run` gives it.
STOP_TIMEOUT = 30


def environment(session: Session, given: Environment) -> Environment:
    """Return what a trial is given: the environment under ``verify`` in relbuild.yml, and over it what options give.

    Raises ConfigError for an env file that isn't there or is faulty.
    """
    config = session.config()
    verify = config.verify
    path = (session.config_file or session.root / "relbuild.yml").parent / (verify.env_file or "")
    if verify.env_file is not None and not path.is_file():
        at = config.marks.get("verify.env_file")
        raise ConfigError(f"verify.env_file: there is no file {path}", at=at, hint="create it, or remove the key")
    words = (name if value is None else f"{name}={value}" for name, value in verify.env.items())
    own = given_environment(
        (word for word in words if "=" in word or word in os.environ),
        (str(path),) if verify.env_file is not None else (),
    )
    return replace(
        given,
        variables={**own.variables, **given.variables},
        inherited=(own.inherited - given.variables.keys()) | given.inherited,
    )


class Verification:
    """The verification that a build requires before its image is tagged; it begins when the engine has the image.

    A build goes on for some time then, while the builder writes down what it did. What still runs at the end of the
    ``with`` block is ended. ``stop_timeout`` is how many seconds the release may take to stop.
    """

    def __init__(self, session: Session, plan: Plan, stop_timeout: int = STOP_TIMEOUT) -> None:
        self._session = session
        self._stop_timeout = stop_timeout
        self._secrets = secrets.values(plan.builder)
        self._given = environment(session, Environment())
        self._plan = plan
        self._checks: Checks | None = None

    def __enter__(self) -> Verification:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._checks is not None:
            self._checks.__exit__(kind, *rest)

    def begin(self, candidate: str) -> None:
        """Begin to verify an image that the engine has just been given."""
        facts = self._session.engine.built(candidate)
        if _known(self._path(facts)) is not None:
            return
        from relbuild.commands.checks import is_foreign

        # One of another platform is read before it is tried out, for which the build would have to wait.
        if not is_foreign(self._session, facts):
            self._checks = self._begun(candidate, facts)

    def _begun(self, candidate: str, facts: ImageFacts) -> Checks:
        from relbuild.commands.checks import Checks

        return Checks(self._session, candidate, facts, self._given, self._secrets, self._stop_timeout)

    def _path(self, facts: ImageFacts) -> Path:
        values = {**self._secrets, **{name: (value,) for name, value in self._given.variables.items()}}
        key = _key(facts.id, tuple(sorted(values.items())), self._stop_timeout)
        return cache.directory() / "verified" / f"{key}.json"

    def require(self, candidate: str, reference: str, platform: str = "") -> tuple[Finding, ...]:
        """Verify the image before it gets the reference; of several, the one of this platform. Return the findings.

        Raises CommandFailed with every failed check and its hint.
        """
        if self._session.dry_run:
            _dry(self._session, self._plan, candidate, self._given, self._stop_timeout)
            return ()
        facts = self._session.engine.built(candidate)
        findings = self._findings(candidate, facts)
        failed = [each for each in findings if each.status == "failed"]
        where = f"{platform}: " if platform else ""
        if failed:
            raise CommandFailed.of(
                Problem(f"the image wasn't tagged: {where}{each.check}: {each.message}", hint=each.hint)
                for each in failed
            )
        findings = (*findings, size_of(self._session, reference, facts))
        for each in findings:
            if each.status == "warning":
                hint = f"; {each.hint}" if each.hint else ""
                self._session.warn(f"{where}{each.check}: {each.message}{hint}")
            elif each.status == "note":
                self._session.note(f"{where}{each.check}: {each.message}")
        return findings

    def _findings(self, image: str, facts: ImageFacts) -> tuple[Finding, ...]:
        """Return the findings of the very same image from an earlier call where none of them failed, else new ones."""
        path = self._path(facts)
        known = _known(path)
        if known is not None:
            return known
        self._session.note("verifying the image")
        if self._checks is None:
            self._checks = self._begun(image, facts)
        findings = self._checks.findings()
        if not any(each.status == "failed" for each in findings):
            files.remember(path, json.dumps([asdict(each) for each in findings]))
        return findings


def _known(path: Path) -> tuple[Finding, ...] | None:
    with suppress(OSError, ValueError, TypeError):  # not to be read, or cut off: verify it again
        known = files.read_text(path)
        if known is not None:
            return tuple(Finding(**each) for each in json.loads(known))
    return None


@functools.cache
def _key(image: str, values: tuple[tuple[str, tuple[str, ...]], ...], stop_timeout: int) -> str:
    """Return what the findings depend on, as a name from which no secret can be guessed in reasonable time."""
    inputs = json.dumps([__version__, image, values, stop_timeout]).encode()
    if not values:
        return hashlib.sha256(inputs).hexdigest()
    return hashlib.scrypt(inputs, salt=image.encode(), n=2**14, r=8, p=1, dklen=32).hex()


def size_of(session: Session, reference: str, facts: ImageFacts) -> Finding:
    """Return an image's size, compared with that of the previous image."""
    compressed = session.engine.about().containerd
    return size(facts.size, previous(session, reference, facts), compressed=compressed)


def previous(session: Session, reference: str, facts: ImageFacts) -> tuple[str, int] | None:
    """Return the name and the size of the previous image: what has the name now, else the repository's last one.

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


def _dry(session: Session, plan: Plan, candidate: str, given: Environment, stop_timeout: int) -> None:
    """Have the commands shown that would try the release out."""
    from relbuild.image.verify.trial import TrialContainer, stand_ins

    values = stand_ins(plan.environment, {**plan.runner.env, **given.variables})
    container = TrialContainer(
        candidate,
        "relbuild-verify",
        env=plan.runner.env,
        stand_ins=values,
        options=given.run_options(),
        endpoint=session.endpoint,
    )
    for argv in container.all(stop_timeout):
        session.runner.step(argv)
