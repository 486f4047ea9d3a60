"""The checks of an image: its content is read while its release is tried out in a container."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from relbuild.commands.content import content
from relbuild.commands.content import release as release_of
from relbuild.commands.release_image import NOT_OURS
from relbuild.commands.session import Session
from relbuild.commands.variables import Environment
from relbuild.engine.archive import Archive
from relbuild.engine.docker import ImageFacts
from relbuild.engine.trial import Trial
from relbuild.errors import ProjectError, UsageError
from relbuild.image import labels
from relbuild.image.findings import Finding
from relbuild.image.inspect import inspection
from relbuild.image.inspect.contents import ShippedRelease
from relbuild.image.plan.platforms import foreign_flags
from relbuild.image.verify.boot import TrialSetup
from relbuild.image.verify.checks import CheckedImage, check_image
from relbuild.image.verify.libraries import Linker, Unlinked
from relbuild.image.verify.secrets import Leak, Needles, has_cookie, sets_cookie
from relbuild.image.verify.trial import TEXT, Foreign, TrialContainer, stand_ins
from relbuild.release.boot_script import ROOT
from relbuild.release.place import remove_container

T = TypeVar("T")
# No trial takes this long (seconds).
LONGEST = 3600
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
# Where Erlang is when a release doesn't have its own (include_erts: false).
SHARED_ERLANG = ("usr/lib/erlang", "usr/local/lib/erlang")


class Checks:
    """The checks of an image, which run until ``findings`` returns or the ``with`` block ends.

    ``secrets`` are those that its build was given. Raises UsageError when the image holds no release.
    """

    def __init__(
        self,
        session: Session,
        image: str,
        facts: ImageFacts,
        given: Environment,
        secrets: Mapping[str, tuple[str, ...]],
        stop_timeout: int,
    ) -> None:
        # With labels the release is known at once, and is tried out while the image is read.
        foreign = is_foreign(session, facts)
        archive = content(session, facts) if foreign or labels.RELEASE not in facts.labels else None
        release = _labelled(facts) if archive is None else release_of(archive, image)
        self._setup = replace(_setup(facts, release, given, stop_timeout), source=_source(session))
        container = _container(session, facts, given, self._setup, archive if foreign else None)
        self._trial: Trial | None = None
        if session.dry_run:
            for argv in container.all(stop_timeout):
                session.runner.step(argv)
            return
        _sweep(session)
        self._trial = Trial(session.runner, container, values=given.values, stop_timeout=stop_timeout)
        needles = Needles(secrets)
        self._content = _begun(lambda: _content(archive or content(session, facts), image, needles))

    def __enter__(self) -> Checks:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._trial is not None:
            self._trial.__exit__(kind, *rest)

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings, when all checks have ended; none in a dry run."""
        if self._trial is None:
            return ()
        boot, found = self._trial.result(), self._content.result()
        return check_image(
            CheckedImage(
                user=found.user,
                uid=found.uid,
                debian=found.debian,
                programs=found.programs,
                unlinked=found.unlinked,
                leaks=found.leaks,
                boot=boot,
                setup=replace(self._setup, runtime=found.runtime),
            )
        )


def _source(session: Session) -> Callable[[str], str | None]:
    """Return what reads a file of the project here."""

    def read(path: str) -> str | None:
        with suppress(UsageError, ProjectError):  # no project, or not to be read
            content = session.tree().read(path)
            return None if content is None else content.decode(errors="replace")
        return None

    return read


def _sweep(session: Session) -> None:
    """Remove the containers of trials that a killed relbuild left more than an hour ago."""
    for each in session.engine.containers(labels.TRIAL, stopped=True):
        if time.time() - each.created > LONGEST:
            session.runner.captured(remove_container(each.id, session.endpoint))


def is_foreign(session: Session, facts: ImageFacts) -> bool:
    """Return whether an image is for another platform than the engine's own."""
    return not session.dry_run and facts.architecture not in ("", session.engine.architecture())


def _setup(facts: ImageFacts, release: ShippedRelease, given: Environment, stop_timeout: int) -> TrialSetup:
    contract = inspection.environment(facts.labels)
    env = {**facts.env, **given.variables}
    own = labels.BUILT_BY in facts.labels
    values = dict(stand_ins(contract, env)) if contract is not None else {}
    # An image without releases/COOKIE needs it wherever it runs; those of relbuild make one themselves.
    if not own and "RELEASE_COOKIE" not in env:
        values["RELEASE_COOKIE"] = TEXT
    return TrialSetup(
        stop_timeout,
        root=release.root,
        own=own,
        stop_signal=facts.stop_signal,
        network=given.network is not None,
        given=frozenset(given.variables),
        stand_ins=values,
        contract=contract,
        ports=_ports(facts, {**env, **values}),
    )


