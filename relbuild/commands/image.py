"""relbuild image: build the release image, verify it, tag it, and push it with --push."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from relbuild.commands import candidates, explanation, secrets
from relbuild.commands.build import Request, build
from relbuild.commands.session import Session
from relbuild.commands.verification import STOP_TIMEOUT, Verification
from relbuild.engine import files
from relbuild.engine.docker import ImageFacts
from relbuild.errors import CommandFailed, PassingFault, Problem, RelbuildError, UsageError
from relbuild.image.build import buildx
from relbuild.image.build.buildx import Caches
from relbuild.image.findings import Finding
from relbuild.image.plan.platforms import parse_platforms
from relbuild.image.plan.tags import image_tags, split_reference
from relbuild.image.reference import Reference
from relbuild.result import Built

__all__ = ["Caches", "image"]

# Warnings that are shown; all of them are in the JSON.
MOST_WARNINGS = 10
# What a check found, and on which of several platforms.
PlatformFinding = tuple[Finding, str | None]


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
    """Build the release image and return its tags and digest; ``platforms`` override relbuild.yml's.

    ``stop_timeout`` is how many seconds the release may take to stop when it is verified. ``clean`` ignores the build
    cache; ``reproducible`` builds twice so, and compares. The bill of materials is written to the file ``bill``.
    Raises CommandFailed when the build, a check of the image or a push fails; nothing is tagged before the image has
    been verified and the bill written.
    """
    if bill is not None:
        files.require_writable("--sbom", bill)
    plan = session.plan(release, platforms=parse_platforms(platforms) if platforms else None)
    names = plan.platforms.names if plan.platforms is not None else ()
    references = image_tags(plan, asked_tags)
    for note in explanation.notes(plan):
        session.warn(note)
    request = Request(plan, secrets.find(plan.builder), caches, names, clean=clean or reproducible)
    session.engine.require_builds()
    seconds = stop_timeout if verify else None
    findings: tuple[PlatformFinding, ...] = ()
    if len(names) > 1:
        findings = _verify_each(session, request, references[0], seconds)
        seconds = None
    with _candidate(session, request, references[0], seconds) as candidate:
        if reproducible:
            _require_reproducible(session, request, candidate.image)
        if bill is not None and not session.dry_run:
            from relbuild.commands.sbom import sbom

            sbom(session, candidate.image, bill)
        _warn_of(session, candidate.warnings)
        _tag(session, candidate.image, references)
    if push:
        for reference in references:
            _push(session, reference)
    facts = session.engine.built(references[0])
    compressed = not session.dry_run and session.engine.about().containerd
    return Built(
        references=_references(facts, references, push),
        id=facts.id,
        digest=facts.digest_of(split_reference(references[0])[0]),
        tags=references,
        pushed=push,
        size=None if compressed else facts.size,
        packed=facts.size if compressed else None,
        findings=findings or candidate.findings,
        warnings=candidate.warnings,
    )


def _verify_each(
    session: Session, request: Request, reference: str, stop_timeout: int | None
) -> tuple[PlatformFinding, ...]:
    """Verify the image of each platform by itself: an engine reads and runs only one platform of an image.

    ``stop_timeout`` is None where none is verified. Raises UsageError and EngineError where no multi-platform image can
    be made.
    """
    if request.clean:
        raise UsageError(
            "--clean and --reproducible build one platform at a time",
            hint=f"add --platform {request.platforms[0]}, then build the others",
        )
    session.engine.require_indexes(request.platforms)
    found: list[PlatformFinding] = []
    if stop_timeout is not None:
        caches = replace(request.caches, destinations=())
        for name in request.platforms:
            of_one = replace(request, caches=caches, platforms=(name,))
            with _candidate(session, of_one, reference, stop_timeout, platform=name) as candidate:
                found += candidate.findings
    return tuple(found)


def _require_reproducible(session: Session, request: Request, candidate: str) -> None:
    from relbuild.commands import reproducing

    again = build(session, replace(request, caches=Caches())).name
    try:
        reproducing.require_same(session, candidate, again)
    finally:
        session.runner.captured(buildx.untag(again, session.endpoint))


@dataclass(frozen=True, slots=True)
class VerifiedImage:
    """An image that isn't tagged yet: its name or id, what its checks found, and its build's warnings."""

    image: str
    findings: tuple[PlatformFinding, ...]
    warnings: tuple[Problem, ...] = ()


@contextmanager
def _candidate(
    session: Session, request: Request, reference: str, stop_timeout: int | None, platform: str = ""
) -> Iterator[VerifiedImage]:
    """Give the image, built and verified for this reference; then remove the name that it has until it is tagged.

    ``stop_timeout`` is None where it isn't verified. ``platform`` is that of an image which the multi-platform image
    is made from.
    """
    # The name is removed last: an image can't be removed whose containers still run.
    with ExitStack() as ending, Verification(session, request.plan, stop_timeout or STOP_TIMEOUT) as verification:
        candidates.sweep(session, request.plan.release.name)
        exported = None if stop_timeout is None else verification.begin
        built = build(session, request, exported)
        ending.callback(session.runner.captured, buildx.untag(built.name, session.endpoint))
        findings = verification.require(built.name, reference, platform) if stop_timeout is not None else ()
        yield VerifiedImage(built.name, tuple((each, platform or None) for each in findings), built.warnings)


def _warn_of(session: Session, warnings: tuple[Problem, ...]) -> None:
    """Show the compilers' warnings with their places."""
    if warnings:
        count = f"{len(warnings)} warning{'s' * (len(warnings) > 1)}"
        lines = [f"the project compiles with {count}", *map(str, warnings[:MOST_WARNINGS])]
        if len(warnings) > MOST_WARNINGS:
            lines.append(f"and {len(warnings) - MOST_WARNINGS} more")
        session.warn("\n  ".join(lines))


