"""What is inside an image: its layers and its configuration, read from what ``docker save`` gives.

No container is started and no program of the image is needed, so that it works for an image of another platform and for
one that has no shell. Layers come as tar archives, packed (the containerd image store) or not (the usual one).
"""

from __future__ import annotations

import bisect
import gzip
import io
import json
import mmap
import posixpath
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field, replace
from functools import cache
from typing import IO, Any

from relbuild.engine import elf
from relbuild.errors import CommandFailed
from relbuild.image.filesystem import Entry, FileSystem, Kind, Layer
from relbuild.image.history import LayerFacts
from relbuild.image.leaks import BEAM, DISTRIBUTION, Leak, Needles, configured, keys, named
from relbuild.image.linking import Elf
from relbuild.values import dataclass

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
# A layer larger than this (bytes, as it is in the archive) is unpacked to a file, not to memory.
IN_MEMORY = 64 * 1024 * 1024
CHUNK = 1024 * 1024
BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
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
        """Return a file's content."""
        at = self.offsets[path]
        return bytes(self.content[at : at + self.entries[path].size])


@dataclass(frozen=True, slots=True)
class Configuration:
    """An image's configuration, as far as it matters here; `instructions` are those that made a layer, by layer."""

    user: str = ""
    os: str = ""
    architecture: str = ""
    created: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    start: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    diff_ids: tuple[str, ...] = ()
    instructions: tuple[str, ...] = ()


class Archive:
    """An image's content; `names` are those of the layers' blobs."""

    def __init__(self, layers: Sequence[Unpacked], configuration: Configuration, names: Sequence[str] = ()) -> None:
        self._layers = layers
        self._names = names
        self.configuration = configuration
        self.files = FileSystem([layer.entries for layer in layers])
        self.elf = cache(self._elf)

    def read(self, path: str) -> bytes | None:
        """Return the content of the regular file at a path, links followed; None where there is none."""
        place = self.files.place(path)
        return None if place is None else self._layers[place.layer].read(place.path)

    @property
    def layers(self) -> tuple[LayerFacts, ...]:
        """What is known of each layer, from the lowest up; a digest only of what is packed as a registry has it."""
        names, said = self._names, self.configuration
        complete = len(said.instructions) == len(self._layers)
        return tuple(
            LayerFacts(
                diff_id=said.diff_ids[index] if index < len(said.diff_ids) else "",
                digest=_digest(names[index]) if layer.packed is not None and index < len(names) else None,
                size=len(layer.content),
                packed=layer.packed,
                files=len(layer.offsets),
                instruction=said.instructions[index] if complete else "",
            )
            for index, layer in enumerate(self._layers)
        )

    def same(self, path: str, other: Archive, other_path: str) -> bool:
        """Tell whether a regular file has the same content as one of another image."""
        return self.read(path) == other.read(other_path)

    def _elf(self, path: str) -> Elf | None:
        content = self.read(path)
        return None if content is None else elf.read(content)

    def elf_files(self, directory: str) -> tuple[str, ...]:
        """Return the paths of the ELF files below a directory."""
        return tuple(path for path in self.files.files(directory) if self._starts_with(path, elf.MAGIC))

    def _starts_with(self, path: str, magic: bytes) -> bool:
        place = self.files.place(path)
        if place is None:
            return False
        layer = self._layers[place.layer]
        at = layer.offsets[place.path]
        return bytes(layer.content[at : at + len(magic)]) == magic

    def leaks(self, root: str, needles: Needles) -> tuple[Leak, ...]:
        """Return all that must not be in the image; also what a later layer has deleted, which is still shipped."""
        configuration = self.configuration
        found = list(configured(configuration.env, configuration.history, configuration.labels.values(), needles))
        for index, layer in enumerate(self._layers):
            contained = (*named(layer.entries, index, root), *_contained(layer, index, needles))
            found += [self._shown(leak) for leak in contained]
        return tuple(dict.fromkeys(found))

    def _shown(self, leak: Leak) -> Leak:
        return replace(leak, deleted=self.files.layer(leak.where) != leak.layer)


