"""Whether a release's programs and shared objects find the libraries they are linked to, as ld.so(8) looks for them."""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from relbuild.image.filesystem import FileSystem, directories
from relbuild.image.findings import Finding, Status

# Which directories ld.so looks into last, by machine: Debian's multiarch ones before those every system has.
MULTIARCH = {
    "EM_X86_64": "x86_64-linux-gnu",
    "EM_AARCH64": "aarch64-linux-gnu",
    "EM_ARM": "arm-linux-gnueabihf",
    "EM_386": "i386-linux-gnu",
    "EM_PPC64": "powerpc64le-linux-gnu",
    "EM_S390": "s390x-linux-gnu",
    "EM_RISCV": "riscv64-linux-gnu",
}
EVERYWHERE = ("lib64", "usr/lib64", "lib", "usr/lib", "usr/local/lib")
CONFIGURATION = "etc/ld.so.conf"
# Applications of OTP that most releases only carry along; a library they lack is missed when they are used.
SELDOM_USED = ("wx", "odbc")
# Where the name doesn't follow from the library's; the second name is Debian 13's and later ones', whose 64-bit times
# renamed it. From the packages of bookworm and trixie.
PACKAGES: dict[str, tuple[str, str]] = {
    "libasound.so.2": ("libasound2", "libasound2t64"),
    "libcrypt.so.1": ("libcrypt1", "libcrypt1"),
    "libcrypto.so.3": ("libssl3", "libssl3t64"),
    "libcurl.so.4": ("libcurl4", "libcurl4t64"),
    "libgcc_s.so.1": ("libgcc-s1", "libgcc-s1"),
    "libglib-2.0.so.0": ("libglib2.0-0", "libglib2.0-0t64"),
    "libgobject-2.0.so.0": ("libglib2.0-0", "libglib2.0-0t64"),
    "libgnutls.so.30": ("libgnutls30", "libgnutls30t64"),
    "libjpeg.so.62": ("libjpeg62-turbo", "libjpeg62-turbo"),
    "libmagic.so.1": ("libmagic1", "libmagic1t64"),
    "libodbc.so.2": ("libodbc2", "libodbc2"),
    "libpng16.so.16": ("libpng16-16", "libpng16-16t64"),
    "libreadline.so.8": ("libreadline8", "libreadline8t64"),
    "libsnappy.so.1": ("libsnappy1v5", "libsnappy1v5"),
    "libssl.so.3": ("libssl3", "libssl3t64"),
    "libuv.so.1": ("libuv1", "libuv1t64"),
    "libvips.so.42": ("libvips42", "libvips42t64"),
    "libvips-cpp.so.42": ("libvips42", "libvips42t64"),
    "libxml2.so.2": ("libxml2", "libxml2"),
    "libxslt.so.1": ("libxslt1.1", "libxslt1.1"),
    "libz.so.1": ("zlib1g", "zlib1g"),
}
# Where it does follow, in bookworm and in trixie.
FOLLOWING = frozenset(
    {
        *("libatomic.so.1", "libbz2.so.1.0", "libexpat.so.1", "libffi.so.8", "libfontconfig.so.1", "libfreetype.so.6"),
        *("libgmp.so.10", "libgomp.so.1", "liblcms2.so.2", "liblzma.so.5", "libmariadb.so.3", "libncurses.so.6"),
        *("libncursesw.so.6", "libpcre2-8.so.0", "libpq.so.5", "librdkafka.so.1", "libsctp.so.1", "libsodium.so.23"),
        *("libsqlite3.so.0", "libstdc++.so.6", "libsystemd.so.0", "libtiff.so.6", "libtinfo.so.6", "libusb-1.0.so.0"),
        *("libuuid.so.1", "libwebp.so.7", "libyaml-0.so.2", "libzstd.so.1"),
    }
)
# The C library's own parts.
GLIBC = re.compile(r"lib(?:c|m|dl|rt|pthread|resolv|util|nsl|anl)\.so\.\d+|ld-linux.*\.so\.\d+")
SONAME = re.compile(r"(?P<name>lib.+?)\.so\.(?P<version>[\w.]+)")
BEFORE_TIME_64 = ("buster", "bullseye", "bookworm")