def _tag(session: Session, candidate: str, references: tuple[str, ...]) -> None:
    """Tag the image; a tag that it has already is left alone, as each call of the client takes time."""
    own = session.engine.built(candidate).id
    for reference in references:
        now = session.engine.image(reference) if own else None
        if now is None or now.id != own:
            tagged = session.runner.captured(buildx.tag(candidate, reference, session.endpoint))
            if tagged.exit_code:
                raise CommandFailed(f"can't tag {reference}", hint="docker's output is above")


def _push(session: Session, reference: str) -> None:
    outcome = session.runner.step(buildx.push(reference, session.endpoint))
    if outcome.exit_code:
        from relbuild.image.build.causes import unanswered, without_trust

        output, registry = "\n".join(outcome.tail), Reference.parse(reference)
        reason = outcome.tail[-1] if outcome.tail else f"docker exited with {outcome.exit_code}"
        untrusted = without_trust(registry.registry, output)
        passing = not untrusted and unanswered(output)
        refused = re.search("denied|unauthori[sz]ed|authentication|no basic auth", output, re.IGNORECASE)
        otherwise = f"log in: {registry.login}" if refused else "see what its registry reports above"
        first = untrusted or ("wait until its registry answers" if passing else otherwise)
        kind: type[RelbuildError] = PassingFault if passing else CommandFailed
        raise kind(
            f"can't push {reference}: {reason}",
            hint=f"the image is built and tagged; {first}; then: docker push {reference}",
        )


def _references(facts: ImageFacts, references: tuple[str, ...], pushed: bool) -> tuple[str, ...]:
    """Return what to print: the tags, or where they were pushed each repository with its digest, if it is known."""
    if not pushed:
        return references
    repositories = ((reference, split_reference(reference)[0]) for reference in references)
    digests = ((reference, repository, facts.digest_of(repository)) for reference, repository in repositories)
    return tuple(
        dict.fromkeys(f"{repository}@{digest}" if digest else reference for reference, repository, digest in digests)
    )
