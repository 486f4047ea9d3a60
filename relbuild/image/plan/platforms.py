"""An image for other platforms than the builder's: what is compiled where."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from relbuild.config.texts import PLATFORM, PLATFORMS
from relbuild.elixir.versions import OtpVersion
from relbuild.errors import UsageError
from relbuild.image.plan.packages import Need
from relbuild.mix.lock import Resolved

# Packages that compile, or download compiled, machine code for those that depend on them.
COMPILERS = frozenset({"bundlex", "cc_precompiler", "elixir_make", "rustler", "rustler_precompiled", "zigler"})
# The architectures that the JIT is made for; a VM without it refuses its flags.
JIT = frozenset({"amd64", "arm64"})
# The VM maps its code twice, which QEMU doesn't keep in step: https://www.erlang.org/doc/apps/erts/erl_cmd (+JMsingle);
# before it had that flag, writing a map for perf had the same effect.
SINGLE, PERF = "+JMsingle true", "+JPperf true"
SINGLE_SINCE_OTP, SINGLE_SINCE_ERTS = 26, 14


@dataclass(frozen=True, slots=True)
class Platforms:
    """The platforms an image is for, as Docker names them.

    Compiled modules run on all of them, so they are compiled once, on the builder's own platform. Where a dependency
    has machine code all is built, `emulated`, on each platform, with these flags for the VM.
    """

    names: tuple[str, ...]
    emulated: bool
    flags: str = ""


def parse_platforms(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the platforms of ``--platform``, which may be given several times and hold several, parted by commas.

    Raises UsageError for what is none, or none that Debian is there for.
    """
    found = tuple(dict.fromkeys(part.strip() for text in texts for part in text.split(",")))
    for platform in found:
        if not re.fullmatch(PLATFORM.pattern or "", platform):
            raise UsageError(
                f"--platform {platform}: is no platform that Debian is there for", hint=f"there are {PLATFORMS}"
            )
    return found


def plan_platforms(
    names: tuple[str, ...],
    emulate: bool | None,
    dependencies: Iterable[Resolved],
    needs: Iterable[Need],
    otp: str | None,
) -> tuple[Platforms | None, tuple[str, ...]]:
    """Return what an image for these platforms takes, None where none is named, and what is worth a note."""
    if not names:
        return None, ()
    native = machine_code(dependencies, needs)
    emulated = bool(native) if emulate is None else emulate
    notes: tuple[str, ...] = ()
    if emulated and emulate is None:
        notes = (f"with machine code in {', '.join(native)}, everything is built once for each platform, emulated",)
    return Platforms(names, emulated, _flags(names, otp) if emulated else ""), notes


def machine_code(dependencies: Iterable[Resolved], needs: Iterable[Need]) -> tuple[str, ...]:
    """Return the dependencies that are known to have machine code, or to compile it for others, sorted by name."""
    found = {need.app for need in needs if need.builder or need.precompiled}
    found |= {each.app for each in dependencies if each.package in COMPILERS or "make" in each.managers}
    return tuple(sorted(found))


def foreign_flags(architecture: str, erts: str) -> str:
    """Return the flags with which a VM of this architecture and version of ERTS runs emulated."""
    major = erts.partition(".")[0]
    if architecture not in JIT or not major.isdigit():
        return ""
    return SINGLE if int(major) >= SINGLE_SINCE_ERTS else PERF


def _flags(names: tuple[str, ...], otp: str | None) -> str:
    """Return the flags for all of the platforms; on the builder's own they do no harm."""
    if not {name.split("/")[1] for name in names} <= JIT:
        return ""
    version = OtpVersion.parse(otp) if otp is not None else None
    return PERF if version is not None and version.major < SINGLE_SINCE_OTP else SINGLE
