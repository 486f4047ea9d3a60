"""Which image or container a release's command runs in."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from relbuild.commands.around import Around
from relbuild.commands.session import Session
from relbuild.engine.docker import ContainerFacts, ImageFacts
from relbuild.engine.runner import Outcome
from relbuild.errors import CommandFailed, UsageError
from relbuild.image import buildx, labels
from relbuild.image.plan import tags
from relbuild.release.command import ROOT, ReleaseCommand
from relbuild.release.target import Container, Image
from relbuild.result import Ran

PLACES = "image:REF or container:NAME"


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """An image that holds a release, by its labels."""

    reference: str
    release: str
    root: str
    migrate: str | None


def release_image(session: Session, reference: str | None) -> ReleaseImage:
    """Return the named image, pulled when it isn't here, or the one the project's plan names.

    Raises UsageError for an image without relbuild's labels and CommandFailed where there is none.
    """
    if reference is None:
        plan = session.plan()
        reference = tags(plan, ())[0]
        facts = session.engine.image(reference)
        if facts is None:
            raise CommandFailed(
                f"there is no image {reference} at {session.endpoint}", hint="build it: relbuild image; or name another"
            )
    else:
        facts = session.engine.image(reference) or _pull(session, reference)
    return _from_labels(reference, facts)


def _pull(session: Session, reference: str) -> ImageFacts:
    outcome = session.runner.step(buildx.pull(reference, session.endpoint))
    facts = session.engine.image(reference)
    if outcome.exit_code or facts is None:
        raise CommandFailed(
            f"there is no image {reference} at {session.endpoint}, and it can't be pulled",
            hint=outcome.tail[-1] if outcome.tail else f"docker pull {reference}",
        )
    return facts


def _from_labels(reference: str, facts: ImageFacts | ContainerFacts) -> ReleaseImage:
    release = facts.labels.get(labels.RELEASE)
    if release is None:
        raise UsageError(
            f"{reference} doesn't say which release it holds: it has no label {labels.RELEASE}",
            hint=f"build it with relbuild image, or add `LABEL {labels.RELEASE}=NAME` to its Dockerfile",
        )
    return ReleaseImage(reference, release, facts.labels.get(labels.ROOT, ROOT), facts.labels.get(labels.MIGRATE))


def run_in_image(session: Session, image: ReleaseImage, command: ReleaseCommand, around: Around) -> Ran:
    """Run a release's command in a one-off container of an image."""
    surroundings = around.surroundings()
    place = Image(image.reference, surroundings, terminal=terminal(), endpoint=session.endpoint)
    return ran(session, place.argv(command), around.values)


def run_on(session: Session, on: str | None, verb: str, args: tuple[str, ...], around: Around) -> Ran:
    """Run a release's command where ``--on`` says: a running container, or a one-off one of an image."""
    kind, _, name = (on or "image:").partition(":")
    if kind == "image" and (name or on is None):
        image = release_image(session, name or None)
        return run_in_image(session, image, ReleaseCommand(image.release, verb, args, image.root), around)
    if kind == "container" and name:
        facts = session.engine.container(name)
        if not facts.running:
            raise CommandFailed(f"the container {name} is {facts.status}", hint=f"docker start {name}")
        labelled = _from_labels(name, facts)
        place = Container(name, terminal=terminal(), endpoint=session.endpoint)
        command = ReleaseCommand(labelled.release, verb, args, labelled.root)
        return ran(session, place.argv(command), around.values)
    raise UsageError(f"--on {on}: there is no such place", hint=f"write --on {PLACES}")


def ran(session: Session, argv: tuple[str, ...], env: dict[str, str]) -> Ran:
    """Run it with relbuild's own streams, or keep its output where the result is to be JSON."""
    if session.as_json:
        outcome: Outcome = session.runner.captured(argv, env=env)
        return Ran(outcome.exit_code, argv, outcome.stdout)
    return Ran(session.runner.attached(argv, env=env).exit_code, argv)


def terminal() -> bool:
    """Tell whether a person sits in front of it."""
    return sys.stdin.isatty() and sys.stdout.isatty()
