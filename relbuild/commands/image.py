"""relbuild image: build the release image, tag it, and push it when asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from relbuild.commands import candidates, secrets
from relbuild.commands.build import build
from relbuild.commands.session import Session
from relbuild.commands.verification import STOP_TIMEOUT, Verification
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
    stop_timeout: int = STOP_TIMEOUT,
    bill: str | None = None,
    clean: bool = False,
    reproducible: bool = False,
    platforms: tuple[str, ...] = (),
) -> Built:
    """Build the release image and return its reference and digest; ``platforms`` are instead of relbuild.yml's.

    ``stop_timeout`` is how many seconds the release may take to stop when it is verified. ``clean`` takes nothing up
    from earlier builds; ``reproducible`` builds so twice, and compares. The bill of materials is written to the file
    ``bill``. Raises CommandFailed when the build, a check of the image or a push fails; until the image has been
    verified, and the bill written, nothing has a tag.
    """
    plan = session.plan(release, platforms=parse(platforms) if platforms else None)
    names = plan.platforms.names if plan.platforms is not None else ()
    references = tags(plan, asked_tags)
    for note in plan.notes:
        session.warn(note)
    given = secrets.find(plan.builder)
    session.engine.require_builds()
    candidates.sweep(session, plan.release.name)
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
                own = replace(caches, destinations=())
                with _candidate(session, plan, given, own, (name,), references[0], stop_timeout, platform=name):
                    pass
    time = stop_timeout if verify and not several else None
    clean = clean or reproducible
    with _candidate(session, plan, given, caches, names, references[0], time, clean=clean) as candidate:
        if reproducible:
            _require_reproducible(session, plan, given, candidate)
        if bill is not None and not session.dry_run:
            from relbuild.commands.sbom import sbom

            sbom(session, candidate, bill)
        _tag(session, candidate, references)
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


@contextmanager
def _candidate(
    session: Session,
    plan: Plan,
    given: Mapping[str, str],
    caches: Caches,
    platforms: tuple[str, ...],
    reference: str,
    stop_timeout: int | None,
    *,
    platform: str = "",
    clean: bool = False,
) -> Iterator[str]:
    """Give the name under which the image was built, and verified as what will have the reference; then take it away.

    ``stop_timeout`` is None where it isn't verified. ``platform`` is named in what is said of it: that of an image
    which the image of all takes its steps from.
    """
    with Verification(session, plan, stop_timeout or STOP_TIMEOUT) as verification:
        exported = None if stop_timeout is None else verification.begin
        candidate = build(session, plan, given, caches, platforms, clean=clean, exported=exported)
        try:
            if stop_timeout is not None:
                verification.require(candidate, reference, platform)
            yield candidate
        finally:
            session.runner.captured(buildx.untag(candidate, session.endpoint))


def _tag(session: Session, candidate: str, references: tuple[str, ...]) -> None:
    """Give the image its names; not those that are its already, as calling the client takes time."""
    own = session.engine.built(candidate).id
    for reference in references:
        now = session.engine.image(reference) if own else None
        if now is None or now.id != own:
            tagged = session.runner.captured(buildx.tag(candidate, reference, session.endpoint))
            _succeed(tagged, f"can't tag {reference}")


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
