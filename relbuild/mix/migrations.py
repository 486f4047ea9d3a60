"""The function that migrates the database: a public `migrate` in a module named Release or ReleaseTasks in lib/."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from relbuild.errors import Mark, ProjectError
from relbuild.mix.facts import Known, Tree
from relbuild.mix.modules import Module, callable_with, modules
from relbuild.mix.project import Project
from relbuild.mix.source import parse

_NAMES = ("Release", "ReleaseTasks")
# A directory below this is no one's source; a link that leads around in a circle is.
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Migrate:
    """An expression that migrates, such as `Shop.Release.migrate()`, and where the function is defined."""

    expression: str
    at: Mark


def find(tree: Tree, project: Project) -> tuple[Migrate, ...]:
    """Return every expression that migrates, in the order of the files; () when there is none.

    A file that isn't Elixir throughout, or can't be read, counts for nothing: the compiler will tell.
    """
    found: list[Migrate] = []
    for directory in _sources(project):
        for path in _files(tree, directory):
            found.extend(_in_file(tree, path))
    return tuple(found)


def _sources(project: Project) -> list[str]:
    """Return the directories that the projects are compiled from; one inside another counts once."""
    named: list[str] = []
    for part in (project, *project.apps):
        paths = part.elixirc_paths.value if isinstance(part.elixirc_paths, Known) else ()
        own = f"{part.path}/lib" if part.path else "lib"
        named.extend(path for path in dict.fromkeys((own, *paths)) if path and not path.startswith(("..", "/")))
    unique = list(dict.fromkeys(named))
    return [path for path in unique if not any(path.startswith(f"{other}/") for other in unique)]


def _files(tree: Tree, directory: str) -> Iterator[str]:
    pending = [(directory, 0)]
    while pending:
        inside, depth = pending.pop()
        names = tree.list(inside)
        yield from (f"{inside}/{name}" for name in names if name.endswith(".ex"))
        if depth < _MAX_DEPTH:
            deeper = [name for name in names if name.endswith("/")]
            pending.extend((f"{inside}/{name[:-1]}", depth + 1) for name in reversed(deeper))


def _in_file(tree: Tree, path: str) -> Iterator[Migrate]:
    try:
        content = tree.read(path)
        # Parsing is what takes time, and hardly any file has all of this in it.
        if content is None or b"migrate" not in content or b"Release" not in content:
            return
        source = parse(path, content)
    except ProjectError:
        return
    for module in modules(source):
        if module.name.rpartition(".")[2] not in _NAMES or not _named_in_full(module):
            continue
        definition = callable_with(module, "migrate", 0)
        if definition is not None:
            yield Migrate(f"{module.name}.migrate()", source.mark(definition))


def _named_in_full(module: Module) -> bool:
    """Say whether the name can be typed as it is: `__MODULE__` and computed names can't."""
    return all(part.isidentifier() and part[0].isupper() for part in module.name.split("."))
