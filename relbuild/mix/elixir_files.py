"""Which Elixir files a project is compiled from, and the modules in them that say a word."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from relbuild.elixir.modules import Module, modules
from relbuild.elixir.syntax import Source, parse
from relbuild.errors import ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.project import Project

# A directory below this is no one's source.
_MAX_DEPTH = 20
# The files of config/ that never count for a release.
_OTHER_CONFIGURATION = ("/dev.exs", "/test.exs")


def directories(*projects: Project) -> list[str]:
    """Return the directories that the projects are compiled from; one inside another counts once."""
    named: list[str] = []
    for part in projects:
        paths = part.elixirc_paths.value if isinstance(part.elixirc_paths, Known) else ()
        own = f"{part.path}/lib" if part.path else "lib"
        named.extend(path for path in dict.fromkeys((own, *paths)) if path and not path.startswith(("..", "/")))
    unique = list(dict.fromkeys(named))
    return [path for path in unique if not any(path.startswith(f"{other}/") for other in unique)]


def files(tree: Tree, directory: str, ending: str = ".ex") -> Iterator[str]:
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
        paths = [path for directory in directories(*self._projects) for path in files(self._tree, directory)]
        for part in self._projects:
            directory = f"{part.path}/config" if part.path else "config"
            paths += [path for path in files(self._tree, directory, ".exs") if not path.endswith(_OTHER_CONFIGURATION)]
        for path in paths:
            with contextlib.suppress(ProjectError):
                yield self._tree.read(path) or b""


def modules_with(
    tree: Tree, projects: tuple[Project, ...], *alternatives: tuple[bytes, ...]
) -> Iterator[tuple[Source, Module]]:
    """Yield the modules of the projects' files that have all words of an alternative, in the order of the files.

    A file that isn't Elixir throughout, or can't be read, counts for nothing: the compiler will tell.
    """
    for directory in directories(*projects):
        for path in files(tree, directory):
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
