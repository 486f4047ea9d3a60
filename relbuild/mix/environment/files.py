"""The Elixir files of a project that are followed, and the modules they define."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field

from relbuild.errors import ProjectError
from relbuild.mix.environment import imports
from relbuild.mix.environment.imports import Import
from relbuild.mix.evaluate import Evaluator
from relbuild.mix.facts import Tree
from relbuild.mix.modules import Module
from relbuild.mix.source import Source, parse
from relbuild.values import dataclass

# Returns the file that defines a module of the project, by the module's name.
Locate = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class File:
    """An Elixir file that is followed."""

    source: Source
    evaluator: Evaluator
    imports: tuple[Import, ...]


@dataclass(slots=True)
class Files:
    """The files of a tree, each parsed when it is first asked for; ``locate`` finds those of the project's modules."""

    tree: Tree
    locate: Locate
    _files: dict[str, File | None] = field(default_factory=dict)
    _modules: dict[str, tuple[File, Module]] = field(default_factory=dict)

    def open(self, path: str) -> File | None:
        """Return a file, its modules known from now on; None when there is none.

        Raises ProjectError when it isn't Elixir.
        """
        if path not in self._files:
            content = self.tree.read(path)
            self._files[path] = self._parsed(path, content) if content is not None else None
        return self._files[path]

    def _parsed(self, path: str, content: bytes) -> File:
        source = parse(path, content)
        evaluator = Evaluator(source, self.tree, path.rpartition("/")[0])
        file = File(source, evaluator, imports.read(source, evaluator.module_name))
        self._modules.update({module.name: (file, module) for module in evaluator.modules})
        return file

    def module(self, name: str) -> tuple[File, Module] | None:
        """Return a module of a file that is followed or of the project, and its file."""
        if name not in self._modules:
            path = self.locate(name)
            try:
                if path is not None:
                    self.open(path)
            except ProjectError:
                return None  # the compiler will tell
        return self._modules.get(name)
