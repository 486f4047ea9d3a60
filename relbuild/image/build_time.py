"""What is to be said of variables that are read while the image is built, as if that were where it runs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from relbuild.config import Config
from relbuild.errors import listed
from relbuild.facts import Known
from relbuild.mix.environment import Contract, Variable
from relbuild.mix.project import Project


def notes(at_build: Contract, project: Project, config: Config, at_boot: Contract) -> tuple[str, ...]:
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
