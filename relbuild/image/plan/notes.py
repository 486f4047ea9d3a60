"""Notes on what the build does otherwise than the project may expect: buildpack hooks, build-time variables, names."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from relbuild.config import Config, Steps
from relbuild.elixir.versions import OtpVersion
from relbuild.errors import listed
from relbuild.facts import Known, Tree
from relbuild.mix.environment import Contract, Variable
from relbuild.mix.project import Project, Release
from relbuild.mix.toolchain import Toolchain, version_files
from relbuild.mix.toolchain.version_files import Hook

STEPS = {
    "hook_pre_fetch_dependencies": "before_deps",
    "hook_post_fetch_dependencies": "before_compile",
    "hook_pre_compile": "before_compile",
    "hook_post_compile": "after_compile",
}


def hook_notes(tree: Tree, config: Config, assets: Iterable[str]) -> tuple[str, ...]:
    """Return a note for each hook that is dropped; none for what builds the assets, which the build does anyway.

    What stands under the same key of relbuild.yml is taken for it.
    """
    done = {*assets, *(key for key in STEPS.values() if getattr(config.builder.steps, key))}
    return tuple(
        f"{hook.at.brief}: {hook.name} isn't run: {instead}"
        for hook, key, instead in _replacements(version_files.buildpack_hooks(tree))
        if hook.command not in done and key not in done
    )


def _replacements(hooks: Iterable[Hook]) -> Iterator[tuple[Hook, str | None, str]]:
    for hook in hooks:
        key = STEPS.get(hook.name)
        if "ecto.migrate" in hook.command:
            yield hook, None, "a build reaches no database; relbuild migrate migrates where the app runs"
        elif "mix hex." in hook.command:
            yield hook, key, "Hex is logged in by the build itself, `builder: {repos: …}` in relbuild.yml says how"
        elif key is not None:
            yield hook, key, f"`builder: {{steps: {{{key}: […]}}}}` in relbuild.yml does the same"
        elif hook.name == "hook_compile":
            yield hook, None, "the build compiles by mix compile"


def build_time_notes(at_build: Contract, project: Project, config: Config, at_boot: Contract) -> tuple[str, ...]:
    """Return notes on the variables that the build reads and isn't given: those it needs, then the others.

    The others' values are fixed by the build, unless they are read ``at_boot`` too.
    """
    given = {*config.builder.env, *config.builder.secrets}
    read = [each for each in at_build.variables if each.name not in given]
    again = {each.name for each in at_boot.variables}
    directory = posixpath.dirname(project.config_path.value if isinstance(project.config_path, Known) else "config/")
    runtime = posixpath.join(directory, "runtime.exs")
    needed = sorted((each for each in read if each.kind == "required"), key=lambda each: each.at)
    fixed = sorted((each for each in read if each.kind != "required" and each.name not in again), key=lambda e: e.at)
    found = []
    if needed:
        found.append(
            f"{_places(needed)}: needed when the image is built, which fails without; read it in {runtime} instead, or "
            "give it to the build: builder.secrets in relbuild.yml, builder.env for what is no secret"
        )
    if fixed:
        found.append(
            f"{_places(fixed)}: read when the image is built, so that what is set where it runs has no effect there; "
            f"read it in {runtime} instead, or give it to the build: builder.env in relbuild.yml"
        )
    return tuple(found)


def _places(variables: Iterable[Variable]) -> str:
    return listed([f"{each.name} ({each.at.brief})" for each in variables])


# The newest Erlang/OTP whose applications are known.
NEWEST = 29
# Debian's packages put applications beside OTP's, rebar3 those that it is made of.
BESIDE_OTP = re.compile(r"erlang(?!-dev$|-nox$|-hex$)|rebar3|elixir-")
# What sets where applications are looked for (ERL_LIBS, ERL_FLAGS, MIX_ARCHIVES …).
PATHS = ("ERL_", "ELIXIR_", "MIX_")
# Tasks of Mix that an alias makes others, which may bring applications along.
TASKS = ("compile", "deps", "loadpaths", "release")


@dataclass(frozen=True, slots=True)
class ApplicationNames:
    """What may be called so: the dependencies, None where not all are known, and the project's own applications."""

    dependencies: frozenset[str] | None
    own: Iterable[str]


def missing_application_notes(
    project: Project, release: Release, names: ApplicationNames, tools: Toolchain, config: Config
) -> tuple[str, ...]:
    """Return a note on the applications of the release that there surely are none of (Mix.Release.from_config!/3)."""
    wanted = release.applications
    if not isinstance(wanted, Known) or names.dependencies is None or _may_have_more(project, tools, config):
        return ()
    from relbuild.image.inspect.contents import ELIXIR, OTP

    found = names.dependencies.union(names.own, ELIXIR, OTP, ("hex",))
    missing = dict.fromkeys(name for name, _ in wanted.value if name not in found)
    if not missing:
        return ()
    return (
        f"release {release.name}: mix release will find no {', '.join(missing)} ({wanted.at.brief}): "
        "no dependency is called so, none of the project's own applications, and none of Elixir's or OTP's",
    )


def _may_have_more(project: Project, tools: Toolchain, config: Config) -> bool:
    """Return whether the build may have applications that aren't known, or know those that mix.exs has otherwise."""
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
