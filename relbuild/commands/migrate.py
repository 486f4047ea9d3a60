"""relbuild migrate: the image's migrate expression in a one-off container, with what the app gets where it runs."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass

from relbuild.commands import oneoff
from relbuild.commands.release_image import ReleaseImage, has_file, release_image
from relbuild.commands.session import Session
from relbuild.commands.targets.open import locked, who
from relbuild.commands.variables import Environment, require_variables
from relbuild.errors import UsageError
from relbuild.image import labels
from relbuild.release.boot_script import ReleaseCommand
from relbuild.release.oneoff import OneOff, lock_name
from relbuild.release.place import ONE_OFF
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
        "no expression that lists pending migrations",
        "relbuild finds pending/0 or status/0 beside migrate/0, and uses Ecto where the project has ecto_sql",
    ),
}


@dataclass(frozen=True, slots=True)
class MigrationRequest:
    """What to do: migrate, go back to a version, or list what is pending; where; and whether to wait for others.

    ``timeout`` is in seconds from its start.
    """

    on: str | None = None
    rollback_to: str | None = None
    pending: bool = False
    wait: bool = False
    release: str | None = None
    timeout: float | None = None


def migrate(session: Session, reference: str | None, given: Environment, request: MigrationRequest) -> Ran:
    """Migrate by the image's labels; no project is needed for it.

    At a target of relbuild.yml it holds the target's lock, as a deployment does. Raises UsageError without such a
    label, CommandFailed when a variable is missing, LockedError while another migration or deployment of the same place
    runs, and TimedOut.
    """
    if request.pending and request.rollback_to is not None:
        raise UsageError("--pending and --rollback-to exclude each other", hint="give one of them")
    context = oneoff.context_at(session, request.on, "migrate") if request.on is not None else None
    if isinstance(context, str):
        if reference is not None:
            raise UsageError(f"{reference} and --on {request.on} both name an image", hint="give one of them")
        reference, context = context, None
    if context is not None:
        session = context.session
        reference = reference or context.image
    image = release_image(session, reference, request.release)
    context = context or oneoff.context_without_place(session, image, given)
    given, copied = context.combine(given)
    if not copied.brings_files:
        require_variables(image, given, "eval")
    name = f"relbuild-pending-{os.urandom(6).hex()}" if request.pending else lock_name("migrate", context.lock)
    spec = OneOff(
        name=name,
        image=image.reference,
        argv=_argv(session, image, request),
        labels={labels.MIGRATION: context.target, labels.MIGRATED_BY: who()},
        # No command takes it for the running system.
        container_labels={ONE_OFF: ""},
        env=given.run_options(before=image.env).env,
        options=copied.options,
        networks=copied.networks,
        endpoint=session.endpoint,
    )
    if request.pending:  # it changes nothing, so that it needs no lock
        return oneoff.run(context, spec, given.values, keep=False, timeout=request.timeout)
    version = image.facts.labels.get(labels.OCI_VERSION, "")
    lock = locked(context.opened, "migrating", version, wait=request.wait) if context.opened else nullcontext()
    with lock:
        return oneoff.run(context, spec, given.values, wait=request.wait, timeout=request.timeout)


def _argv(session: Session, image: ReleaseImage, request: MigrationRequest) -> tuple[str, ...]:
    """Return the program in the container, and its arguments."""
    image_labels = image.facts.labels
    if request.rollback_to is not None:
        from relbuild.mix.migrations import rollback_expression

        if not re.fullmatch(r"[0-9]{1,20}", request.rollback_to):
            raise UsageError(
                f"--rollback-to {request.rollback_to}: a migration's version is a number",
                hint="it stands before the name, as in 20240101120000_create_products",
            )
        expression = rollback_expression(_label(image, image_labels, labels.ROLLBACK), request.rollback_to)
    elif request.pending and labels.PENDING not in image_labels and labels.ECTO_APPLICATIONS in image_labels:
        from relbuild.mix.migrations import pending_expression

        expression = pending_expression(image_labels[labels.ECTO_APPLICATIONS].split())
    elif request.pending:
        expression = _label(image, image_labels, labels.PENDING)
    elif labels.MIGRATE_COMMAND in image_labels:
        return (f"{image.root}/{image_labels[labels.MIGRATE_COMMAND]}",)
    elif labels.MIGRATE not in image_labels and _has_phoenix_command(session, image):
        return (_phoenix_command(image),)
    else:
        expression = _label(image, image_labels, labels.MIGRATE)
    return ReleaseCommand(image.release, "eval", (expression,), image.root).argv


def _phoenix_command(image: ReleaseImage) -> str:
    """Return the path of Phoenix's own migrate command, for an image without labels."""
    from relbuild.mix.migrations import OVERLAY

    return f"{image.root}/{OVERLAY}"


def _has_phoenix_command(session: Session, image: ReleaseImage) -> bool:
    return labels.BUILT_BY not in image.facts.labels and has_file(session, image.facts, _phoenix_command(image))


def _label(image: ReleaseImage, image_labels: Mapping[str, str], label: str) -> str:
    if label not in image_labels:
        what, hint = MISSING[label]
        raise UsageError(f"the image {image.reference} has {what}", hint=hint)
    return image_labels[label]
