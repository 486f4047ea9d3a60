"""The release in an image that relbuild didn't build, such as that of a Phoenix Dockerfile."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager

from relbuild.commands.session import Session
from relbuild.engine.docker import ContainerFacts, ImageFacts
from relbuild.errors import CommandFailed, UsageError
from relbuild.image import labels
from relbuild.release import boot_script
from relbuild.release.target import remove_container


def release(session: Session, name: str, facts: ImageFacts | ContainerFacts, asked: str | None) -> tuple[str, str]:
    """Return the release's name and root by what starts it, or by the boot scripts in ``bin``.

    Raises UsageError when neither tells, or when there are several.
    """
    told = boot_script.from_command(facts.command, facts.directory)
    if told is not None and asked in (None, told[0]):
        return told
    found = _look(session, facts)
    if asked is not None:
        return asked, next((root for each, root in found if each == asked), facts.directory or "/app")
    if len(found) == 1:
        return found[0]
    what = f"several releases: {', '.join(each for each, _ in found)}" if found else "no release in its bin/"
    raise UsageError(
        f"{name} doesn't say which release it holds: it has no label {labels.RELEASE}, and {what}",
        hint=f"give --release NAME, or add `LABEL {labels.RELEASE}=NAME` to its Dockerfile",
    )


def has_file(session: Session, image: ImageFacts, path: str) -> bool:
    """Tell whether an image has a file."""
    with _looked_into(session, image) as container:
        return session.engine.archive(container, path) is not None


def _look(session: Session, facts: ImageFacts | ContainerFacts) -> list[tuple[str, str]]:
    roots = boot_script.directories(facts.command, facts.directory)
    with _looked_into(session, facts) as container:
        return _scripts(session, container, roots)


@contextmanager
def _looked_into(session: Session, facts: ImageFacts | ContainerFacts) -> Iterator[str]:
    """Give the id of a container with these files: a container itself, or one of the image that is never started."""
    if isinstance(facts, ContainerFacts):
        yield facts.id
        return
    created = session.runner.captured((*session.endpoint.docker, "create", "--label", labels.LOOKED_AT, facts.id))
    container = created.stdout.strip()
    if not container:
        raise CommandFailed(f"can't look into the image {facts.id}", hint="--release NAME says which release it holds")
    try:
        yield container
    finally:
        session.runner.captured(remove_container(container, session.endpoint))


def _scripts(session: Session, container: str, roots: tuple[str, ...]) -> list[tuple[str, str]]:
    for root in roots:
        archive = session.engine.archive(container, f"{root}/bin")
        if archive is not None and (names := boot_script.from_files(_files(archive))):
            return [(name, root) for name in names]
    return []


def _files(archive: bytes) -> dict[str, bytes]:
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() and member.size < 1 << 20 else None
            if content is not None and member.name.count("/") == 1:
                files[member.name.rpartition("/")[2]] = content.read()
    return files