def _contained(layer: Unpacked, index: int, needles: Needles) -> Iterator[Leak]:
    """Yield what stands in a layer's files; all of them are searched in one go, which is much faster than each."""
    starts = sorted((at, path) for path, at in layer.offsets.items())

    def path_at(at: int) -> str | None:
        number = bisect.bisect_right(starts, (at, "\U0010ffff")) - 1
        if number < 0:
            return None
        start, path = starts[number]
        return path if at < start + layer.entries[path].size else None

    for at in keys(layer.content):
        path = path_at(at)
        if path is not None and not path.startswith(DISTRIBUTION):
            yield Leak("key", path, layer=index)
    if not needles:
        return
    for at, name in needles.in_bytes(layer.content):
        if path := path_at(at):
            yield Leak("secret", path, name, index)
    for at, path in starts:
        if path.endswith(".beam") and bytes(layer.content[at : at + 4]) == BEAM:
            yield from (Leak("secret", path, name, index) for name in needles.in_beam(layer.read(path)))


def read(stream: IO[bytes], architecture: str = "") -> Archive:
    """Return the content of an image in the form ``docker save`` gives; of several platforms that of ``architecture``.

    Raises CommandFailed for an archive that is no image's or whose layers are packed in a way that can't be read.
    """
    documents: dict[str, bytes] = {}
    blobs: dict[str, Future[Unpacked]] = {}
    links: dict[str, str] = {}
    try:
        with ThreadPoolExecutor() as pool, tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as archive:
            for member in archive:
                if member.issym():  # a layer that the image has twice, before Docker 25
                    target = posixpath.join(posixpath.dirname(member.name), member.linkname)
                    links[member.name] = posixpath.normpath(target)
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                raw = _content(content, member.size)
                if bytes(raw[:1]) in (b"{", b"["):
                    documents[member.name] = bytes(raw)
                else:
                    blobs[member.name] = pool.submit(_unpacked, raw)
        manifest, configuration = _manifest(documents, architecture)
        layers = [blobs[links.get(name, name)].result() for name in manifest["Layers"]]
        return Archive(layers, _configuration(configuration), manifest["Layers"])
    except (
        tarfile.TarError,
        zlib.error,
        gzip.BadGzipFile,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        EOFError,
    ) as error:
        raise CommandFailed(
            f"can't read the image: {error or type(error).__name__}",
            hint="--no-verify builds without looking into it; please report it",
        ) from error


def _content(file: IO[bytes], size: int) -> Any:
    """Return a member's bytes, from memory or, when they are many, from a file that is gone when they are."""
    if size <= IN_MEMORY:
        return file.read()
    with tempfile.TemporaryFile() as spooled:
        while chunk := file.read(CHUNK):
            spooled.write(chunk)
        spooled.flush()
        return mmap.mmap(spooled.fileno(), 0, access=mmap.ACCESS_READ)


def _unpacked(raw: Any) -> Unpacked:
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
    with tempfile.TemporaryFile() as spooled, gzip.GzipFile(fileobj=raw) as unpacking:
        shutil.copyfileobj(unpacking, spooled, CHUNK)
        spooled.flush()
        return mmap.mmap(spooled.fileno(), 0, access=mmap.ACCESS_READ)


def _unzstd(raw: Any) -> bytes:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # from Python 3.14
    except ImportError as error:
        raise ValueError("a layer is packed with zstd, which this Python can't unpack (3.14 can)") from error
    return bytes(zstd.decompress(raw))


def _manifest(documents: Mapping[str, bytes], architecture: str) -> tuple[Any, Any]:
    """Return the image's manifest and configuration: those of the architecture, where there are several."""
    manifests = json.loads(documents["manifest.json"])
    pairs = [(each, json.loads(documents[each["Config"]])) for each in manifests]
    return next((pair for pair in pairs if pair[1].get("architecture") == architecture), pairs[0])


def _configuration(document: Mapping[str, Any]) -> Configuration:
    config = document.get("config") or {}
    variables = (each.partition("=") for each in config.get("Env") or ())
    history = document.get("history") or ()
    return Configuration(
        user=str(config.get("User") or ""),
        os=str(document.get("os") or ""),
        architecture=str(document.get("architecture") or ""),
        created=str(document.get("created") or ""),
        env={name: value for name, _, value in variables},
        labels=dict(config.get("Labels") or {}),
        start=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
        history=tuple(str(each.get("created_by") or "") for each in history),
        diff_ids=tuple(map(str, (document.get("rootfs") or {}).get("diff_ids") or ())),
        instructions=tuple(
            str(each.get("created_by") or each.get("comment") or "") for each in history if not each.get("empty_layer")
        ),
    )


def _digest(name: str) -> str | None:
    """Return the digest that a blob's name is made of (OCI image layout), where it is."""
    found = BLOB.fullmatch(name)
    return None if found is None else f"sha256:{found[1]}"
