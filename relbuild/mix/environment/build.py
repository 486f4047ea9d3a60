"""Reads the files that Mix evaluates when it builds a release: config.exs and what it imports.

What they read of the environment is that of the build, and stands in the release from then on (hexdocs.pm/mix,
Mix.Tasks.Release, "Runtime configuration").
"""

from __future__ import annotations

from relbuild.mix.environment.boot import found, locator, settled
from relbuild.mix.environment.contract import Contract
from relbuild.mix.environment.files import Files
from relbuild.mix.environment.reading import Reading
from relbuild.mix.facts import Known, Tree
from relbuild.mix.project import Project

# What a step of the build always has: a container's own, and what the toolchain stage sets.
PROVIDED = frozenset(
    {
        *("HOME", "HOSTNAME", "PATH", "PWD", "SHLVL", "OLDPWD", "LANG"),
        *("MIX_ENV", "MIX_TARGET", "MIX_BUILD_PATH", "ERL_COMPILER_OPTIONS", "ERL_AFLAGS"),
    }
)


def read(tree: Tree, project: Project) -> Contract:
    """Return which variables the compile-time configuration reads, as far as its files tell.

    Raises ProjectError where one of them isn't Elixir or can't be read.
    """
    reading = Reading(Files(tree, locator(tree, project)))
    if isinstance(project.config_path, Known):
        reading.file(project.config_path.value)
    return settled(found(reading, PROVIDED))
