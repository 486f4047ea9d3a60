"""Whether a release's programs and shared objects find what they are linked against, as ld.so(8) looks for it."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Literal

from relbuild.image.filesystem import FileSystem, directories
from relbuild.values import dataclass

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
