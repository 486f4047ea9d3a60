"""What was read in the layers of images, noted by layer, so that a layer's content is read once and not at each build.

A layer's name is the digest of what is in it, so a note holds for ever. Noted is what was asked: an answer that isn't
there is sought in the layer's content. The build's secrets are never sought, and never noted, here.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, field
from pathlib import Path
from typing import Any

from relbuild import __version__, cache
from relbuild.engine import files
from relbuild.engine.layer import Unpacked, unpack
from relbuild.image.filesystem import Entry, Layer
from relbuild.image.leaks import Needles
from relbuild.image.linking import Elf
from relbuild.values import dataclass

# Only what is named by its content (OCI image layout) can be known again.
BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
# Notes that weren't used for so long (seconds) are dropped.
OLDEST = 30 * 24 * 3600


class Forgotten(Exception):
    """Something was asked of a layer that isn't noted, and its content isn't at hand."""


@dataclass(slots=True)
class Notes:
    """What is known of a layer, as of one that is unpacked; `elf` and `texts` hold what was asked, by path."""

    entries: Layer
    programs: tuple[str, ...]
    keyed: tuple[str, ...]
    size: int
    files: int
    packed: int | None
    elf: dict[str, Elf | None] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, layer: Unpacked) -> Notes:
        """Return what is noted of every layer."""
        return cls(layer.entries, layer.programs, layer.keyed, layer.size, layer.files, layer.packed)


class Noted:
    """A layer that answers from its notes, and from its content, where that is at hand, what they lack."""

    def __init__(self, notes: Notes, content: Unpacked | None = None) -> None:
        self.notes = notes
        self.entries, self.programs, self.keyed = notes.entries, notes.programs, notes.keyed
        self.size, self.files, self.packed = notes.size, notes.files, notes.packed
        self._content = content

    def read(self, path: str) -> bytes:
        """Return a file's content; raise KeyError where the layer has no file of this path."""
        if path not in self.notes.texts:
            self.notes.texts[path] = self._unpacked().read(path)
        return self.notes.texts[path]

    def elf(self, path: str) -> Elf | None:
        """Return what the dynamic linker reads of a file; None where it is no ELF file."""
        if path not in self.notes.elf:
            self.notes.elf[path] = self._unpacked().elf(path)
        return self.notes.elf[path]

    def secrets(self, needles: Needles) -> Iterator[tuple[str, str]]:
        """Yield the path of each file that holds one of the secrets, with the secret's name."""
        return self._unpacked().secrets(needles) if needles else iter(())

    def md5(self, path: str) -> str:
        """Return a file's MD5; that, or what is in it, isn't noted, as it is asked of files with a secret."""
        return self._unpacked().md5(path)

    def packaged(self) -> Iterator[tuple[str, str]]:
        """Yield the files of the packages that the layer installs, as dpkg has them: a path and its MD5."""
        return self._unpacked().packaged()

    def _unpacked(self) -> Unpacked:
        if self._content is None:
            raise Forgotten
        return self._content


class Notebook:
    """The notes of layers, in the user's cache; ``whole`` has every layer read, and its notes added to."""

    def __init__(self, *, whole: bool = False) -> None:
        self._directory = cache.directory() / "layers" / __version__
        self._whole = whole
        self._new: list[tuple[Path, Notes]] = []

    def known(self, blob: str) -> Noted | None:
        """Return the layer in a blob; None where there are no notes of it, or its content is wanted."""
        path = self._path(blob)
        notes = None if path is None or self._whole else _read(path)
        return None if notes is None else Noted(notes)

    def unpacked(self, blob: str, raw: Any) -> Noted:
        """Return the layer in a blob with this content; raise what unpacking does."""
        content = unpack(raw)
        path = self._path(blob)
        notes = (_read(path) if path is not None else None) or Notes.of(content)
        if path is not None:
            self._new.append((path, notes))
        return Noted(notes, content)

    def layer(self, diff_id: str) -> Noted | None:
        """Return the layer whose content, unpacked, has this digest; None where there are no notes of it."""
        notes = _read(self._by_content(diff_id))
        return None if notes is None else Noted(notes)

    def keep(self, diff_ids: Mapping[str, str]) -> None:
        """Write down what is new, by the layers' blobs and by the digests of what is in those.

        Where the cache can't be written nothing is kept.
        """
        for path, notes in self._new:
            files.remember(path, json.dumps(_document(notes), separators=(",", ":")))
        for blob, diff_id in diff_ids.items():
            if (noted := self._path(blob)) is not None:
                _link(noted, self._by_content(diff_id))
        if self._new:
            _sweep(self._directory)

    def _path(self, blob: str) -> Path | None:
        named = BLOB.fullmatch(blob)
        return None if named is None else self._directory / f"{named[1]}.json"

    def _by_content(self, diff_id: str) -> Path:
        return self._directory / f"{diff_id.removeprefix('sha256:')}.json"


def _read(path: Path) -> Notes | None:
    """Return the notes in a file; None where there are none, or they were cut off."""
    with suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
        known = json.loads(path.read_bytes())
        with suppress(OSError):
            path.touch()
        return Notes(
            {name: Entry(*entry) for name, entry in known["entries"].items()},
            tuple(known["programs"]),
            tuple(known["keyed"]),
            known["size"],
            known["files"],
            known["packed"],
            {name: _elf(each) for name, each in known["elf"].items()},
            {name: text.encode("latin-1") for name, text in known["texts"].items()},
        )
    return None


def _document(notes: Notes) -> dict[str, Any]:
    return {
        "entries": {path: (each.kind, each.size, each.mode, each.target) for path, each in notes.entries.items()},
        "programs": notes.programs,
        "keyed": notes.keyed,
        "size": notes.size,
        "files": notes.files,
        "packed": notes.packed,
        "elf": {
            path: None if each is None else asdict(each) | {"defines": sorted(each.defines)}
            for path, each in notes.elf.items()
        },
        "texts": {path: text.decode("latin-1") for path, text in notes.texts.items()},
    }


def _elf(known: dict[str, Any] | None) -> Elf | None:
    if known is None:
        return None
    return Elf(
        known["machine"],
        tuple(known["needed"]),
        tuple(known["rpath"]),
        tuple(known["runpath"]),
        known["interpreter"],
        {library: tuple(versions) for library, versions in known["wants"].items()},
        frozenset(known["defines"]),
    )


def _link(path: Path, other: Path) -> None:
    """Have a file under another name, too."""
    with suppress(OSError):
        if not other.exists() or not other.samefile(path):
            other.unlink(missing_ok=True)
            other.hardlink_to(path)


def _sweep(directory: Path) -> None:
    oldest = time.time() - OLDEST
    with suppress(OSError):
        for each in directory.iterdir():
            if each.stat().st_mtime < oldest:
                each.unlink(missing_ok=True)
