"""An image's layers as one file system, as the OCI image specification lays them over one another (layer.md)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
# Linux follows no more symbolic links than this in one path (path_resolution(7)).
MOST_LINKS = 40

Kind = Literal["file", "directory", "symlink", "hardlink", "other"]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a layer has at a path; ``target`` is where a link leads."""

    kind: Kind
    size: int = 0
    mode: int = 0o644
    target: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file's content is: the layer, counted from the lowest, and its path in that layer."""

    layer: int
    path: str


# Paths have no slash at their start: "app/bin/shop".
Layer = Mapping[str, Entry]


class FileSystem:
    """The files a container of the image sees."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = layers
        self._seen: dict[str, int] = {}
        for index, layer in enumerate(layers):
            self._lay_over(index, layer)
        # An archive need not name the directories its files are in.
        self._parents = {parent for path in self._seen for parent in _parents(path)}

    def _lay_over(self, index: int, layer: Layer) -> None:
        for path in layer:
            directory, _, name = path.rpartition("/")
            if name == OPAQUE:
                self._remove_below(directory)
            elif name.startswith(WHITEOUT):
                gone = posixpath.join(directory, name.removeprefix(WHITEOUT))
                self._seen.pop(gone, None)
                self._remove_below(gone)
        for path, entry in layer.items():
            if path.rpartition("/")[2].startswith(WHITEOUT):
                continue
            below = self._seen.get(path)
            if below is not None and entry.kind != "directory" and self._layers[below][path].kind == "directory":
                self._remove_below(path)
            self._seen[path] = index

    def _remove_below(self, directory: str) -> None:
        prefix = f"{directory}/" if directory else ""
        for path in [path for path in self._seen if path.startswith(prefix)]:
            del self._seen[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __contains__(self, path: str) -> bool:
        return path in self._seen

    def entry(self, path: str) -> Entry | None:
        """Return what is at exactly this path, a link itself included."""
        layer = self._seen.get(path)
        return None if layer is None else self._layers[layer][path]

    def real(self, path: str) -> str | None:
        """Return the path with its symbolic links followed; None where there is nothing, or they go in a circle."""
        todo, done, links = path.strip("/").split("/"), "", 0
        while todo:
            part, *todo = todo
            if part in ("", "."):
                continue
            if part == "..":
                done = posixpath.dirname(done)
                continue
            at = posixpath.join(done, part)
            entry = self.entry(at)
            if entry is None and at not in self._parents:
                return None
            if entry is None or entry.kind != "symlink":
                done = at
                continue
            links += 1
            if links > MOST_LINKS:
                return None
            if entry.target.startswith("/"):
                done = ""
            todo = [*entry.target.split("/"), *todo]
        return done

    def layer(self, path: str) -> int | None:
        """Return which layer what is at this path comes from, counted from the lowest."""
        return self._seen.get(path)

    def place(self, path: str) -> Place | None:
        """Return where the content of the regular file at this path is, links followed."""
        real = self.real(path)
        if real is None:
            return None
        layer = self._seen.get(real)
        if layer is None:
            return None
        entry = self._layers[layer][real]
        if entry.kind == "hardlink":
            # In a layer's archive it names a path of the same archive.
            target = entry.target.strip("/")
            return Place(layer, target) if target in self._layers[layer] else None
        return Place(layer, real) if entry.kind == "file" else None

    def files(self, directory: str) -> tuple[str, ...]:
        """Return the paths of the regular files below a directory, sorted."""
        prefix = f"{directory.strip('/')}/" if directory.strip("/") else ""
        return tuple(
            sorted(
                path
                for path, layer in self._seen.items()
                if path.startswith(prefix) and self._layers[layer][path].kind in ("file", "hardlink")
            )
        )


def _parents(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def directories(paths: Iterable[str]) -> tuple[str, ...]:
    """Return search directories without their slashes at both ends, each once, in their order."""
    return tuple(dict.fromkeys(posixpath.normpath(path).strip("/") for path in paths if path))


# How the engine writes an instruction into the history: the classic builder's marks, and BuildKit's.
_CLASSIC = re.compile(r"^/bin/sh -c #\(nop\)\s+")
_RUN = re.compile(r"^(?:RUN (?:\|\d+ .*?)?)?/bin/sh -c ")
_BUILDKIT = re.compile(r"\s*# buildkit$")


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A layer; sizes are bytes.

    `size` is that of its archive, unpacked, `packed` as a registry has it, of which `digest` is; None where the engine
    keeps it unpacked only. `diff_id` is the digest of the unpacked archive. `instruction` is as the history has it.
    """

    diff_id: str
    digest: str | None
    size: int
    packed: int | None
    files: int
    instruction: str

    @property
    def made_by(self) -> str:
        """The instruction as one would write it, on one line."""
        text = _BUILDKIT.sub("", self.instruction)
        classic = _CLASSIC.match(text)
        text = text[classic.end() :] if classic else _RUN.sub("RUN ", text)
        return " ".join(text.split())
