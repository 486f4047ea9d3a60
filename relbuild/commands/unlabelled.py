"""The release in an image that relbuild didn't build, such as that of a Phoenix Dockerfile."""

from __future__ import annotations

import io
import tarfile

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


def _look(session: Session, facts: ImageFacts | ContainerFacts) -> list[tuple[str, str]]:
    roots = boot_script.directories(facts.command, facts.directory)
    if isinstance(facts, ContainerFacts):
        return _scripts(session, facts.id, roots)
    # An image's files are read through a container of it, which is never started.
    created = session.runner.captured((*session.endpoint.docker, "create", "--label", labels.LOOKED_AT, facts.id))
    container = created.stdout.strip()
    if not container:
        raise CommandFailed(f"can't look into the image {facts.id}", hint="--release NAME says which release it holds")
    try:
        return _scripts(session, container, roots)
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
