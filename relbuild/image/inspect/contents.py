"""What an image holds: its release, the applications of it, their origins, and Debian's packages."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from relbuild.errors import ProjectError
from relbuild.image import labels
from relbuild.image.filesystem import FileSystem
from relbuild.mix import lock
from relbuild.mix.lock import Locked
from relbuild.release import terms
from relbuild.release.terms import Atom, NotATerm

START_DATA = "releases/start_erl.data"


@dataclass(frozen=True, slots=True)
class ShippedRelease:
    """A release inside an image; ``root`` is its directory, with the slash at its start."""

    name: str
    root: str
    version: str

    @property
    def directory(self) -> str:
        """The root as the file system's paths have it."""
        return self.root.strip("/")


def find_release(
    files: FileSystem, read: Callable[[str], bytes | None], label: Mapping[str, str]
) -> ShippedRelease | None:
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
            found += [ShippedRelease(name, f"/{root}", words[1]) for name in names]
    wanted = (label.get(labels.RELEASE), label.get(labels.ROOT))
    return next((each for each in found if (each.name, each.root) == wanted), found[0] if found else None)


def _names(files: FileSystem, root: str, version: str) -> tuple[str, ...]:
    directory = posixpath.join(root, "releases", version)
    rels = [posixpath.basename(path) for path in files.files(directory) if posixpath.dirname(path) == directory]
    names = sorted(name.removesuffix(".rel") for name in rels if name.endswith(".rel"))
    return tuple(name for name in names if files.place(posixpath.join(root, "bin", name)) is not None)


# Where relbuild's Dockerfile leaves what mix.lock says of the release's dependencies, from the release's root.
SHIPPED_LOCK = "releases/mix.lock"

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
class RuntimeVersions:
    """What the release runs on; `otp` is a whole version or, where that isn't known, the major one alone."""

    elixir: str | None
    otp: str | None
    erts: str


@dataclass(frozen=True, slots=True)
class Contents:
    """A release's parts; `has_lock` says whether the image has what mix.lock says of its dependencies."""

    applications: tuple[Application, ...]
    versions: RuntimeVersions
    has_lock: bool


def read_contents(files: FileSystem, read: Read, release: ShippedRelease, label: Mapping[str, str]) -> Contents:
    """Return what the release is made of; what its files don't say, or say in a way of their own, is left open."""
    root = release.directory
    erts = (read(posixpath.join(root, START_DATA)) or b"").decode(errors="replace").split()[:1]
    locked = _locked(read(posixpath.join(root, SHIPPED_LOCK)))
    versions = _listed(read(posixpath.join(root, "releases", release.version, f"{release.name}.rel")))
    versions = {**versions, **_lib_versions(files, root)}
    # Without the label: the one that the release has its name from, as it has unless mix.exs says otherwise.
    own = label.get(labels.APPLICATIONS, release.name).split()
    found = _Release(files, read, root, locked or {}, frozenset(own))
    return Contents(
        tuple(found.application(name, version) for name, version in sorted(versions.items())),
        RuntimeVersions(versions.get("elixir"), _otp(read, root, "".join(erts)), "".join(erts)),
        locked is not None,
    )


def _locked(content: bytes | None) -> Mapping[str, Locked] | None:
    try:
        return None if content is None else lock.read_lock(SHIPPED_LOCK, content)
    except ProjectError:  # someone else's file of this name
        return None


def _listed(rel: bytes | None) -> dict[str, str]:
    """Return the applications' versions that NAME.rel lists."""
    match _parse_term(rel):
        case (Atom("release"), _, _, list(applications)):
            return {
                each[0].name: each[1]
                for each in applications
                if isinstance(each, tuple) and len(each) > 1 and isinstance(each[0], Atom) and isinstance(each[1], str)
            }
    return {}


def _lib_versions(files: FileSystem, root: str) -> dict[str, str]:
    """Return the versions of the applications that have a directory in lib, as opposed to what an overlay put there."""
    directory = posixpath.join(root, "lib") + "/"
    found = (_APPLICATION.fullmatch(path.removeprefix(directory)) for path in files if path.startswith(directory))
    return {match["name"]: match["version"] for match in found if match}


def _parse_term(content: bytes | None) -> Any:
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
            applications=_needed(_parse_term(self.read(f"{directory}/ebin/{name}.app"))),
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


STATUS = "var/lib/dpkg/status"
# A file per package: images without dpkg have it, Google's distroless ones and relbuild's minimal ones.
STATUS_DIRECTORY = "var/lib/dpkg/status.d"


@dataclass(frozen=True, slots=True, order=True)
class DebianPackage:
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


def read_distribution(read: Read) -> Distribution | None:
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


def debian_packages(files: FileSystem, read: Read) -> tuple[DebianPackage, ...] | None:
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


def _package(fields: Mapping[str, str]) -> DebianPackage | None:
    name, version = fields.get("package"), fields.get("version")
    # The last word of "install ok installed"; what was removed leaves its configuration behind.
    state = fields.get("status", "installed").split()
    if not name or not version or state[-1:] != ["installed"]:
        return None
    source, _, source_version = fields.get("source", name).partition(" ")
    return DebianPackage(name, fields.get("architecture", ""), version, source, source_version.strip("() ") or version)
