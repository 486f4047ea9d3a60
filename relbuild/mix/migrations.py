"""The function that migrates the database: a public `migrate` in a module named Release or ReleaseTasks in lib/."""

from __future__ import annotations

from dataclasses import dataclass

from relbuild.errors import Mark
from relbuild.mix.elixir_files import modules_with
from relbuild.mix.facts import Tree
from relbuild.mix.modules import Module, callable_with
from relbuild.mix.project import Project

_NAMES = ("Release", "ReleaseTasks")


@dataclass(frozen=True, slots=True)
class Migrate:
    """An expression that migrates, such as `Shop.Release.migrate()`, and where the function is defined."""

    expression: str
    at: Mark


def find(tree: Tree, project: Project) -> tuple[Migrate, ...]:
    """Return every expression that migrates, in the order of the files; () when there is none."""
    found: list[Migrate] = []
    for source, module in modules_with(tree, (project, *project.apps), (b"migrate", b"Release")):
        if module.name.rpartition(".")[2] not in _NAMES or not _named_in_full(module):
            continue
        definition = callable_with(module, "migrate", 0)
        if definition is not None:
            found.append(Migrate(f"{module.name}.migrate()", source.mark(definition)))
    return tuple(found)


def _named_in_full(module: Module) -> bool:
    """Say whether the name can be typed as it is: `__MODULE__` and computed names can't."""
    return all(part.isidentifier() and part[0].isupper() for part in module.name.split("."))
