"""What the configuration takes from the environment by Distillery's means, moved to where a release reads it."""

from __future__ import annotations

from collections.abc import Mapping

from relbuild.errors import Problem
from relbuild.mix.facts import Tree
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Moved:
    """What becomes of the configuration.

    `files` are the config files that change, whole, by their paths; `runtime` are the lines that the release's own
    configuration gets, ``()`` for none, without `import Config` and without a condition around them; `look` is what a
    person has to look at, each at its place.
    """

    files: Mapping[str, str]
    runtime: tuple[str, ...]
    look: tuple[Problem, ...]


def moved(tree: Tree) -> Moved:
    """Return what becomes of the project's configuration, an umbrella's children's too."""
    return Moved({}, (), ())
