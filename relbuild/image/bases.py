"""What the stages start from: the images of the toolchain, as relbuild.lock holds them, where the mirror has them."""

from __future__ import annotations

from dataclasses import dataclass

from relbuild.config import Config
from relbuild.errors import Problem, ProjectError
from relbuild.facts import Known, Tree, Unknown
from relbuild.image import lock as locking
from relbuild.image.lock import Lock, Locked
from relbuild.image.reference import Reference
from relbuild.mix.toolchain import Toolchain, resolve_toolchain

ELIXIR_GIT = "https://github.com/elixir-lang/elixir.git"


@dataclass(frozen=True, slots=True)
class ElixirSource:
    """What Elixir is compiled from, where no image has it: a git repository and a branch, tag or commit of it."""

    repository: str
    ref: str


def settle(
    tree: Tree, config: Config, elixir: tuple[Known[str] | Unknown, ...], lock: Lock | None, *, rebar3: bool
) -> Toolchain:
    """Return the toolchain, on the images that relbuild.lock has.

    Raises ProjectError when they are no longer those that the project asks for, and what `toolchain.resolve` raises.
    """
    locked = lock.builder.image if lock else None
    tools = resolve_toolchain(tree, config, elixir, rebar3=rebar3, locked=locked)
    if lock is not None:
        _hold_to(lock, tools)
    return tools


def image(name: str, config: Config, locked: Locked | None) -> str:
    """Return what FROM is given: the image at the mirror, by its digest where relbuild.lock has one."""
    if config.registry_mirror is None and locked is None:
        return name
    return str(Reference.parse(name).at(config.registry_mirror).pinned(locked.digest if locked else None))


def elixir_source(tools: Toolchain, config: Config) -> ElixirSource | None:
    """Return what to compile Elixir from, None where the image or Debian has it."""
    if tools.elixir_git_ref is None:
        return None
    return ElixirSource(config.builder.elixir_git or ELIXIR_GIT, tools.elixir_git_ref)


def _hold_to(lock: Lock, tools: Toolchain) -> None:
    problems = [
        Problem(
            f"{locked.at.file} no longer fits: its {role} is {locked.reference}, now asked for is {asked}",
            locked.at,
            locking.RENEW,
        )
        for role, locked, asked in (
            ("builder", lock.builder, tools.builder_image),
            ("runner", lock.runner, tools.runner_image),
        )
        if not locked.is_of(asked)
    ]
    if problems:
        raise ProjectError.of(problems)
