"""The environment contract: which variables a release reads at boot, which of them it must have, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from relbuild.mix.environment.conditions import describe
from relbuild.mix.environment.contract import (
    COMMAND,
    Contract,
    Default,
    Kind,
    Lack,
    Requirement,
    Use,
    Variable,
    from_label,
    lacks,
    more_data,
    to_label,
    undecided,
)
from relbuild.mix.environment.contract import data_of as data_of

if TYPE_CHECKING:
    from relbuild.facts import Tree
    from relbuild.mix.project import Project, Release


__all__ = [
    "COMMAND",
    "Contract",
    "Default",
    "Kind",
    "Lack",
    "Requirement",
    "Use",
    "Variable",
    "data_of",
    "describe",
    "from_label",
    "lacks",
    "more_data",
    "read_by_build",
    "read_contract",
    "to_label",
    "undecided",
]


def read_contract(tree: Tree, project: Project, release: Release) -> Contract:
    """Return which variables the release needs, as far as its files tell.

    Raises ProjectError where one of them isn't Elixir or can't be read.
    """
    # Whoever has a contract, as migrate has from a label, does without the parsers: they take longer to load than that.
    from relbuild.mix.environment import boot

    return boot.read_contract(tree, project, release)


def read_by_build(tree: Tree, project: Project) -> Contract:
    """Return which variables the compile-time configuration reads, as far as its files tell.

    Raises ProjectError where one of them isn't Elixir or can't be read.
    """
    from relbuild.mix.environment import boot

    return boot.read_by_build(tree, project)
