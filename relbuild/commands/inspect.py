"""relbuild inspect: what an image holds, how it was built, and its differences from another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from relbuild.commands.content import content, release
from relbuild.commands.release_image import newest_image, pull
from relbuild.commands.session import Session
from relbuild.engine import files, timelines
from relbuild.engine.archive import Archive
from relbuild.image import labels
from relbuild.image import reference as references
from relbuild.image.build.progress import Timeline
from relbuild.image.inspect.contents import read_contents, read_distribution
from relbuild.image.inspect.difference import ImageDifference, compare
from relbuild.image.inspect.inspection import BaseImage, Inspection, environment, visible
from relbuild.image.inspect.report import to_data, to_text
from relbuild.result import Content


@dataclass(frozen=True, slots=True)
class Inspected:
    """An image, how it was built if that is known here, and with --against its differences from another."""

    image: Inspection
    timeline: Timeline | None
    against: ImageDifference | None
    page: str | None = None
    dry_run: bool = False
    exit_code: int = 0

    def text(self) -> Content:
        if self.page is not None:
            if self.dry_run:
                return f"would write {self.page}"
            # In /dev/stdout or a pipe the name would follow the page itself.
            return self.page if Path(self.page).is_file() else ""
        return to_text(self.image, self.timeline, self.against)

    def data(self) -> dict[str, Any]:
        return {**to_data(self.image, self.timeline, self.against), "page": None if self.dry_run else self.page}


def inspect(session: Session, reference: str | None, against: str | None, page: str | None) -> Inspected:
    """Return what an image holds, by default the project's newest one; write a page if ``page`` names a file.

    Raises UsageError for an image that holds no release and CommandFailed where there is none.
    """
    if page is not None:
        files.require_writable("--html", page)
    for name in (reference, against):
        if name is not None:
            references.require(name)
    image, found = look_into(session, reference or newest_image(session))
    difference = None
    if against is not None:
        other, other_found = look_into(session, against)
        difference = compare(other, image, lambda before, after: other_found.same(before, found, after))
    inspected = Inspected(image, timelines.read(image.id), difference, page, session.dry_run)
    if page is not None and not session.dry_run:
        from relbuild.image.inspect.page import render

        files.write(Path(page), render(inspected.image, inspected.timeline, inspected.against))
    return inspected


def look_into(session: Session, reference: str) -> tuple[Inspection, Archive]:
    """Return an inspected image, pulled if it isn't here, and its content."""
    facts = session.engine.image(reference) or pull(session, reference)
    found = content(session, facts)
    held = release(found, reference)
    configuration = found.configuration
    image = Inspection(
        reference=reference,
        id=facts.id,
        created=configuration.created,
        platform="/".join(filter(None, (configuration.os, configuration.architecture))),
        user=configuration.user,
        command=configuration.start,
        release=held,
        base=BaseImage(
            configuration.labels.get(labels.OCI_BASE_NAME),
            configuration.labels.get(labels.OCI_BASE_DIGEST),
            read_distribution(found.read),
        ),
        labels=configuration.labels,
        environment=environment(configuration.labels),
        layers=found.layers,
        contents=read_contents(found.files, found.read, held, configuration.labels),
        files=visible(found.files),
    )
    return image, found