def _ports(facts: ImageFacts, env: Mapping[str, str]) -> tuple[int, ...]:
    """Return the TCP ports that a release should listen on: PORT, where it is set, else those of EXPOSE."""
    contract = inspection.environment(facts.labels)
    port = next((each for each in contract.variables if each.name == "PORT"), None) if contract is not None else None
    if port is not None and (value := env.get("PORT", "" if facts.ports else port.shown_default or "")).isdecimal():
        return (int(value),)
    numbers = (each.removesuffix("/tcp") for each in facts.ports)
    return tuple(int(each) for each in numbers if each.isdecimal())


def _container(
    session: Session, facts: ImageFacts, given: Environment, setup: TrialSetup, foreign: Archive | None
) -> TrialContainer:
    return TrialContainer(
        facts.id,
        "-".join(("relbuild-verify", *filter(None, (session.runner.mark(),)))),
        env={**facts.env, **given.variables},
        stand_ins=setup.stand_ins,
        options=given.run_options(before=() if setup.own else NOT_OURS),
        endpoint=session.endpoint,
        foreign=None if foreign is None else _foreign(facts, foreign),
    )


def _foreign(facts: ImageFacts, archive: Archive) -> Foreign:
    """Return how a release is tried out that this engine can only run emulated, if at all."""
    erts = next((match[1] for path in archive.files if (match := ERTS.search(path))), "")
    return Foreign(facts.platform, foreign_flags(facts.architecture, erts))


def _labelled(facts: ImageFacts) -> ShippedRelease:
    label = facts.labels
    return ShippedRelease(label[labels.RELEASE], label.get(labels.ROOT, ROOT), label.get(labels.VERSION, ""))


@dataclass(frozen=True, slots=True)
class _Content:
    """What an image's files say: its user, its distribution's release, what is wrong with it, its runtime.exs."""

    user: str
    uid: int | None
    debian: str | None
    programs: int
    unlinked: tuple[Unlinked, ...]
    leaks: tuple[Leak, ...]
    runtime: str


def _begun(action: Callable[[], T]) -> Future[T]:
    """Return what an action will return that begins now; nothing waits for one whose result isn't awaited."""
    future: Future[T] = Future()

    def act() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=act, daemon=True).start()
    return future


def _content(archive: Archive, image: str, needles: Needles) -> _Content:
    release = release_of(archive, image)
    programs = _programs(archive, release)
    configuration = archive.configuration
    linker = Linker(archive.files, archive.elf, archive.read, configuration.env.get("LD_LIBRARY_PATH", ""))
    directory = f"{release.directory}/releases/{release.version}".lstrip("/")
    runtime = archive.read(f"{directory}/runtime.exs") or archive.read(f"{directory}/releases.exs") or b""
    return _Content(
        configuration.user,
        _uid(archive),
        _debian(archive),
        len(programs),
        linker.unlinked(programs, MACHINES.get(configuration.architecture, "")),
        (*archive.leaks(release.directory, needles), *_cookies(archive, directory)),
        runtime.decode(errors="replace"),
    )


def _programs(archive: Archive, release: ShippedRelease) -> tuple[str, ...]:
    """Return the ELF files that run when the release does."""
    own = archive.elf_files(release.directory)
    if any(path.startswith(f"{release.directory}/erts-".lstrip("/")) for path in own):
        return own
    return (*own, *(path for directory in SHARED_ERLANG for path in archive.elf_files(directory)))


def _cookies(archive: Archive, directory: str) -> tuple[Leak, ...]:
    """Return the files of a release's version that start the VM with a cookie."""
    finders = {"vm.args": has_cookie, "remote.vm.args": has_cookie, "env.sh": sets_cookie}
    return tuple(
        Leak("cookie", path, layer=archive.files.layer(path))
        for path, finds in ((f"{directory}/{name}", finds) for name, finds in finders.items())
        if finds(archive.read(path) or b"")
    )


def _uid(archive: Archive) -> int | None:
    """Return the number of the user the image runs as; None for a name that its /etc/passwd doesn't have."""
    user = archive.configuration.user.partition(":")[0]
    if not user:
        return 0
    if user.isdigit():
        return int(user)
    for line in (archive.read("etc/passwd") or b"").decode(errors="replace").splitlines():
        fields = line.split(":")
        if fields[0] == user and len(fields) > 2 and fields[2].isdigit():
            return int(fields[2])
    return None


def _debian(archive: Archive) -> str | None:
    """Return the codename of the distribution's release; None where the image doesn't say."""
    for line in (archive.read("etc/os-release") or b"").decode(errors="replace").splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip("\"'")
    return None
