"""A project as it will be, with files that aren't written yet."""

from __future__ import annotations

from collections.abc import Mapping

from relbuild.mix.facts import Tree


class Overlay:
    """A tree with files on top of another's."""

    def __init__(self, tree: Tree, files: Mapping[str, str]) -> None:
        self._tree = tree
        self._files = files

    def read(self, path: str) -> bytes | None:
        """Return the file's content, or None when there is no such file."""
        content = self._files.get(path)
        return content.encode() if content is not None else self._tree.read(path)

    def list(self, directory: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted, a directory's with a ``/`` at its end; () when there is none."""
        inside = f"{directory}/" if directory else ""
        own = (path.removeprefix(inside).partition("/") for path in self._files if path.startswith(inside))
        return tuple(sorted({*self._tree.list(directory), *(name + slash for name, slash, _ in own)}))
