"""The Elixir files that a project is compiled from and configured by, and what they state."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Module, Scope, modules
from relbuild.elixir.syntax import Source, arguments, callee, pair_key, parse, parts, walk
from relbuild.elixir.values import Atom, Term
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.project import Project

# A directory below this is no one's source.
_MAX_DEPTH = 20
# The files of config/ that never count for a release.
_OTHER_CONFIGURATION = ("/dev.exs", "/test.exs")


def source_directories(*projects: Project) -> list[str]:
    """Return the directories that the projects are compiled from; one inside another counts once."""
    named: list[str] = []
    for part in projects:
        paths = part.elixirc_paths.value if isinstance(part.elixirc_paths, Known) else ()
        own = f"{part.path}/lib" if part.path else "lib"
        named.extend(path for path in dict.fromkeys((own, *paths)) if path and not path.startswith(("..", "/")))
    unique = list(dict.fromkeys(named))
    return [path for path in unique if not any(path.startswith(f"{other}/") for other in unique)]


def files_below(tree: Tree, directory: str, ending: str = ".ex") -> Iterator[str]:
    """Yield the paths of the Elixir files in a directory and below it; ``.exs`` is the ending of scripts."""
    pending = [(directory, 0)]
    while pending:
        inside, depth = pending.pop()
        names = tree.list(inside)
        yield from (f"{inside}/{name}" for name in names if name.endswith(ending))
        if depth < _MAX_DEPTH:
            deeper = [name for name in names if name.endswith("/")]
            pending.extend((f"{inside}/{name[:-1]}", depth + 1) for name in reversed(deeper))


class Code:
    """The text of the Elixir files that projects are compiled from and configured by, read at the first search."""

    def __init__(self, tree: Tree, projects: tuple[Project, ...]) -> None:
        self._tree, self._projects = tree, projects
        self._texts: list[bytes] | None = None

    def mentions(self, word: str) -> bool:
        """Return whether a file has the word, wherever it is."""
        if self._texts is None:
            self._texts = list(self._read())
        return any(word.encode() in text for text in self._texts)

    def _read(self) -> Iterator[bytes]:
        paths = [
            path for directory in source_directories(*self._projects) for path in files_below(self._tree, directory)
        ]
        for part in self._projects:
            directory = f"{part.path}/config" if part.path else "config"
            paths += [
                path for path in files_below(self._tree, directory, ".exs") if not path.endswith(_OTHER_CONFIGURATION)
            ]
        for path in paths:
            with contextlib.suppress(ProjectError):
                yield self._tree.read(path) or b""


def modules_with(
    tree: Tree, projects: tuple[Project, ...], *alternatives: tuple[bytes, ...]
) -> Iterator[tuple[Source, Module]]:
    """Yield the modules of the projects' files that have all words of an alternative, in the order of the files.

    A file that isn't Elixir throughout, or can't be read, counts for nothing: the compiler will tell.
    """
    for directory in source_directories(*projects):
        for path in files_below(tree, directory):
            try:
                content = tree.read(path)
                # Parsing is what takes time, and hardly any file has all of the words.
                if content is None or not any(all(word in content for word in words) for words in alternatives):
                    continue
                source = parse(path, content)
            except ProjectError:
                continue
            for module in modules(source):
                yield source, module


@dataclass(frozen=True, slots=True)
class ModuleUse:
    """A module with `use USED, OPTIONS`; of the options those whose value is an atom, modules as they are written."""

    module: str
    options: tuple[tuple[str, str], ...]
    at: Mark

    def option(self, name: str) -> str | None:
        """Return an option's atom, without its colon; None when it is none, or isn't known."""
        return dict(self.options).get(name)


def find_uses(tree: Tree, part: Project, used: str) -> tuple[ModuleUse, ...]:
    """Return the modules of one application that use a module such as `Ecto.Repo`, in the order of the files."""
    found = []
    for source, module in modules_with(tree, (part,), (b"use", used.encode())):
        for statement in module.statements:
            written = arguments(statement) if callee(statement) == "use" else []
            if written and source.text(written[0]) == used:
                options = _options(source, module, written[1:], tree)
                found.append(ModuleUse(module.name, options, source.mark(module.node)))
    return tuple(found)


def _options(source: Source, module: Module, written: list[Node], tree: Tree) -> tuple[tuple[str, str], ...]:
    found = []
    evaluator = Evaluator(source, tree)
    for pair in (pair for node in written if node.type == "keywords" for pair in parts(node)):
        key, value = pair_key(source, pair), pair.child_by_field_name("value")
        term = evaluator.evaluate(value, Scope(module)) if value is not None else None
        if key is not None and isinstance(term, Known) and isinstance(term.value, Atom):
            found.append((key, term.value.module or term.value.name))
    return tuple(found)


def find_setting(tree: Tree, project: Project, app: str, key: str) -> Term | None:
    """Return the value an application's key is set to, the last one; None when it isn't set where it can be read.

    A file that can't be read sets nothing: whoever compiles it will tell.
    """
    found: Term | None = None
    for path in _configuration_paths(project):
        try:
            content = tree.read(path)
            if content is None or key.encode() not in content:
                continue
            evaluator = Evaluator(parse(path, content), tree, path.rpartition("/")[0])
        except ProjectError:
            continue
        for call in walk(evaluator.source.root):
            found = _setting(evaluator, call, app, key) or found
    return found


def configuration_mentions(tree: Tree, project: Project, word: str) -> bool:
    """Return whether the configuration has a word in it, wherever it stands."""
    return any(word in content for _, content in configuration_files(tree, project))


def configuration_files(tree: Tree, project: Project) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file of the configuration that is there."""
    for path in _configuration_paths(project):
        content = tree.read(path)
        if content is not None:
            yield path, content.decode("utf-8", "replace")


def _configuration_paths(project: Project) -> list[str]:
    """Return the files in the order in which Mix reads them, those of an umbrella's applications too."""
    named = [part.config_path.value for part in (project, *project.apps) if isinstance(part.config_path, Known)]
    inside = [path for path in dict.fromkeys(named) if not path.startswith(("..", "/"))]
    return [file for path in inside for file in (path, f"{path.rpartition('/')[0]}/prod.exs")]


def _setting(evaluator: Evaluator, call: Node, app: str, key: str) -> Term | None:
    written = arguments(call) if callee(call) == "config" else []
    if len(written) != 2 or written[1].type != "keywords":
        return None
    subject = evaluator.evaluate(written[0], Scope(None))
    if not isinstance(subject, Known) or subject.value != Atom(app):
        return None
    for pair in parts(written[1]):
        value = pair.child_by_field_name("value")
        if pair_key(evaluator.source, pair) == key and value is not None:
            return evaluator.evaluate(value, Scope(None))
    return None
