"""What was found out about an image, judged: findings, each with what mends it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from relbuild.image.findings import Finding, Status
from relbuild.image.sizes import shown
from relbuild.values import dataclass

# relbuild image knows what was found of an image that it has verified before: nothing is looked into.
if TYPE_CHECKING:
    from relbuild.image.leaks import Leak
    from relbuild.image.linking import Unlinked
    from relbuild.image.shipped import Shipped
    from relbuild.image.trials import Start, Trials

# Applications of OTP that most releases only carry along; what they lack is missed when they are used.
SELDOM_USED = ("wx", "odbc")
# An image that grew by more than this factor and this many bytes has something in it that nobody meant to ship.
GROWTH, GROWTH_BYTES = 1.25, 20_000_000


@dataclass(frozen=True, slots=True)
class Facts:
    """All that was found out about an image.

    ``own`` tells that relbuild built it. ``debian`` is the release of the distribution in it, ``programs`` how many ELF
    files the release has, ``start`` how it was tried out.
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
    start: Start


def check(facts: Facts) -> tuple[Finding, ...]:
    """Return the findings, by check."""
    from relbuild.image import leak_findings, start_findings

    return (
        *_libraries(facts),
        *_user(facts),
        *start_findings.commands(facts.shipped, facts.trials, facts.start),
        start_findings.boot(facts.trials.boot, facts.start),
        *leak_findings.judged(facts.leaks, own=facts.own),
    )


def size(size: int, previous: tuple[str, int] | None, *, compressed: bool) -> Finding:
    """Return how an image's size in bytes compares with that of the image before; ``compressed`` tells which size."""
    own = f"{shown(size)} {'compressed' if compressed else 'uncompressed'}"
    if previous is None:
        return Finding("size", "note", own)
    name, before = previous
    more = size - before
    change = f"{shown(abs(more))} {'more' if more > 0 else 'less'} than {name}" if more else f"the same as {name}"
    if more > GROWTH_BYTES and size > before * GROWTH:
        return Finding("size", "warning", f"{own}, {change}", "relbuild inspect --against shows what grew")
    return Finding("size", "note", f"{own}, {change}")


def _libraries(facts: Facts) -> Iterator[Finding]:
    wrong = list(_unlinked(facts))
    yield from wrong
    if not any(each.status == "failed" for each in wrong):
        told = len({each.file for each in facts.unlinked})
        number = f"the other {facts.programs - told}" if told else str(facts.programs)
        yield Finding("libraries", "ok", f"{number} programs and shared objects find what they are linked to")


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

    library = missing[0] if kind == "library" else ""
    package, guess = libraries.package(library, facts.debian), libraries.guess(library)
    if not package and guess:
        of_it = f"the package that has {library}, perhaps {guess}"
        found = f"apt-file search {library} tells which it is"
        if facts.own:
            return f"add {of_it}, to relbuild.yml: runner: {{packages: [PACKAGE]}}; {found}"
        return f"install {of_it}, in the Dockerfile's last stage; {found}"
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