@dataclass(frozen=True, slots=True)
class Elf:
    """What the dynamic linker reads of an ELF file; ``wants`` are symbol versions by library, ``defines`` its own."""

    machine: str
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    interpreter: str | None = None
    wants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    defines: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unlinked:
    """Something a file needs and doesn't find; ``file`` is of the release, ``by`` what needs it: the file or a library.

    ``missing`` is a library, an interpreter's path, symbol versions (of the library ``at``), or the machine that the
    file was built for.
    """

    kind: Literal["library", "interpreter", "version", "machine"]
    file: str
    by: str
    missing: tuple[str, ...]
    at: str = ""


class Linker:
    """Looks for libraries in an image's file system, as its dynamic linker would."""

    def __init__(
        self,
        files: FileSystem,
        elf: Callable[[str], Elf | None],
        read: Callable[[str], bytes | None],
        library_path: str = "",
    ) -> None:
        self._files = files
        self._elf = elf
        self._library_path = tuple(library_path.split(":")) if library_path else ()
        self._configured = tuple(_configured(files, read, CONFIGURATION))

    def unlinked(self, paths: Iterable[str], machine: str) -> tuple[Unlinked, ...]:
        """Return what these files and the libraries they lead to don't find; ``machine`` is that of the image."""
        found: dict[Unlinked, None] = {}
        for path in paths:
            elf = self._elf(path)
            if elf is not None:
                found.update(dict.fromkeys(self._file(path, elf, machine)))
        return tuple(found)

    def _file(self, path: str, elf: Elf, machine: str) -> Iterator[Unlinked]:
        if elf.machine != machine:
            yield Unlinked("machine", path, path, (elf.machine,))
            return
        if elf.interpreter and self._files.place(elf.interpreter) is None:
            yield Unlinked("interpreter", path, path, (elf.interpreter,))
        seen, todo = {path}, [(path, elf)]
        while todo:
            by, needing = todo.pop()
            for name in needing.needed:
                at = self.find(name, by, needing)
                library = self._elf(at) if at is not None else None
                if at is None or library is None:
                    yield Unlinked("library", path, by, (name,))
                    continue
                # A library without any version satisfies all: ld.so only warns.
                lacking = set(needing.wants.get(name, ())) - library.defines if library.defines else set()
                if lacking:
                    yield Unlinked("version", path, by, tuple(sorted(lacking)), at)
                if at not in seen:
                    seen.add(at)
                    todo.append((at, library))

    def find(self, name: str, by: str, elf: Elf) -> str | None:
        """Return the real path of a library; None where there is none of the file's machine."""
        candidates = (name,) if "/" in name else (posixpath.join(each, name) for each in self._searched(by, elf))
        for candidate in candidates:
            real = self._files.real(candidate)
            if real is not None and (library := self._elf(real)) is not None and library.machine == elf.machine:
                return real
        return None

    def _searched(self, by: str, elf: Elf) -> tuple[str, ...]:
        origin = posixpath.dirname(by)
        own = elf.runpath or elf.rpath
        expanded = [each.replace("$ORIGIN", f"/{origin}").replace("${ORIGIN}", f"/{origin}") for each in own]
        multiarch = MULTIARCH.get(elf.machine)
        last = (f"lib/{multiarch}", f"usr/lib/{multiarch}") if multiarch else ()
        return directories((*expanded, *self._library_path, *self._configured, *last, *EVERYWHERE))


def _configured(files: FileSystem, read: Callable[[str], bytes | None], path: str, depth: int = 0) -> Iterator[str]:
    """Yield the directories that ld.so.conf names, its includes followed (ldconfig(8))."""
    for line in (read(path) or b"").decode(errors="replace").splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["include"] and depth < 4:
            for pattern in words[1:]:
                wanted = posixpath.normpath(posixpath.join("/etc", pattern)).strip("/")
                for included in sorted(name for name in files if fnmatch.fnmatchcase(name, wanted)):
                    yield from _configured(files, read, included, depth + 1)
        elif words:
            yield words[0].partition("=")[0]


