"""What was found out about an image, judged: findings, each with what mends it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from relbuild.image.sizes import shown
from relbuild.values import dataclass

# relbuild image knows what was found of an image that it has verified before: nothing is looked into.
if TYPE_CHECKING:
    from relbuild.image.leaks import Leak
    from relbuild.image.linking import Unlinked
    from relbuild.image.shipped import Shipped
    from relbuild.image.trials import Boot, Trials

Status = Literal["ok", "note", "warning", "failed"]
# Applications of OTP that most releases only carry along; what they lack is missed when they are used.
SELDOM_USED = ("wx", "odbc")
# An image that grew by more than this factor and this many bytes has something in it that nobody meant to ship.
GROWTH, GROWTH_BYTES = 1.25, 20_000_000
READ_ONLY = re.compile(r"read-only file system|\berofs\b", re.IGNORECASE)
COOKIE_FILE = "/.erlang.cookie"
OTHER_MACHINE = re.compile(r"exec format error", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says; ``mending`` is what to do where it isn't well."""

    check: str
    status: Status
    message: str
    mending: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found out about an image.

    ``own`` tells that relbuild built it, ``given`` that the release was started with an environment of the user's.
    ``debian`` is the release of the distribution in it, ``programs`` how many ELF files the release has, and
    ``stop_timeout`` how many seconds it had to stop.
    """

    shipped: Shipped
    own: bool
    user: str
    uid: int | None
    debian: str | None
    programs: int
    unlinked: tuple[Unlinked, ...]
    leaks: tuple[Leak, ...]
    trials: Trials
    stop_timeout: int
    given: bool = False


def check(facts: Facts) -> tuple[Finding, ...]:
    """Return the findings, by check."""
    from relbuild.image import leak_findings

    return (
        *_libraries(facts),
        *_user(facts),
        *_commands(facts),
        *_boot(facts),
        *leak_findings.judged(facts.leaks, own=facts.own),
    )


def size(size: int, previous: tuple[str, int] | None) -> Finding:
    """Return how an image's size in bytes compares with that of the image before."""
    if previous is None:
        return Finding("size", "note", shown(size))
    name, before = previous
    more = size - before
    change = f"{shown(abs(more))} {'more' if more > 0 else 'less'} than {name}" if more else f"as {name} was"
    if more > GROWTH_BYTES and size > before * GROWTH:
        return Finding("size", "warning", f"{shown(size)}, {change}", "docker history shows which layer grew")
    return Finding("size", "note", f"{shown(size)}, {change}")


def _libraries(facts: Facts) -> Iterator[Finding]:
    wrong = list(_unlinked(facts))
    yield from wrong
    if not any(each.status == "failed" for each in wrong):
        yield Finding("libraries", "ok", f"{facts.programs} programs and shared objects find what they are linked to")


def _unlinked(facts: Facts) -> Iterator[Finding]:
    """Yield a finding for each thing that is missing, with the files that miss it."""
    groups: dict[tuple[str, tuple[str, ...], str, bool], list[Unlinked]] = {}
    for each in facts.unlinked:
        application = re.match(r".*/lib/([a-z]\w*)-[^/]+/priv/", each.file)
        seldom = application is not None and application[1] in SELDOM_USED
        groups.setdefault((each.kind, each.missing, each.at, seldom), []).append(each)
    for (kind, missing, at, seldom), group in groups.items():
        files = [f"/{each.file}" for each in group]
        who = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
        by = group[0].by
        through = f" (through /{by})" if by != group[0].file else ""
        verb = "needs" if len(files) == 1 else "need"
        if kind == "machine":
            yield Finding(
                "libraries",
                "warning",
                f"{who}: built for another machine ({missing[0].removeprefix('EM_')})",
                "nothing is to be done where the dependency brings it for several; else leave _build and deps to the "
                ".dockerignore",
            )
            continue
        lacks = {
            "library": f"{missing[0]}, which the image doesn't have",
            "interpreter": f"{missing[0]} to start, which the image doesn't have",
            "version": f"{', '.join(missing)} of /{at}, which is older",
        }[kind]
        status: Status = "warning" if seldom else "failed"
        yield Finding("libraries", status, f"{who} {verb} {lacks}{through}", _linking(facts, kind, missing))


def _linking(facts: Facts, kind: str, missing: tuple[str, ...]) -> str:
    if kind == "version":
        return (
            "builder and runner must be of the same distribution's release"
            + ("; " if not facts.own else ": debian: in relbuild.yml decides both; ")
            + "a precompiled NIF made on a newer one has to be compiled in the build"
        )
    if "musl" in missing[0]:
        return "it was made for Alpine (musl): have it compiled in the build, or for Debian (glibc)"
    from relbuild.image import libraries

    package = libraries.package(missing[0], facts.debian) if kind == "library" else None
    if facts.own:
        return f"add to relbuild.yml: runner: {{packages: [{package or 'THE PACKAGE THAT HAS IT'}]}}"
    return f"install {package or 'the package that has it'} in the Dockerfile's last stage"


