"""relbuild inspect: what an image is made of, what takes the space, how it was built, and what differs from another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from relbuild.commands import place, running
from relbuild.commands.content import content, release
from relbuild.commands.session import Session
from relbuild.engine import files, timelines
from relbuild.engine.archive import Archive
from relbuild.image import contents, debian, labels
from relbuild.image import reference as references
from relbuild.image.build.progress import Timeline
from relbuild.image.difference import Difference, compare
from relbuild.image.inspection import Base, Inspection, environment, visible
from relbuild.image.inspection_data import to_data
from relbuild.image.inspection_text import to_text
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Inspected:
    """An image, how it was built where that is known here, and its difference to another where that was asked for."""

    image: Inspection
    timeline: Timeline | None
    against: Difference | None
    page: str | None = None
    dry_run: bool = False
    exit_code: int = 0

    def text(self) -> str:
        if self.page is not None:
            if self.dry_run:
                return f"would write {self.page}"
            # Its name would follow the page itself in /dev/stdout, and is no file's in a pipe.
            return self.page if Path(self.page).is_file() else ""
        return to_text(self.image, self.timeline, self.against)

    def data(self) -> dict[str, Any]:
        return {**to_data(self.image, self.timeline, self.against), "page": None if self.dry_run else self.page}


def inspect(session: Session, reference: str | None, against: str | None, page: str | None) -> Inspected:
    """Return what an image is made of, the project's newest one by default; write it as a page where one is named.

    Raises UsageError for an image that holds no release and CommandFailed where there is none.
    """
    if page is not None:
        files.require_writable("--html", page)
    for name in (reference, against):
        if name is not None:
            references.require(name)
    image, found = look_into(session, reference or running.newest_image(session))
    difference = None
    if against is not None:
        other, other_found = look_into(session, against)
        difference = compare(other, image, lambda before, after: other_found.same(before, found, after))
    inspected = Inspected(image, timelines.read(image.id), difference, page, session.dry_run)
    if page is not None and not session.dry_run:
        from relbuild.image.page import render

        files.write(Path(page), render(inspected.image, inspected.timeline, inspected.against))
    return inspected


def look_into(session: Session, reference: str) -> tuple[Inspection, Archive]:
    """Return what is found in an image, pulled where it isn't here, and its content."""
    facts = session.engine.image(reference) or place.pull(session, reference)
    found = content(session, facts)
    held = release(found, reference)
    said = found.configuration
    image = Inspection(
        reference=reference,
        id=facts.id,
        created=said.created,
        platform="/".join(filter(None, (said.os, said.architecture))),
        user=said.user,
        command=said.start,
        release=held,
        base=Base(
            said.labels.get(labels.OCI_BASE_NAME),
            said.labels.get(labels.OCI_BASE_DIGEST),
            debian.distribution(found.read),
        ),
        labels=said.labels,
        environment=environment(said.labels),
        layers=found.layers,
        contents=contents.find(found.files, found.read, held, said.labels),
        files=visible(found.files),
    )
    return image, found
