"""A layer of an image, unpacked in memory or, when it is large, in a file."""

from __future__ import annotations

import bisect
import gzip
import io
import mmap
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from relbuild.engine import elf
from relbuild.image.filesystem import Entry, Kind, Layer
from relbuild.image.verify.libraries import Elf
from relbuild.image.verify.secrets import BEAM, DISTRIBUTION, GZIP, Needles, private_keys

ZSTANDARD = b"\x28\xb5\x2f\xfd"
# A layer larger than this (bytes, as it is in the archive) is unpacked to a file, not to memory.
IN_MEMORY = 64 * 1024 * 1024
CHUNK = 1024 * 1024
KINDS: Mapping[bytes, Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.DIRTYPE: "directory",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A layer: its entries, and where in its bytes a file's content is; `packed` is its size before it was unpacked."""

    content: Any
    entries: Layer
    offsets: Mapping[str, int]
    packed: int | None = None

    def read(self, path: str) -> bytes:
        """Return a file's content; raise KeyError where the layer has no file of this path."""
        at = self.offsets[path]
        return bytes(self.content[at : at + self.entries[path].size])

    def elf(self, path: str) -> Elf | None:
        """Return what the dynamic linker reads of a file; None where it is no ELF file."""
        return elf.read(self.read(path))

    @property
    def size(self) -> int:
        """The layer's size in bytes, unpacked."""
        return len(self.content)

    @property
    def files(self) -> int:
        """How many regular files it has."""
        return len(self.offsets)

    @property
    def programs(self) -> tuple[str, ...]:
        """The paths of the ELF files."""
        return tuple(path for path in self.offsets if self._starts_with(path, elf.MAGIC))

    @property
    def keyed(self) -> tuple[str, ...]:
        """The paths of the files that hold a private key."""
        # The whole layer is searched in one go, which is much faster than each file.
        found = filter(None, map(_Places(self).path, private_keys(self.content)))
        return tuple(dict.fromkeys(path for path in found if not path.startswith(DISTRIBUTION)))

    def secrets(self, needles: Needles) -> Iterator[tuple[str, str]]:
        """Yield the path of each file that holds one of the secrets, with the secret's name."""
        places = _Places(self)
        for at, name in needles.in_bytes(self.content):
            if path := places.path(at):
                yield path, name
        for path in self.offsets:
            if path.endswith(".beam") and (self._starts_with(path, BEAM) or self._starts_with(path, GZIP)):
                yield from ((path, name) for name in needles.in_beam(self.read(path)))

    def _starts_with(self, path: str, magic: bytes) -> bool:
        at = self.offsets[path]
        return bytes(self.content[at : at + len(magic)]) == magic


class _Places:
    """Which file a byte of a layer belongs to."""

    def __init__(self, layer: Unpacked) -> None:
        self._layer = layer
        self._starts = sorted((at, path) for path, at in layer.offsets.items())

    def path(self, at: int) -> str | None:
        number = bisect.bisect_right(self._starts, (at, "\U0010ffff")) - 1
        if number < 0:
            return None
        start, path = self._starts[number]
        return path if at < start + self._layer.entries[path].size else None


def spooled(stream: IO[bytes]) -> Any:
    """Return all of a stream's bytes, from memory or, when they are many, from a file that is gone when they are."""
    start = stream.read(IN_MEMORY)
    if len(start) < IN_MEMORY:
        return start
    with tempfile.TemporaryFile() as file:
        file.write(start)
        shutil.copyfileobj(stream, file, CHUNK)
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def unpack(raw: Any) -> Unpacked:
    """Return a layer from its archive, packed or not; raise tarfile's, zlib's or gzip's error, or ValueError."""
    packed = bytes(raw[:2]) == GZIP or bytes(raw[:4]) == ZSTANDARD
    content = (_gunzipped(raw) if bytes(raw[:2]) == GZIP else _unzstd(raw)) if packed else raw
    entries: dict[str, Entry] = {}
    offsets: dict[str, int] = {}
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for member in archive:
            path = member.name.removeprefix("./").strip("/")
            if not path or path == ".":
                continue
            kind = KINDS.get(member.type, "other")
            entries[path] = Entry(kind, member.size, member.mode, member.linkname.removeprefix("./"))
            if kind == "file":
                offsets[path] = member.offset_data
    return Unpacked(content, entries, offsets, len(raw) if packed else None)


def _gunzipped(raw: Any) -> Any:
    if len(raw) <= IN_MEMORY:
        return gzip.decompress(raw)
    return _spooled_to_file(gzip.GzipFile(fileobj=raw))


def _unzstd(raw: Any) -> Any:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    try:
        return zstd.decompress(raw) if len(raw) <= IN_MEMORY else _spooled_to_file(zstd.ZstdFile(raw))
    except zstd.ZstdError as error:
        raise ValueError(f"a layer that is compressed with zstd is damaged: {error}") from error


def _spooled_to_file(unpacking: io.BufferedIOBase) -> Any:
    """Return the bytes of a stream, mapped from a file that is gone when they are."""
    with tempfile.TemporaryFile() as file, unpacking:
        shutil.copyfileobj(unpacking, file, CHUNK)
        file.flush()
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
