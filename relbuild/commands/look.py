"""What is found out about a release image: its content is read while its release is tried out in containers."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from concurrent.futures import Future

from relbuild.commands import place
from relbuild.commands.around import Around
from relbuild.commands.content import ask
from relbuild.commands.content import content as read
from relbuild.commands.content import release as found
from relbuild.commands.session import Session
from relbuild.engine.archive import Archive
from relbuild.engine.docker import ImageFacts
from relbuild.engine.trial import Trial
from relbuild.image import checks, labels, platforms
from relbuild.image.checks import Facts, Finding
from relbuild.image.leaks import Leak, Needles, has_cookie
from relbuild.image.linking import Linker, Unlinked
from relbuild.image.shipped import Shipped
from relbuild.image.trials import Containers, Foreign
from relbuild.release.command import ROOT
from relbuild.values import dataclass

# An image's architecture as ELF has it.
MACHINES = {
    "amd64": "EM_X86_64",
    "arm64": "EM_AARCH64",
    "arm": "EM_ARM",
    "386": "EM_386",
    "ppc64le": "EM_PPC64",
    "s390x": "EM_S390",
    "riscv64": "EM_RISCV",
}
ERTS = re.compile(r"/erts-([0-9.]+)/bin/")
# Where Erlang is when a release doesn't bring its own (include_erts: false).
SHARED_ERLANG = ("usr/lib/erlang", "usr/local/lib/erlang")


def look(
    session: Session,
    image: str,
    facts: ImageFacts,
    around: Around,
    secrets: Mapping[str, str],
    stop_timeout: int,
    reading: Future[Held] | None = None,
) -> tuple[Finding, ...]:
    """Return the findings of an image's checks; ``secrets`` are those that its build was given.

    ``reading`` is what ``begin`` returned. Raises UsageError when the image holds no release.
    """
    # With labels the release is known at once, and is tried out while the image is read.
    is_foreign = _is_foreign(session, facts)
    content = read(session, facts) if is_foreign or labels.RELEASE not in facts.labels else None
    release = _labelled(facts) if content is None else found(content, image)
    foreign = _foreign(facts, content) if is_foreign and content is not None else None
    containers = _containers(session, facts, release, around, foreign)
    if session.dry_run:
        for argv in containers.all(facts.env, stop_timeout):
            session.runner.step(argv)
        return ()
    with Trial(
        session.runner, containers, image_env=facts.env, values=around.values, stop_timeout=stop_timeout
    ) as trial:
        held = reading.result() if reading else _held(session, facts, image, Needles(secrets), content)
        judged = Facts(
            shipped=held.release,
            own=labels.BUILT_BY in facts.labels,
            user=held.user,
            uid=held.uid,
            debian=held.debian,
            programs=held.programs,
            unlinked=held.unlinked,
            leaks=held.leaks,
            trials=trial.result(),
            stop_timeout=stop_timeout,
            given=bool(around.variables),
        )
    return checks.check(judged)


def _is_foreign(session: Session, facts: ImageFacts) -> bool:
    return not session.dry_run and facts.architecture not in ("", session.engine.architecture())


@dataclass(frozen=True, slots=True)
class Held:
    """What an image's content tells: its release, its user, its distribution's release, and what is wrong with it."""

    release: Shipped
    user: str
    uid: int | None
    debian: str | None
    programs: int
    unlinked: tuple[Unlinked, ...]
    leaks: tuple[Leak, ...]


def begin(session: Session, image: str, facts: ImageFacts, secrets: Mapping[str, str]) -> Future[Held] | None:
    """Start reading an image, unless it has to be read in another way; nothing is left behind of what isn't awaited."""
    if _is_foreign(session, facts):
        return None
    reading: Future[Held] = Future()

    def read() -> None:
        try:
            reading.set_result(_held(session, facts, image, Needles(secrets), None))
        except BaseException as error:
            reading.set_exception(error)

    threading.Thread(target=read, daemon=True).start()
    return reading


def _held(session: Session, facts: ImageFacts, image: str, needles: Needles, content: Archive | None) -> Held:
    def look_into(content: Archive) -> Held:
        release = found(content, image)
        programs = _programs(content, release)
        configuration = content.configuration
        linker = Linker(content.files, content.elf, content.read, configuration.env.get("LD_LIBRARY_PATH", ""))
        return Held(
            release,
            configuration.user,
            _uid(content),
            _debian(content),
            len(programs),
            linker.unlinked(programs, MACHINES.get(configuration.architecture, "")),
            (*content.leaks(release.directory, needles), *_cookies(content, release)),
        )

    # A secret may be in any layer, and isn't remembered: then all of them are read.
    return look_into(content) if content is not None else ask(session, facts, look_into, whole=bool(needles))


def _labelled(facts: ImageFacts) -> Shipped:
    label = facts.labels
    return Shipped(label[labels.RELEASE], label.get(labels.ROOT, ROOT), label.get(labels.VERSION, ""))


def _foreign(facts: ImageFacts, content: Archive) -> Foreign:
    """Return how a release is tried out that this engine can only run emulated, if at all."""
    erts = next((match[1] for path in content.files if (match := ERTS.search(path))), "")
    return Foreign(facts.platform, platforms.foreign_flags(facts.architecture, erts))


def _containers(
    session: Session, facts: ImageFacts, release: Shipped, around: Around, foreign: Foreign | None
) -> Containers:
    mark, owner = session.runner.mark()
    surroundings = around.surroundings(before=() if labels.BUILT_BY in facts.labels else place.NOT_OURS)
    name = "-".join(("relbuild-verify", *filter(None, (mark,))))
    return Containers(facts.id, release, name, owner, surroundings, session.endpoint, foreign)


def _programs(content: Archive, release: Shipped) -> tuple[str, ...]:
    """Return the ELF files that run when the release does."""
    own = content.elf_files(release.directory)
    if any(path.startswith(f"{release.directory}/erts-".lstrip("/")) for path in own):
        return own
    return (*own, *(path for directory in SHARED_ERLANG for path in content.elf_files(directory)))


def _cookies(content: Archive, release: Shipped) -> tuple[Leak, ...]:
    """Return the files that start the VM with a cookie."""
    directory = f"{release.directory}/releases/{release.version}".lstrip("/")
    paths = (f"{directory}/{name}" for name in ("vm.args", "remote.vm.args"))
    return tuple(
        Leak("cookie", path, layer=content.files.layer(path)) for path in paths if has_cookie(content.read(path) or b"")
    )


def _uid(content: Archive) -> int | None:
    """Return the number of the user the image runs as; None for a name that its /etc/passwd doesn't know."""
    user = content.configuration.user.partition(":")[0]
    if not user:
        return 0
    if user.isdigit():
        return int(user)
    for line in (content.read("etc/passwd") or b"").decode(errors="replace").splitlines():
        fields = line.split(":")
        if fields[0] == user and len(fields) > 2 and fields[2].isdigit():
            return int(fields[2])
    return None


def _debian(content: Archive) -> str | None:
    """Return the code name of the distribution's release; None where the image doesn't say."""
    for line in (content.read("etc/os-release") or b"").decode(errors="replace").splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip("\"'")
    return None
