"""What is found out about a release image: its content is read while its release is tried out in containers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from typing import TypeVar

from relbuild.commands import place
from relbuild.commands.around import Around
from relbuild.commands.content import Running, ask
from relbuild.commands.content import content as read
from relbuild.commands.content import release as found
from relbuild.commands.session import Session
from relbuild.engine.archive import Archive
from relbuild.engine.docker import ImageFacts
from relbuild.engine.trial import Trial
from relbuild.image import checks, labels, platforms, upstream
from relbuild.image.checks import Facts
from relbuild.image.findings import Finding
from relbuild.image.inspect import inspection
from relbuild.image.leaks import Leak, Needles, has_cookie, sets_cookie
from relbuild.image.linking import Linker, Unlinked
from relbuild.image.shipped import Shipped
from relbuild.image.trials import Containers, Foreign, Start
from relbuild.release.command import ROOT
from relbuild.values import dataclass

T = TypeVar("T")
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
    secrets: Mapping[str, tuple[str, ...]],
    stop_timeout: int,
) -> tuple[Finding, ...]:
    """Return the findings of an image's checks; ``secrets`` are those that its build was given.

    Raises UsageError when the image holds no release.
    """
    with Look(session, image, facts, around, secrets, stop_timeout) as begun:
        return begun.findings()


class Look:
    """A look into an image: it is read while its release is tried out, from now on until the ``with`` block ends.

    ``release_layers`` is how many of the uppermost layers have the release and nothing else, where the Dockerfile is
    known. Raises UsageError when the image holds no release.
    """

    def __init__(
        self,
        session: Session,
        image: str,
        facts: ImageFacts,
        around: Around,
        secrets: Mapping[str, tuple[str, ...]],
        stop_timeout: int,
        release_layers: int = 0,
    ) -> None:
        self._facts, self._around, self._stop_timeout = facts, around, stop_timeout
        # With labels the release is known at once, and is tried out while the image is read.
        foreign = is_foreign(session, facts)
        content = read(session, facts) if foreign or labels.RELEASE not in facts.labels else None
        release = _labelled(facts) if content is None else found(content, image)
        emulated = _foreign(facts, content) if foreign and content is not None else None
        containers = _containers(session, facts, release, around, emulated)
        self._trial: Trial | None = None
        if session.dry_run:
            for argv in containers.all(facts.env, stop_timeout):
                session.runner.step(argv)
            return
        needles = Needles(secrets)
        # Asked here: the connection for such questions isn't shared with the thread that reads the image. Before there
        # are containers, which would be left running where the engine doesn't answer.
        base = _base(session, facts) if needles else ()
        trial = self._trial = Trial(
            session.runner, containers, image_env=facts.env, values=around.values, stop_timeout=stop_timeout
        )
        running = None
        if release_layers:
            running = Running(containers.starting, release.root, release_layers, lambda: trial.has_ended, trial.held)
        self._held = _begun(lambda: _held(session, facts, image, needles, base, content, running))

    def __enter__(self) -> Look:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._trial is not None:
            self._trial.__exit__(kind, *rest)

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found, when all has been looked into; nothing in a dry run."""
        if self._trial is None:
            return ()
        held = self._held.result()
        judged = Facts(
            shipped=held.release,
            own=labels.BUILT_BY in self._facts.labels,
            user=held.user,
            uid=held.uid,
            debian=held.debian,
            programs=held.programs,
            unlinked=held.unlinked,
            leaks=held.leaks,
            trials=self._trial.result(),
            start=Start(
                self._stop_timeout,
                self._facts.stop_signal,
                frozenset(self._around.variables),
                self._facts.env,
                inspection.environment(self._facts.labels),
            ),
        )
        return checks.check(judged)


def is_foreign(session: Session, facts: ImageFacts) -> bool:
    """Say whether an image is for another platform than the engine's own."""
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


def _begun(action: Callable[[], T]) -> Future[T]:
    """Return what an action will give that is begun now; nothing is left behind of one that isn't awaited."""
    future: Future[T] = Future()

    def act() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=act, daemon=True).start()
    return future


def _base(session: Session, facts: ImageFacts) -> tuple[str, ...]:
    """Return the layers of the image that another one stands on, where the engine has it.

    Not of one that relbuild built: a build's secret may be in it.
    """
    name = upstream.base_reference(facts.labels)
    base = None if name is None else session.engine.image(name)
    return () if base is None or base.id == facts.id or labels.RELEASE in base.labels else base.layers


def _leaks(content: Archive, root: str, needles: Needles, base: tuple[str, ...], own: bool) -> Iterator[Leak]:
    """Yield what must not be in an image, without what only looks like one of its build's secrets."""
    said = content.configuration
    complete = len(said.instructions) == len(content.layers)
    return upstream.sifted(
        content.leaks(root, needles),
        base=upstream.base_layers(said.diff_ids, base, said.instructions if complete else ()),
        instructions=said.instructions if own and complete else (),
        is_packaged=content.is_packaged,
    )


def _held(
    session: Session,
    facts: ImageFacts,
    image: str,
    needles: Needles,
    base: tuple[str, ...],
    content: Archive | None,
    running: Running | None,
) -> Held:
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
            (
                *_leaks(content, release.directory, needles, base, labels.BUILT_BY in facts.labels),
                *_cookies(content, release),
            ),
        )

    # A secret may be in any layer, and isn't remembered: then all of them are read.
    if content is not None:
        return look_into(content)
    return ask(session, facts, look_into, whole=bool(needles), running=running)


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
    mark = session.runner.mark()
    surroundings = around.surroundings(before=() if labels.BUILT_BY in facts.labels else place.NOT_OURS)
    name = "-".join(("relbuild-verify", *filter(None, (mark,))))
    return Containers(facts.id, release, name, surroundings, session.endpoint, foreign)


def _programs(content: Archive, release: Shipped) -> tuple[str, ...]:
    """Return the ELF files that run when the release does."""
    own = content.elf_files(release.directory)
    if any(path.startswith(f"{release.directory}/erts-".lstrip("/")) for path in own):
        return own
    return (*own, *(path for directory in SHARED_ERLANG for path in content.elf_files(directory)))


def _cookies(content: Archive, release: Shipped) -> tuple[Leak, ...]:
    """Return the files that start the VM with a cookie."""
    directory = f"{release.directory}/releases/{release.version}".lstrip("/")
    telling = {"vm.args": has_cookie, "remote.vm.args": has_cookie, "env.sh": sets_cookie}
    return tuple(
        Leak("cookie", path, layer=content.files.layer(path))
        for path, tells in ((f"{directory}/{name}", tells) for name, tells in telling.items())
        if tells(content.read(path) or b"")
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
