"""relbuild image: build the release image, tag it, and push it when asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from relbuild.commands import candidates, explanation, secrets
from relbuild.commands.build import Request, build
from relbuild.commands.session import Session
from relbuild.commands.unchanged import Inputs
from relbuild.commands.verification import STOP_TIMEOUT, Verification
from relbuild.engine import files
from relbuild.engine.docker import ImageFacts
from relbuild.engine.runner import Outcome
from relbuild.errors import CommandFailed, PassingFault, UsageError
from relbuild.image import buildx
from relbuild.image.buildx import Caches
from relbuild.image.platforms import parse
from relbuild.image.reference import Reference
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
    if bill is not None:
        files.require_writable("--sbom", bill)
    plan = session.plan(release, platforms=parse(platforms) if platforms else None)
    names = plan.platforms.names if plan.platforms is not None else ()
    references = tags(plan, asked_tags)
    for note in explanation.notes(plan):
        session.warn(note)
    request = Request(plan, secrets.find(plan.builder), caches, names, clean=clean or reproducible)
    session.engine.require_builds()
    seconds = stop_timeout if verify else None
    if len(names) > 1:
        _prepare_several(session, request, references[0], seconds)
        seconds = None
    with _candidate(session, request, references[0], seconds) as candidate:
        if reproducible:
            _require_reproducible(session, request, candidate)
        if bill is not None and not session.dry_run:
            from relbuild.commands.sbom import sbom

            sbom(session, candidate, bill)
        _tag(session, candidate, references)
    if push:
        for reference in references:
            _push(session, reference)
    return _built(session.engine.built(references[0]), references, push)


def _prepare_several(session: Session, request: Request, reference: str, stop_timeout: int | None) -> None:
    """Verify the image of each platform by itself: an engine looks into and runs one platform of an image, its own.

    ``stop_timeout`` is None where none is verified. Raises UsageError and EngineError where one image for all of the
    platforms can't be made.
    """
    if request.clean:
        raise UsageError(
            "--clean and --reproducible build one platform at a time",
            hint=f"add --platform {request.platforms[0]}, then the others",
        )
    session.engine.require_indexes(request.platforms)
    if stop_timeout is None:
        return
    caches = replace(request.caches, destinations=())
    for name in request.platforms:
        of_one = replace(request, caches=caches, platforms=(name,))
        with _candidate(session, of_one, reference, stop_timeout, platform=name):
            pass


def _require_reproducible(session: Session, request: Request, candidate: str) -> None:
    from relbuild.commands import reproducing

    again = build(session, replace(request, caches=Caches()))
    try:
        reproducing.require_same(session, candidate, again)
    finally:
        session.runner.captured(buildx.untag(again, session.endpoint))


@contextmanager
def _candidate(
    session: Session, request: Request, reference: str, stop_timeout: int | None, platform: str = ""
) -> Iterator[str]:
    """Give the name under which the image was built, and verified as what will have the reference; then take it away.

    Where nothing has changed it is the id of the image that was built before. ``stop_timeout`` is None where it isn't
    verified. ``platform`` is named in what is said of it: that of an image which the image of all takes its steps from.
    """
    # The image of one of several platforms is not kept.
    build_anyway = request.clean or session.dry_run or request.caches.destinations or platform
    inputs = None if build_anyway else Inputs(session, request)
    # The name is taken away last: an image can't be removed whose containers still run.
    with ExitStack() as ending, Verification(session, request.plan, stop_timeout or STOP_TIMEOUT) as verification:
        before = inputs.image() if inputs is not None else None
        if before is not None:
            session.note("nothing has changed since the image was built")
            if stop_timeout is not None:
                verification.require(before, reference, platform)
            yield before
            return
        candidates.sweep(session, request.plan.release.name)
        exported = None if stop_timeout is None else verification.begin
        candidate = build(session, request, exported)
        ending.callback(session.runner.captured, buildx.untag(candidate, session.endpoint))
        if stop_timeout is not None:
            verification.require(candidate, reference, platform)
        if inputs is not None:
            inputs.keep(session.engine.built(candidate).id)
        yield candidate


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
        from relbuild.image.causes import unanswered

        login = Reference.parse(reference).login
        reason = outcome.tail[-1] if outcome.tail else f"docker exited with {outcome.exit_code}"
        passing = unanswered("\n".join(outcome.tail))
        kind, first = (PassingFault, "when its registry answers") if passing else (CommandFailed, f"{login}, then")
        raise kind(
            f"can't push {reference}: {reason}",
            hint=f"the image is built and tagged here; {first}: docker push {reference}",
        )


def _succeed(outcome: Outcome, failure: str) -> None:
    if outcome.exit_code:
        raise CommandFailed(failure, hint="what docker said is above")


def _built(facts: ImageFacts, references: tuple[str, ...], pushed: bool) -> Built:
    repository, _ = split_reference(references[0])
    digest = facts.digest_of(repository)
    reference = f"{repository}@{digest}" if pushed and digest else references[0]
    return Built(reference=reference, id=facts.id, digest=digest, tags=references, pushed=pushed)
