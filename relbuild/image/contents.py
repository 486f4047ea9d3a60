"""What a release inside an image is made of: its applications, where each comes from, and what takes the space."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from relbuild.errors import ProjectError
from relbuild.image import labels
from relbuild.image.filesystem import FileSystem
from relbuild.image.shipped import START_DATA, Shipped
from relbuild.mix import lock
from relbuild.mix.lock import Locked
from relbuild.release import terms
from relbuild.release.terms import Atom, NotATerm

# Where relbuild's Dockerfile leaves what mix.lock says of the release's dependencies, from the release's root.
LOCK = "releases/mix.lock"

Origin = Literal["project", "hex", "git", "elixir", "otp", "unknown"]
Read = Callable[[str], bytes | None]

ELIXIR = frozenset({"eex", "elixir", "ex_unit", "iex", "logger", "mix"})
# Those of OTP 24 to 29 (erlang/otp, lib/).
OTP = frozenset(
    {
        *("asn1", "common_test", "compiler", "crypto", "debugger", "dialyzer", "diameter", "edoc", "eldap"),
        *("erl_docgen", "erl_interface", "et", "eunit", "ftp", "inets", "jinterface", "kernel", "megaco", "mnesia"),
        *("observer", "odbc", "os_mon", "parsetools", "public_key", "reltool", "runtime_tools", "sasl", "snmp", "ssh"),
        *("ssl", "stdlib", "syntax_tools", "tftp", "tools", "wx", "xmerl"),
    }
)
# OTP numbers its releases and its emulator side by side: 12 is OTP 24, 17 is OTP 29 (erlang/otp, otp_versions.table).
_OTP_OF_ERTS = 12
_APPLICATION = re.compile(r"(?P<name>[a-z][\w@]*)-(?P<version>[^/]+)/ebin/(?P=name)\.app")


@dataclass(frozen=True, slots=True)
class Application:
    """An application of the release.

    `size` is that of its files in bytes; `layer` the one they are in (the most of them, counted from the lowest), None
    where they aren't in the release's own lib. `applications` are those that it needs, as its .app file says.
    """

    name: str
    version: str
    origin: Origin
    size: int
    files: int
    layer: int | None
    applications: tuple[str, ...] = ()
    locked: Locked | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """What the release runs on; `otp` is a whole version or, where that isn't known, the major one alone."""

    elixir: str | None
    otp: str | None
    erts: str


@dataclass(frozen=True, slots=True)
class Contents:
    """A release's parts; `has_lock` says whether the image has what mix.lock says of its dependencies."""

    applications: tuple[Application, ...]
    versions: Versions
    has_lock: bool


def find(files: FileSystem, read: Read, release: Shipped, label: Mapping[str, str]) -> Contents:
    """Return what the release is made of; what its files don't say, or say in a way of their own, is left open."""
    root = release.directory
    erts = (read(posixpath.join(root, START_DATA)) or b"").decode(errors="replace").split()[:1]
    locked = _locked(read(posixpath.join(root, LOCK)))
    versions = _listed(read(posixpath.join(root, "releases", release.version, f"{release.name}.rel")))
    versions = {**versions, **_shipped(files, root)}
    # Without the label: the one that the release has its name from, as it has unless mix.exs says otherwise.
    own = label.get(labels.APPLICATIONS, release.name).split()
    found = _Release(files, read, root, locked or {}, frozenset(own))
    return Contents(
        tuple(found.application(name, version) for name, version in sorted(versions.items())),
        Versions(versions.get("elixir"), _otp(read, root, "".join(erts)), "".join(erts)),
        locked is not None,
    )


def _locked(content: bytes | None) -> Mapping[str, Locked] | None:
    try:
        return None if content is None else lock.read_lock(LOCK, content)
    except ProjectError:  # someone else's file of this name
        return None


def _listed(rel: bytes | None) -> dict[str, str]:
    """Return the applications' versions that NAME.rel lists."""
    match _term(rel):
        case (Atom("release"), _, _, list(applications)):
            return {
                each[0].name: each[1]
                for each in applications
                if isinstance(each, tuple) and len(each) > 1 and isinstance(each[0], Atom) and isinstance(each[1], str)
            }
    return {}


def _shipped(files: FileSystem, root: str) -> dict[str, str]:
    """Return the versions of the applications that have a directory in lib, as opposed to what an overlay put there."""
    directory = posixpath.join(root, "lib") + "/"
    found = (_APPLICATION.fullmatch(path.removeprefix(directory)) for path in files if path.startswith(directory))
    return {match["name"]: match["version"] for match in found if match}


def _term(content: bytes | None) -> Any:
    try:
        return None if content is None else terms.parse(content.decode(errors="replace"))
    except NotATerm:
        return None


def _otp(read: Read, root: str, erts: str) -> str | None:
    """Return OTP's version: the one that stands where OTP itself has it, else the major one that goes with ERTS."""
    major, _, _ = erts.partition(".")
    if not major.isdigit() or int(major) < _OTP_OF_ERTS:
        return None
    otp = str(int(major) + _OTP_OF_ERTS)
    exact = (read(posixpath.join(root, "releases", otp, "OTP_VERSION")) or b"").decode(errors="replace").strip()
    return exact if exact.startswith(f"{otp}.") or exact == otp else otp


@dataclass(frozen=True, slots=True)
class _Release:
    files: FileSystem
    read: Read
    root: str
    locked: Mapping[str, Locked]
    own: frozenset[str]

    def application(self, name: str, version: str) -> Application:
        directory = posixpath.join(self.root, "lib", f"{name}-{version}")
        sizes = list(self._sizes(directory))
        layers = [layer for layer, _ in sizes]
        return Application(
            name=name,
            version=version,
            origin=self._origin(name),
            size=sum(size for _, size in sizes),
            files=len(sizes),
            layer=max(sorted(set(layers)), key=layers.count) if layers else None,
            applications=_needed(_term(self.read(f"{directory}/ebin/{name}.app"))),
            locked=self.locked.get(name),
        )

    def _sizes(self, directory: str) -> Iterator[tuple[int, int]]:
        for path in self.files.files(directory):
            entry, layer = self.files.entry(path), self.files.layer(path)
            if entry is not None and layer is not None:
                yield layer, entry.size

    def _origin(self, name: str) -> Origin:
        if name in self.own:
            return "project"
        locked = self.locked.get(name)
        if locked is not None and locked.source != "unknown":
            return locked.source
        return "elixir" if name in ELIXIR else "otp" if name in OTP else "unknown"


def _needed(app: Any) -> tuple[str, ...]:
    """Return the applications that an .app file names: those it needs, and those it includes."""
    match app:
        case (Atom("application"), _, list(keys)):
            pairs = [each for each in keys if isinstance(each, tuple) and len(each) == 2]
            named = [
                name
                for key, value in pairs
                if key in (Atom("applications"), Atom("included_applications")) and isinstance(value, list)
                for name in value
            ]
            return tuple(sorted({each.name for each in named if isinstance(each, Atom)}))
    return ()
