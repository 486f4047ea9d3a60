"""Which layers the release is cut into, what changes least first, so that a small change makes a small layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from relbuild.facts import Known, Tree
from relbuild.image.assets import Assets
from relbuild.image.dependencies import Dependencies
from relbuild.mix.project import Project

# From so many on, what changes is cut into parts by name. An image has room for 127 layers, its base's among them, and
# each takes some ten milliseconds of every build.
MANY_DEPENDENCIES = 12
DEPENDENCY_PARTS = 8
MODULE_PARTS = {1024: 16, 32: 4}


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers' names: those of the dependencies, of the project's static files, of its modules.

    Without parts of their own, the modules are in the last layer, as all the rest of the project is.
    """

    dependencies: tuple[str, ...]
    static: tuple[str, ...]
    modules: tuple[str, ...]

    def numbered(self, applications: tuple[str, ...], runtime: str | None) -> tuple[str, ...]:
        """Return what is in which layer, for people; `runtime` is the file that is a layer of its own."""
        project = ", ".join(applications) or "the project"
        parts = (
            (1, "ERTS, OTP and Elixir"),
            (len(self.dependencies), "the dependencies"),
            (len(self.static), "static files"),
            (len(self.modules), f"the modules of {project}"),
            (1, f"the rest of {project}" if self.all[len(self.dependencies) :] else project),
            (1 if runtime else 0, runtime or ""),
        )
        counted: list[str] = []
        first = 1
        for count, what in parts:
            if count:
                counted.append(f"{first}-{first + count - 1} {what}" if count > 1 else f"{first} {what}")
            first += count
        return tuple(counted)

    @property
    def all(self) -> tuple[str, ...]:
        """Every layer between Erlang/OTP's and the last."""
        return (*self.dependencies, *self.static, *self.modules)


def decide(tree: Tree, project: Project, dependencies: Dependencies, assets: Assets) -> Layers:
    """Return the layers for a project of this size."""
    many = len(dependencies.resolved) >= MANY_DEPENDENCIES
    has_static = bool(assets.commands) or any("static/" in tree.list(_in(part, "priv")) for part in project.parts)
    sources = (path for part in project.parts for path in _sources(tree, part))
    count = sum(1 for _ in islice(sources, max(MODULE_PARTS)))
    parts = next((parts for many, parts in MODULE_PARTS.items() if count >= many), 0)
    return Layers(
        dependencies=_parts("deps", DEPENDENCY_PARTS if many else int(dependencies.any)),
        static=("static",) if has_static else (),
        modules=_parts("app", parts),
    )


def _parts(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}-{number}" for number in range(count))


def _in(part: Project, name: str) -> str:
    return f"{part.path}/{name}" if part.path else name


def _sources(tree: Tree, part: Project) -> Iterator[str]:
    """Yield the Elixir files that are compiled."""
    waiting = list(part.elixirc_paths.value if isinstance(part.elixirc_paths, Known) else (_in(part, "lib"),))
    while waiting:
        directory = waiting.pop()
        for name in tree.list(directory):
            if name.endswith("/"):
                waiting.append(f"{directory}/{name.removesuffix('/')}")
            elif name.endswith(".ex"):
                yield f"{directory}/{name}"
