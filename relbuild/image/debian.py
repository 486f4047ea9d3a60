"""The Debian packages that an image says it has, and the distribution it is of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from relbuild.image.filesystem import FileSystem

STATUS = "var/lib/dpkg/status"
# A file per package: images without dpkg have it, Google's distroless ones and relbuild's minimal ones.
STATUS_DIRECTORY = "var/lib/dpkg/status.d"

Read = Callable[[str], bytes | None]


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """An installed package; `source` and `source_version` are of what it was built from."""

    name: str
    architecture: str
    version: str
    source: str
    source_version: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """What /etc/os-release says: ID, VERSION_ID, VERSION_CODENAME and PRETTY_NAME, as far as they are there."""

    id: str
    version: str | None
    codename: str | None
    title: str


def distribution(read: Read) -> Distribution | None:
    """Return an image's distribution; None where it doesn't say (os-release(5))."""
    said = dict(_assignments((read("etc/os-release") or read("usr/lib/os-release") or b"").decode(errors="replace")))
    if "ID" not in said:
        return None
    title = said.get("PRETTY_NAME") or said.get("NAME") or said["ID"]
    return Distribution(said["ID"], said.get("VERSION_ID"), said.get("VERSION_CODENAME"), title)


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            yield name, re.sub(r"\\(.)", r"\1", value.strip("\"'"))


def packages(files: FileSystem, read: Read) -> tuple[Package, ...] | None:
    """Return the installed packages, sorted; None where the image has no record of any."""
    # dpkg-deb's checksums lie beside a minimal image's records.
    recorded = [path for path in files.files(STATUS_DIRECTORY) if not path.endswith(".md5sums")]
    texts = [content for path in (STATUS, *recorded) if (content := read(path)) is not None]
    if not texts:
        return None
    found = (_package(fields) for text in texts for fields in _paragraphs(text.decode(errors="replace")))
    return tuple(sorted({each for each in found if each is not None}))


def _paragraphs(text: str) -> Iterable[Mapping[str, str]]:
    """Yield each paragraph's fields, the first line of each (deb822(5))."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        pairs = (line.partition(":") for line in paragraph.splitlines() if line and line[0] not in " \t#")
        yield {name.strip().lower(): value.strip() for name, colon, value in pairs if colon}


def _package(fields: Mapping[str, str]) -> Package | None:
    name, version = fields.get("package"), fields.get("version")
    # The last word of "install ok installed"; what was removed leaves its configuration behind.
    state = fields.get("status", "installed").split()
    if not name or not version or state[-1:] != ["installed"]:
        return None
    source, _, source_version = fields.get("source", name).partition(" ")
    return Package(name, fields.get("architecture", ""), version, source, source_version.strip("() ") or version)
