"""Applications that a release names and nothing has: Mix looks for them last, when all else is built."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from relbuild.config import Config, Steps
from relbuild.elixir.versions import OtpVersion
from relbuild.facts import Known
from relbuild.mix.project import Project, Release
from relbuild.mix.toolchain import Toolchain

# The newest Erlang/OTP whose applications are known.
NEWEST = 29
# Debian's packages put applications beside OTP's, rebar3 those that it is made of.
BESIDE_OTP = re.compile(r"erlang(?!-dev$|-nox$|-hex$)|rebar3|elixir-")
# What sets where applications are looked for (ERL_LIBS, ERL_FLAGS, MIX_ARCHIVES …).
PATHS = ("ERL_", "ELIXIR_", "MIX_")
# Tasks of Mix that an alias makes others, which may bring applications along.
TASKS = ("compile", "deps", "loadpaths", "release")


@dataclass(frozen=True, slots=True)
class Names:
    """What may be called so: the dependencies, None where not all are known, and the project's own applications."""

    dependencies: frozenset[str] | None
    own: Iterable[str]


def notes(project: Project, release: Release, names: Names, tools: Toolchain, config: Config) -> tuple[str, ...]:
    """Return a note on the applications of the release that there surely are none of (Mix.Release.from_config!/3)."""
    wanted = release.applications
    if not isinstance(wanted, Known) or names.dependencies is None or _may_have_more(project, tools, config):
        return ()
    from relbuild.image.contents import ELIXIR, OTP

    found = names.dependencies.union(names.own, ELIXIR, OTP, ("hex",))
    missing = dict.fromkeys(name for name, _ in wanted.value if name not in found)
    if not missing:
        return ()
    return (
        f"release {release.name}: mix release will find no {', '.join(missing)} ({wanted.at.brief}): "
        "no dependency is called so, none of the project's own applications, and none of Elixir's or OTP's",
    )


def _may_have_more(project: Project, tools: Toolchain, config: Config) -> bool:
    """Tell whether the build may have applications that aren't known, or know those that mix.exs has otherwise."""
    otp = OtpVersion.parse(tools.otp.value) if tools.otp is not None else None
    return (
        bool(project.unknown)
        or tools.provider == "image"
        or config.builder.image is not None
        or otp is None
        or otp.major > NEWEST
        or config.builder.steps != Steps()
        or any(name.startswith(PATHS) for name in config.builder.env)
        or any(BESIDE_OTP.match(package) for package in (*tools.packages, *config.builder.packages))
        or any(alias.name.partition(".")[0] in TASKS for alias in project.aliases)
    )
