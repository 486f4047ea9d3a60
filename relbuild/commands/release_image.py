"""Images that hold a release: the project's newest one, a named one, and which release is in one without labels."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from relbuild.commands.session import Session
from relbuild.engine.docker import ContainerFacts, ImageFacts, ListedImage
from relbuild.errors import CommandFailed, PassingFault, UsageError
from relbuild.image import labels
from relbuild.release.boot_script import ROOT, release_of_command, release_roots, releases_in
from relbuild.release.place import remove_container

# The variables that relbuild's images set, for images of others: RELEASE_TMP is in the release by default, which can't
# be written on a read-only root, and without a cap the VM sizes its port table by the limit of open files.
NOT_OURS = ("RELEASE_TMP=/tmp", "ERL_CRASH_DUMP=/tmp/erl_crash.dump", "ERL_MAX_PORTS=65536")


@dataclass(frozen=True, slots=True)
class ReleaseImage:
    """An image that holds a release, with the engine's facts of it."""

    reference: str
    release: str
    root: str
    facts: ImageFacts

    @property
    def env(self) -> tuple[str, ...]:
        """Variables that a container of it needs before all others."""
        return () if labels.BUILT_BY in self.facts.labels else NOT_OURS

    @property
    def environment(self) -> str | None:
        """The contract as its label has it."""
        return self.facts.labels.get(labels.ENVIRONMENT)


def release_image(session: Session, reference: str | None, release: str | None = None) -> ReleaseImage:
    """Return the named image, pulled when the engine lacks it, or the project's newest one.

    Raises UsageError for an image in which no release is found and CommandFailed where there is none.
    """
    if reference is None:
        reference = newest_image(session)
    facts = session.engine.image(reference) or pull(session, reference)
    name, root = release_in(session, reference, facts, release)
    return ReleaseImage(reference, name, root, facts)


def newest_image(session: Session) -> str:
    """Return the newest image of the project; raise CommandFailed when it has none here.

    The newest is the one that was tagged last: a clean build has its commit's timestamp.
    """
    from relbuild.image.plan.tags import image_tags

    plan = session.plan()
    own = image_tags(plan, ())[0]
    images = [
        (own in image.tags, own if own in image.tags else sorted(image.tags)[-1], image)
        for image in session.engine.images(plan.image)
        if image.tags and image.labels.get(labels.RELEASE, plan.release.name) == plan.release.name
    ]
    if not images:
        raise CommandFailed(
            f"there is no image {plan.image} at {session.endpoint}",
            hint="build it: relbuild image; or name another: --on image:REF",
        )
    if len(images) == 1:
        return images[0][1]
    return max((_tagged(session, name, image), is_own, name) for is_own, name, image in images)[2]


def _tagged(session: Session, name: str, image: ListedImage) -> float:
    facts = session.engine.image(name)
    return facts.tagged if facts is not None and facts.tagged else image.created


def pull(session: Session, reference: str) -> ImageFacts:
    """Pull an image and return its facts; raise CommandFailed or PassingFault where it can't be pulled."""
    from relbuild.image.build import buildx
    from relbuild.image.build.causes import unanswered

    outcome = session.runner.step(buildx.pull(reference, session.endpoint))
    facts = session.engine.image(reference)
    if outcome.exit_code or facts is None:
        kind = PassingFault if unanswered("\n".join(outcome.tail)) else CommandFailed
        raise kind(
            f"there is no image {reference} at {session.endpoint}, and it can't be pulled",
            hint=_pull_hint(reference, outcome.tail[-1] if outcome.tail else ""),
        )
    return facts


def _pull_hint(reference: str, message: str) -> str:
    """Return what to do about an image that can't be pulled, by the engine's last message, which is printed already."""
    from relbuild.image.build.causes import without_trust
    from relbuild.image.reference import Reference

    here = "docker image ls shows the images that are here"
    if untrusted := without_trust(Reference.parse(reference).registry, message):
        return untrusted
    if re.search("denied|unauthorized|authentication|no basic auth", message, re.IGNORECASE):
        return f"is the name right? {here}; where it is private: {Reference.parse(reference).login}"
    if re.search("not found|manifest unknown|does not exist|invalid reference", message, re.IGNORECASE):
        return f"is the name right? {here}"
    return f"is the name right? {here}; once its registry answers: docker pull {reference}"


def release_in(
    session: Session, name: str, facts: ImageFacts | ContainerFacts, requested: str | None
) -> tuple[str, str]:
    """Return the name and the root of the release in an image or a container, which ``name`` is called.

    That is what its labels say; without them the boot script that starts it, or the only one in ``bin``. Raises
    UsageError where there is none or several, or another one is requested.
    """
    labelled = facts.labels.get(labels.RELEASE)
    if labelled is not None:
        if requested not in (None, labelled):
            raise UsageError(
                f"{name} holds the release {labelled}, not {requested}", hint=f"leave out --release {requested}"
            )
        return labelled, facts.labels.get(labels.ROOT, ROOT)
    started = release_of_command(facts.command, facts.directory)
    if started is not None and requested in (None, started[0]):
        return started
    found = _releases(session, facts)
    if requested is not None:
        return requested, next((root for each, root in found if each == requested), facts.directory or ROOT)
    if len(found) == 1:
        return found[0]
    what = f"several releases: {', '.join(each for each, _ in found)}" if found else "no release in its bin/"
    raise UsageError(
        f"{name} doesn't say which release it holds: it has no label {labels.RELEASE}, and {what}",
        hint=f"give --release NAME, or add `LABEL {labels.RELEASE}=NAME` to its Dockerfile",
    )


def has_file(session: Session, image: ImageFacts, path: str) -> bool:
    """Return whether an image has a file."""
    with _container_with(session, image) as container:
        return session.engine.archive(container, path) is not None


def _releases(session: Session, facts: ImageFacts | ContainerFacts) -> list[tuple[str, str]]:
    with _container_with(session, facts) as container:
        for root in release_roots(facts.command, facts.directory):
            archive = session.engine.archive(container, f"{root}/bin")
            if archive is not None and (names := releases_in(_files(archive))):
                return [(name, root) for name in names]
    return []


@contextmanager
def _container_with(session: Session, facts: ImageFacts | ContainerFacts) -> Iterator[str]:
    """Give the id of a container with these files: a container itself, or one of the image that is never started."""
    if isinstance(facts, ContainerFacts):
        yield facts.id
        return
    created = session.runner.captured((*session.endpoint.docker, "create", "--label", labels.LOOKED_AT, facts.id))
    container = created.stdout.strip()
    if not container:
        raise CommandFailed(f"can't read the files of the image {facts.id}", hint="--release NAME names its release")
    try:
        yield container
    finally:
        session.runner.captured(remove_container(container, session.endpoint))


def _files(archive: bytes) -> dict[str, bytes]:
    files = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() and member.size < 1 << 20 else None
            if content is not None and member.name.count("/") == 1:
                files[member.name.rpartition("/")[2]] = content.read()
    return files
