"""Whether an image can start what mix release makes: its ENTRYPOINT is bin/NAME, which runs the release's own VM."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relbuild.config import Config, Steps
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.project import Release

OVERLAYS = "overlays/"
# Debian's packages that have a VM, and those that bring one along.
VM = re.compile(r"erlang|elixir")


def decide(tree: Tree, release: Release, config: Config) -> tuple[str, ...]:
    """Return a note for each option that leaves out what the image starts with, where something else may put it there.

    Raises ProjectError where nothing can: neither a step of the release nor an overlay, a step of the build nor a
    package.
    """
    missing = (*_script(release), *_vm(release, config))
    if not missing:
        return ()
    packages = bool(config.runner.packages)
    if not _adds(tree, release, config):
        # A package may bring a VM along, but never the release's script.
        sure = [problem for problem, by_package in missing if not (by_package and packages)]
        if sure:
            raise ProjectError.of(sure)
    return tuple(f"{problem.message} ({_place(problem.at)}): something else must add it" for problem, _ in missing)


def _script(release: Release) -> Iterator[tuple[Problem, bool]]:
    wanted = release.include_executables_for
    if isinstance(wanted, Known) and "unix" not in wanted.value:
        yield (
            Problem(
                f"release {release.name}: include_executables_for leaves out bin/{release.name}, which the image "
                "starts with",
                wanted.at,
                "add :unix to it",
            ),
            False,
        )


def _vm(release: Release, config: Config) -> Iterator[tuple[Problem, bool]]:
    """Yield what is missing without ERTS; an image of the user's own may well have it."""
    included = release.include_erts
    if not isinstance(included, Known) or included.value is not False or config.runner.base not in ("slim", "minimal"):
        return
    if not any(VM.search(package) for package in config.runner.packages):
        yield (
            Problem(
                f"release {release.name}: include_erts: false leaves out the VM, which a {config.runner.base} runner "
                "doesn't have",
                included.at,
                "leave include_erts out; or name an image that has the builder's Erlang/OTP in runner.base of "
                "relbuild.yml",
            ),
            True,
        )


def _adds(tree: Tree, release: Release, config: Config) -> bool:
    """Tell whether the release or its build may have what Mix leaves out."""
    steps = release.steps
    own_steps = steps is not None and not (isinstance(steps, Known) and "function" not in steps.value)
    overlays = release.overlays is not None or OVERLAYS in tree.list("rel")
    return own_steps or overlays or config.builder.steps != Steps()


def _place(at: Mark | None) -> str:
    return at.brief if at else "mix.exs"