def package(library: str, debian: str | None) -> str | None:
    """Return the Debian package that has a library, None where it isn't known."""
    if library in PACKAGES:
        before, since = PACKAGES[library]
        return before if debian in BEFORE_TIME_64 else since
    if GLIBC.fullmatch(library):
        return "libc6"
    return guess(library) if library in FOLLOWING else None


def guess(library: str) -> str | None:
    """Return the Debian package that may have a library, None where its name says nothing of it.

    The rule is Debian Policy 8.1: the library's name and version, with a hyphen where the name ends in a digit. Many
    packages have another name.
    """
    found = SONAME.fullmatch(library)
    if found is None:
        return None
    hyphen = "-" if found["name"][-1].isdigit() else ""
    return f"{found['name']}{hyphen}{found['version']}".lower().replace("_", "-")


def judge_libraries(
    unlinked: tuple[Unlinked, ...], programs: int, debian: str | None, *, own: bool
) -> Iterator[Finding]:
    """Yield a finding for each thing that files miss, of so many programs; ``own`` says that relbuild built the image.

    ``debian`` is the codename of the Debian release in the image.
    """
    groups: dict[tuple[str, tuple[str, ...], str, bool], list[Unlinked]] = {}
    for each in unlinked:
        application = re.match(r".*/lib/([a-z]\w*)-[^/]+/priv/", each.file)
        seldom = application is not None and application[1] in SELDOM_USED
        groups.setdefault((each.kind, each.missing, each.at, seldom), []).append(each)
    findings = [
        _finding(group, "warning" if seldom else "failed", debian, own) for (*_, seldom), group in groups.items()
    ]
    yield from findings
    if not any(each.status == "failed" for each in findings):
        others = len({each.file for each in unlinked})
        number = f"the other {programs - others}" if others else str(programs)
        yield Finding("libraries", "ok", f"{number} programs and shared objects find the libraries they are linked to")


def _finding(group: list[Unlinked], status: Status, debian: str | None, own: bool) -> Finding:
    first = group[0]
    who = f"/{first.file}" if len(group) == 1 else f"/{first.file} and {len(group) - 1} more"
    through = f" (through /{first.by})" if first.by != first.file else ""
    verb = "needs" if len(group) == 1 else "need"
    if first.kind == "machine":
        return Finding(
            "libraries",
            "warning",
            f"{who}: compiled for another machine ({first.missing[0].removeprefix('EM_')})",
            "nothing is wrong where a dependency ships it for several machines; else exclude _build and deps in the "
            ".dockerignore",
        )
    lacks = {
        "library": f"{first.missing[0]}, which the image doesn't have",
        "interpreter": f"{first.missing[0]} to start, which the image doesn't have",
        "version": f"{', '.join(first.missing)} of /{first.at}, which is older",
    }[first.kind]
    return Finding("libraries", status, f"{who} {verb} {lacks}{through}", _hint(first, debian, own))


def _hint(lacking: Unlinked, debian: str | None, own: bool) -> str:
    if lacking.kind == "version":
        return (
            "builder and runner must have the same Debian release"
            + ("; " if not own else ": debian: in relbuild.yml sets both; ")
            + "compile a precompiled NIF from a newer one in the build"
        )
    if "musl" in lacking.missing[0]:
        return "it was compiled for Alpine (musl): compile it in the build, or for Debian (glibc)"
    library = lacking.missing[0] if lacking.kind == "library" else ""
    known, guessed = package(library, debian), guess(library)
    if not known and guessed:
        what = f"the package that has {library}, perhaps {guessed}"
        search = f"apt-file search {library} names it"
        if own:
            return f"add {what}, to relbuild.yml: runner: {{packages: [PACKAGE]}}; {search}"
        return f"install {what}, in the Dockerfile's last stage; {search}"
    if own:
        return f"add to relbuild.yml: runner: {{packages: [{known or 'THE PACKAGE THAT HAS IT'}]}}"
    return f"install {known or 'the package that has it'} in the Dockerfile's last stage"
