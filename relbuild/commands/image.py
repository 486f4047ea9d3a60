"""relbuild image: build the release image, tag it, and push it when asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relbuild.commands import secrets
from relbuild.commands.build import build
from relbuild.commands.session import Session
from relbuild.commands.verification import Verification
from relbuild.engine.docker import ImageFacts
from relbuild.engine.runner import Outcome
from relbuild.errors import CommandFailed, UsageError
from relbuild.image import buildx
from relbuild.image.buildx import Caches
from relbuild.image.plan import Plan
from relbuild.image.platforms import parse
from relbuild.image.tags import split_reference, tags
from relbuild.result import Built

__all__ = ["Caches", "image"]


def image(
    session: Session,
    *,
    release: str | None,
    asked_tags: tuple[str, ...],
    push: bool,
    caches: Caches,
    verify: bool = True,
    bill: str | None = None,
    clean: bool = False,
    reproducible: bool = False,
    platforms: tuple[str, ...] = (),
) -> Built:
    """Build the release image and return its reference and digest; ``platforms`` are instead of relbuild.yml's.

    ``clean`` takes nothing up from earlier builds; ``reproducible`` builds so twice, and compares. The bill of
    materials is written to the file ``bill``. Raises CommandFailed when the build, a check of the image or a push
    fails; until the image has been verified, and the bill written, nothing has a tag.
    """
    plan = session.plan(release, platforms=parse(platforms) if platforms else None)
    names = plan.platforms.names if plan.platforms is not None else ()
    references = tags(plan, asked_tags)
    for note in plan.notes:
        session.warn(note)
    given = secrets.find(plan.builder)
    session.engine.require_builds()
    several = len(names) > 1
    if several and (clean or reproducible):
        raise UsageError(
            "--clean and --reproducible build one platform at a time",
            hint=f"add --platform {names[0]}, then the others",
        )
    if several:
        session.engine.require_indexes(names)
        if verify:
            # Each by itself first: an engine looks into and runs one platform of an image, its own.
            for name in names:
                _verified(session, plan, given, replace(caches, destinations=()), name, references[0])
    verification = Verification(session, plan)
    verified = verify and not several
    exported = verification.begin if verified else None
    candidate = build(session, plan, given, caches, names, clean=clean or reproducible, exported=exported)
    try:
        if reproducible:
            _require_reproducible(session, plan, given, candidate)
        if verified:
            verification.require(candidate, references[0])
        if bill is not None and not session.dry_run:
            from relbuild.commands.sbom import sbom

            sbom(session, candidate, bill)
        for reference in references:
            _succeed(
                session.runner.captured(buildx.tag(candidate, reference, session.endpoint)), f"can't tag {reference}"
            )
    finally:
        session.runner.captured(buildx.untag(candidate, session.endpoint))
    if push:
        for reference in references:
            _push(session, reference)
    return _built(session.engine.built(references[0]), references, push)


def _require_reproducible(session: Session, plan: Plan, given: Mapping[str, str], candidate: str) -> None:
    from relbuild.commands import reproducing

    names = plan.platforms.names if plan.platforms is not None else ()
    again = build(session, plan, given, Caches(), names, clean=True)
    try:
        reproducing.require_same(session, candidate, again)
    finally:
        session.runner.captured(buildx.untag(again, session.endpoint))


def _verified(
    session: Session, plan: Plan, given: Mapping[str, str], caches: Caches, platform: str, reference: str
) -> None:
    """Build the image of one platform, which the image of all takes its steps from, and verify it."""
    verification = Verification(session, plan)
    candidate = build(session, plan, given, caches, (platform,), exported=verification.begin)
    try:
        verification.require(candidate, reference, platform)
    finally:
        session.runner.captured(buildx.untag(candidate, session.endpoint))


def _push(session: Session, reference: str) -> None:
    outcome = session.runner.step(buildx.push(reference, session.endpoint))
    if outcome.exit_code:
        registry = reference.partition("/")[0]
        reason = outcome.tail[-1] if outcome.tail else f"docker exited with {outcome.exit_code}"
        raise CommandFailed(
            f"can't push {reference}: {reason}",
            hint=f"the image is built and tagged here; docker login {registry}, then docker push {reference}",
        )


def _succeed(outcome: Outcome, failure: str) -> None:
    if outcome.exit_code:
        raise CommandFailed(failure, hint="what docker said is above")


def _built(facts: ImageFacts, references: tuple[str, ...], pushed: bool) -> Built:
    repository, _ = split_reference(references[0])
    digest = facts.digest_of(repository)
    reference = f"{repository}@{digest}" if pushed and digest else references[0]
    return Built(reference=reference, id=facts.id, digest=digest, tags=references, pushed=pushed)
