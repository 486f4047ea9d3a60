"""The release that an image holds, found by its files."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from relbuild.image import labels
from relbuild.image.filesystem import FileSystem

START_DATA = "releases/start_erl.data"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A release inside an image; ``root`` is its directory, with the slash at its start."""

    name: str
    root: str
    version: str

    @property
    def directory(self) -> str:
        """The root as the file system's paths have it."""
        return self.root.strip("/")


def find(files: FileSystem, read: Callable[[str], bytes | None], label: Mapping[str, str]) -> Shipped | None:
    """Return the image's release: the one its labels name, else the first that ``mix release`` left its files of.

    ``mix release`` writes releases/start_erl.data ("ERTS VERSION"), releases/VERSION/NAME.rel and bin/NAME
    (Elixir: lib/mix/lib/mix/tasks/release.ex).
    """
    found = []
    for path in sorted(files):
        root = path.removesuffix(START_DATA).rstrip("/")
        if path.endswith(f"/{START_DATA}") or path == START_DATA:
            words = (read(path) or b"").decode(errors="replace").split()
            names = _names(files, root, words[1]) if len(words) == 2 else ()
            found += [Shipped(name, f"/{root}", words[1]) for name in names]
    wanted = (label.get(labels.RELEASE), label.get(labels.ROOT))
    return next((each for each in found if (each.name, each.root) == wanted), found[0] if found else None)


def _names(files: FileSystem, root: str, version: str) -> tuple[str, ...]:
    directory = posixpath.join(root, "releases", version)
    rels = [posixpath.basename(path) for path in files.files(directory) if posixpath.dirname(path) == directory]
    names = sorted(name.removesuffix(".rel") for name in rels if name.endswith(".rel"))
    return tuple(name for name in names if files.place(posixpath.join(root, "bin", name)) is not None)
