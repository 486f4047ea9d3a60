"""The Elixir files of a project that are followed: their modules, and what they import."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Module
from relbuild.elixir.syntax import Source, arguments, calls_of, pair_key, parse, parts
from relbuild.elixir.values import Term
from relbuild.errors import ProjectError
from relbuild.facts import Tree
from relbuild.mix import elixir_files
from relbuild.mix.environment import tables
from relbuild.mix.project import Project

_MODULE = re.compile(rb"\bdefmodule\s+([A-Z][\w.]*)")
# One of these is in each file that reads variables.
_READS = (
    *(b"System.get_env", b"System.fetch_env", b"System, :get_env", b"System, :fetch_env", b"import System"),
    *(b"getenv", b"{:system", *(library.encode() for library in tables.READERS)),
)
_Functions = frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Import:
    """A module that is imported: all of it, or `only` some functions of it, but for the `hidden` ones."""

    module: str
    only: _Functions | None = None
    hidden: _Functions = frozenset()

    def brings(self, name: str, arity: int) -> bool:
        """Return whether a function of the module with that name can be called without the module's."""
        return (name, arity) not in self.hidden and (self.only is None or (name, arity) in self.only)

    def names(self, name: str, arity: int) -> bool:
        """Return whether the function is written out."""
        return self.only is not None and (name, arity) in self.only


def imports_of(source: Source, module_name: Callable[[str], str | None]) -> tuple[Import, ...]:
    """Return the file's imports; `module_name` gives the full name of a module."""
    return tuple(_read(source, module_name))


def _read(source: Source, module_name: Callable[[str], str | None]) -> Iterator[Import]:
    for node in calls_of(source.root, "import"):
        written = arguments(node)
        if not written or written[0].type not in ("alias", "atom"):
            continue
        name = source.text(written[0])
        options = {pair_key(source, pair): pair.child_by_field_name("value") for pair in _pairs(written[-1])}
        only = _functions(source, options.get("only"))
        yield Import(module_name(name) or name, only, _functions(source, options.get("except")) or frozenset())


def _functions(source: Source, node: Node | None) -> _Functions | None:
    """Return the functions of `[get_env: 1]`; None where it isn't such a list."""
    if node is None or node.type != "list":
        return None
    pairs = [pair for keywords in parts(node) for pair in _pairs(keywords)]
    written = [(pair_key(source, pair), pair.child_by_field_name("value")) for pair in pairs]
    found = [(name, source.text(value)) for name, value in written if name is not None and value is not None]
    return frozenset((name, int(arity)) for name, arity in found if arity.isdecimal())


def _pairs(node: Node) -> list[Node]:
    return parts(node) if node.type == "keywords" else []


@dataclass(frozen=True, slots=True)
class File:
    """An Elixir file that is followed; `literals` are the terms of its literals by their offset."""

    source: Source
    evaluator: Evaluator
    imports: tuple[Import, ...]
    literals: dict[int, Term] = field(default_factory=dict)


@dataclass(slots=True)
class Files:
    """The files of a tree, each parsed when it is first opened, and the modules of the projects that are compiled."""

    tree: Tree
    projects: tuple[Project, ...] = ()
    _files: dict[str, File | None] = field(default_factory=dict)
    _modules: dict[str, tuple[File, Module]] = field(default_factory=dict)
    _places: dict[str, str] | None = None
    _reading: list[str] = field(default_factory=list)

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
        file = File(source, evaluator, imports_of(source, evaluator.module_name))
        self._modules.update({module.name: (file, module) for module in evaluator.modules})
        return file

    def module(self, name: str) -> tuple[File, Module] | None:
        """Return a module of a file that is followed or of the projects, and its file."""
        if name not in self._modules:
            path = self._index().get(name)
            try:
                if path is not None:
                    self.open(path)
            except ProjectError:
                return None  # the compiler reports it
        return self._modules.get(name)

    def configuration(self) -> Iterator[File]:
        """Yield the files that were opened and are not compiled into the release."""
        compiled = set(self._index().values())
        yield from (file for path, file in self._files.items() if file is not None and path not in compiled)

    def reading(self) -> Iterator[File]:
        """Yield the compiled files that read variables; one that isn't Elixir is left to the compiler."""
        self._index()
        for path in self._reading:
            try:
                file = self.open(path)
            except ProjectError:
                continue
            if file is not None:
                yield file

    def _index(self) -> dict[str, str]:
        """Return the paths of the projects' modules, by the names that they are defined with."""
        if self._places is None:
            self._places = {}
            for directory in elixir_files.source_directories(*self.projects):
                for path in elixir_files.files_below(self.tree, directory):
                    try:
                        content = self.tree.read(path) or b""
                    except ProjectError:
                        continue
                    for name in _MODULE.findall(content):
                        self._places.setdefault(name.decode("utf-8", "replace"), path)
                    if any(each in content for each in _READS):
                        self._reading.append(path)
        return self._places
