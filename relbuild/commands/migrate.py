"""relbuild migrate: the image's migrate expression in a one-off container, with what the app gets where it runs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from relbuild.commands import needs, oneoff
from relbuild.commands.around import Around
from relbuild.commands.place import ReleaseImage, release_image
from relbuild.commands.session import Session
from relbuild.commands.surroundings import anywhere, beside
from relbuild.commands.targets.open import who
from relbuild.errors import UsageError
from relbuild.image import labels
from relbuild.release.command import ReleaseCommand
from relbuild.release.oneoff import lock_name
from relbuild.release.target import ONE_OFF
from relbuild.result import Ran

MISSING = {
    labels.MIGRATE: (
        "no migrate expression",
        "relbuild finds migrate/0 in a module named *.Release or *.ReleaseTasks below lib/; "
        "for another write `migrate: Module.function()` into relbuild.yml; then build the image again",
    ),
    labels.ROLLBACK: (
        "no rollback expression",
        "relbuild finds rollback(version) and rollback(repo, version) beside migrate/0; "
        "for another: relbuild eval 'Module.function(…)'",
    ),
    labels.PENDING: (
        "nothing that tells what is pending",
        "relbuild finds pending/0 or status/0 beside migrate/0, and asks Ecto where the project has ecto_sql",
    ),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be done: migrate, go back to a version, or tell what is pending; where; and whether to wait.

    ``timeout`` are the seconds that it may run once it has begun.
    """

    on: str | None = None
    rollback_to: str | None = None
    pending: bool = False
    wait: bool = False
    release: str | None = None
    timeout: float | None = None


def migrate(session: Session, reference: str | None, given: Around, asked: Asked) -> Ran:
    """Migrate with what the image's labels say; no project is needed for it.

    Raises UsageError when they don't say it, CommandFailed when it lacks a variable, LockedError while another
    migration of the same target runs, and TimedOut.
    """
    if asked.pending and asked.rollback_to is not None:
        raise UsageError("--pending and --rollback-to exclude each other", hint="give one of them")
    place = beside(session, asked.on, "migrate") if asked.on is not None else None
    if isinstance(place, str):
        if reference is not None:
            raise UsageError(f"{reference} and --on {asked.on} both name an image", hint="give one of them")
        reference, place = place, None
    if place is not None:
        session = place.session
        reference = reference or place.image
    image = release_image(session, reference, asked.release)
    place = place or anywhere(session, image, given)
    given, copied = place.with_also(given)
    if not copied.brings_files:
        needs.require(image, given, "eval")
    one_off = place.kind(
        name=f"relbuild-pending-{os.urandom(6).hex()}" if asked.pending else lock_name("migrate", place.lock),
        image=image.reference,
        argv=_argv(session, image, asked),
        labels={labels.MIGRATION: place.target, labels.MIGRATED_BY: who()},
        # It is none of the app's own: no command may take it for the running system.
        container_labels={ONE_OFF: ""},
        env=given.surroundings(before=image.env).env,
        options=copied.options,
        networks=copied.networks,
        endpoint=session.endpoint,
    )
    # To look is no migration: others may run at the same time, and nobody looks for its log.
    lock = oneoff.Lock(place.target, asked.wait, keep=not asked.pending, timeout=asked.timeout)
    return oneoff.run(session, one_off, given.values, lock)


def _argv(session: Session, image: ReleaseImage, asked: Asked) -> tuple[str, ...]:
    """Return the program in the container, and its arguments."""
    said = image.facts.labels
    if asked.rollback_to is not None:
        from relbuild.mix.migrations import VERSION

        if not re.fullmatch(r"[0-9]{1,20}", asked.rollback_to):
            raise UsageError(
                f"--rollback-to {asked.rollback_to}: a migration's version is a number",
                hint="it stands before the name, as in 20240101120000_create_products",
            )
        expression = _label(image, said, labels.ROLLBACK).replace(VERSION, asked.rollback_to)
    elif asked.pending:
        expression = _label(image, said, labels.PENDING)
    elif labels.MIGRATE_COMMAND in said:
        return (f"{image.root}/{said[labels.MIGRATE_COMMAND]}",)
    elif labels.MIGRATE not in said and _has_own(session, image):
        return (_own(image),)
    else:
        expression = _label(image, said, labels.MIGRATE)
    return ReleaseCommand(image.release, "eval", (expression,), image.root).argv


def _own(image: ReleaseImage) -> str:
    """Return where Phoenix's own command lies in an image that says nothing."""
    from relbuild.mix.migrations import OVERLAY

    return f"{image.root}/{OVERLAY}"


def _has_own(session: Session, image: ReleaseImage) -> bool:
    from relbuild.commands.unlabelled import has_file

    return labels.BUILT_BY not in image.facts.labels and has_file(session, image.facts, _own(image))


def _label(image: ReleaseImage, said: Mapping[str, str], label: str) -> str:
    if label not in said:
        what, hint = MISSING[label]
        raise UsageError(f"the image {image.reference} carries {what}", hint=hint)
    return said[label]