def _user(facts: Facts) -> Iterator[Finding]:
    if facts.uid == 0:
        yield Finding(
            "user",
            "failed",
            "it runs as root" + ("" if facts.user else ": it names no user"),
            "add USER with a numeric id, such as USER 10001:10001, to the Dockerfile's last stage",
        )
    elif facts.uid is None:
        yield Finding(
            "user",
            "failed",
            f"it runs as {facts.user}, whom /etc/passwd in the image doesn't know",
            "name the user by number: USER 10001:10001",
        )
    else:
        yield Finding("user", "ok", f"it runs as {facts.user}")


def _commands(facts: Facts) -> Iterator[Finding]:
    shipped, trials = facts.shipped, facts.trials
    words = f"{shipped.name} {shipped.version}"
    if OTHER_MACHINE.search(trials.version.output):
        yield Finding("commands", "note", "not tried: this engine can't run programs of the image's platform")
        return
    if trials.version.exit_code or words not in trials.version.output:
        yield Finding(
            "commands",
            "failed",
            f"bin/{shipped.name} version doesn't work: {_last(trials.version.output, trials.version.exit_code)}",
            "the boot script needs a shell and sed, cut, cat, od, awk, grep, date, readlink and dirname in the image",
        )
        return
    if not trials.evaluated.exit_code:
        yield Finding("commands", "ok", "version and eval work")
    elif trials.bare is not None and not trials.bare.exit_code:
        unset = _unset(trials.evaluated.output)
        why = f"needs {unset}, which isn't set here" if unset else f"fails: {_last(trials.evaluated.output)}"
        yield Finding(
            "commands",
            "note" if unset else "warning",
            f"version and eval work; eval with its configuration {why}",
            GIVE,
        )
    else:
        ran = trials.bare or trials.evaluated
        yield Finding(
            "commands",
            "failed",
            f"bin/{shipped.name} eval doesn't work: {_last(ran.output, ran.exit_code)}",
            f"try it: docker run --rm IMAGE eval ':ok' (/{shipped.directory}/bin/{shipped.name})",
        )


GIVE = "relbuild verify IMAGE --env-file FILE tries it with its environment"


def _boot(facts: Facts) -> Iterator[Finding]:
    boot = facts.trials.boot
    if boot.stopped_after is None:
        yield _unbooted(facts, boot)
        return
    if boot.exit_code == 0:
        yield Finding("boot", "ok", f"it boots on a read-only root, and SIGTERM ends it in {boot.stopped_after:.1f} s")
    elif boot.exit_code == 137:
        yield Finding(
            "boot",
            "failed",
            f"SIGTERM doesn't end it within {facts.stop_timeout} s: it had to be killed",
            'the release must get the signal: start it in exec form, CMD ["/app/bin/NAME", "start"], and where a shell '
            "script starts it, with exec; what takes longer to drain needs a longer --stop-timeout",
        )
    else:
        yield Finding(
            "boot",
            "failed",
            f"SIGTERM ends it with exit code {boot.exit_code}, not 0",
            "something crashed while it stopped, or what started the release doesn't pass its exit code on",
        )


def _unbooted(facts: Facts, boot: Boot) -> Finding:
    last = _last(boot.output, boot.exit_code)
    if boot.exit_code == 0:
        return Finding("boot", "note", "it ends by itself, with exit code 0: stopping it was not tried")
    if OTHER_MACHINE.search(boot.output):
        return Finding("boot", "note", "not tried: this engine can't run programs of the image's platform")
    if COOKIE_FILE in last:
        # Which error it is says where it was tried, and nothing of the reason.
        return Finding(
            "boot",
            "failed",
            f"it doesn't boot: {last}",
            "the VM makes a cookie of its own when it is given none, or two: take -setcookie out of vm.args and of "
            "ERL_FLAGS; RELEASE_COOKIE gives one",
        )
    if READ_ONLY.search(last):
        return Finding(
            "boot",
            "failed",
            f"it doesn't boot on a read-only root: {last}",
            "write below RELEASE_TMP or /tmp alone; reboot_system_after_config needs RELEASE_TMP to be writable",
        )
    if facts.given:
        return Finding("boot", "failed", f"it doesn't boot: {last}", "docker run it with the same environment")
    unset = _unset(boot.output)
    if unset:
        return Finding("boot", "note", f"not tried: it doesn't boot without {unset}", GIVE)
    return Finding("boot", "warning", f"it doesn't boot without its environment: {last}", GIVE)


def _unset(output: str) -> str | None:
    from relbuild.image import telling

    return telling.unset(output)


def _last(output: str, exit_code: int | None = None) -> str:
    """Return the line that tells most, and the exit code."""
    from relbuild.image import telling

    code = f"exit code {exit_code}" if exit_code else ""
    return ", ".join(part for part in (telling.line(output), code) if part)
