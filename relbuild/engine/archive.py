"""What is inside an image: its layers and its configuration, read from what ``docker save`` gives.

No container is started and no program of the image is needed, so that it works for an image of another platform and for
one that has no shell. Layers come as tar archives, packed (the containerd image store) or not (the usual one).
"""

from __future__ import annotations

import gzip
import json
import posixpath
import re
import tarfile
import zlib
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from typing import IO, Any

from relbuild.engine.layer import CHUNK, Unpacked, spooled, unpack
from relbuild.errors import CommandFailed
from relbuild.image.filesystem import FileSystem, LayerFacts
from relbuild.image.verify.libraries import Elf
from relbuild.image.verify.secrets import Leak, Needles, configuration_leaks, secret_files

# How the OCI image layout names what is in an image: by the digest of its content.
BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


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
                size=layer.size,
                packed=layer.packed,
                files=layer.files,
                instruction=said.instructions[index] if complete else "",
            )
            for index, layer in enumerate(self._layers)
        )

    def same(self, path: str, other: Archive, other_path: str) -> bool:
        """Return whether a regular file has the same content as one of another image."""
        return self.read(path) == other.read(other_path)

    def _elf(self, path: str) -> Elf | None:
        place = self.files.place(path)
        return None if place is None else self._layers[place.layer].elf(place.path)

    def elf_files(self, directory: str) -> tuple[str, ...]:
        """Return the paths of the ELF files below a directory."""
        programs = [frozenset(layer.programs) for layer in self._layers]
        places = ((path, self.files.place(path)) for path in self.files.files(directory))
        return tuple(path for path, place in places if place is not None and place.path in programs[place.layer])

    def leaks(self, root: str, needles: Needles) -> tuple[Leak, ...]:
        """Return all that must not be in the image; also what a later layer has deleted, which is still shipped."""
        configuration = self.configuration
        found = list(
            configuration_leaks(configuration.env, configuration.history, configuration.labels.values(), needles)
        )
        for index, layer in enumerate(self._layers):
            contained = (
                *secret_files(layer.entries, index, root),
                *(Leak("key", path, layer=index) for path in layer.keyed),
                *(Leak("secret", path, name, index) for path, name in layer.secrets(needles)),
            )
            found += [self._shown(leak) for leak in contained]
        return tuple(dict.fromkeys(found))

    def _shown(self, leak: Leak) -> Leak:
        return replace(leak, deleted=self.files.layer(leak.where) != leak.layer)


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
                raw = spooled(content)
                if bytes(raw[:1]) in (b"{", b"["):
                    documents[member.name] = bytes(raw)
                else:
                    blobs[member.name] = pool.submit(unpack, raw)
        manifest, configuration = _manifest(documents, architecture)
        names = [links.get(name, name) for name in manifest["Layers"]]
        layers = [blobs[name].result() for name in names]
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
