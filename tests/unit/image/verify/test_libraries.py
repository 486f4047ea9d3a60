"""Whether programs find their libraries, in file systems of a few files."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from relbuild.image.filesystem import Entry, FileSystem
from relbuild.image.verify.libraries import FOLLOWING, Elf, Linker, Unlinked, guess, package

AMD64, ARM64 = "EM_X86_64", "EM_AARCH64"
FILE = Entry("file", 1)
LIBC = Elf(AMD64, defines=frozenset({"GLIBC_2.2.5", "GLIBC_2.36"}))
NIF = "app/lib/nif-1.0/priv/nif.so"
LOADER = "/lib64/ld-linux-x86-64.so.2"


def unlinked(
    elves: Mapping[str, Elf],
    *paths: str,
    texts: Mapping[str, str] | None = None,
    links: Mapping[str, str] | None = None,
    library_path: str = "",
) -> tuple[Unlinked, ...]:
    texts = texts or {}
    layer = dict.fromkeys((*elves, *texts), FILE)
    layer.update({path: Entry("symlink", target=target) for path, target in (links or {}).items()})
    linker = Linker(
        FileSystem([layer]), elves.get, lambda path: texts[path].encode() if path in texts else None, library_path
    )
    return linker.unlinked(paths or (NIF,), AMD64)


def needs(*names: str, rpath: tuple[str, ...] = (), runpath: tuple[str, ...] = (), **wants: tuple[str, ...]) -> Elf:
    versions = {name.replace("_so_", ".so."): versions for name, versions in wants.items()}
    return Elf(AMD64, needed=names, rpath=rpath, runpath=runpath, wants=versions)


@pytest.mark.parametrize(
    "directory",
    ["lib", "usr/lib", "lib64", "usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/local/lib", "opt/z/lib"],
)
def test_where_libraries_are_found(directory: str) -> None:
    elves = {NIF: needs("libz.so.1"), f"{directory}/libz.so.1": Elf(AMD64)}
    texts = {
        "etc/ld.so.conf": "# all\ninclude ld.so.conf.d/*.conf\n",
        "etc/ld.so.conf.d/z.conf": "/opt/z/lib # here\n",
        "etc/ld.so.conf.d/z.txt": "/not/this\n",
    }
    assert unlinked(elves, texts=texts) == ()


def test_a_library_that_is_missing() -> None:
    assert unlinked({NIF: needs("libexpat.so.1", "libc.so.6"), "lib/libc.so.6": LIBC}) == (
        Unlinked("library", NIF, NIF, ("libexpat.so.1",)),
    )


def test_a_library_of_a_library() -> None:
    elves = {NIF: needs("liba.so.1"), "lib/liba.so.1": needs("libb.so.2"), "lib/libc.so.6": LIBC}
    assert unlinked(elves) == (Unlinked("library", NIF, "lib/liba.so.1", ("libb.so.2",)),)


def test_libraries_that_need_one_another() -> None:
    elves = {NIF: needs("liba.so.1"), "lib/liba.so.1": needs("libb.so.1"), "lib/libb.so.1": needs("liba.so.1")}
    assert unlinked(elves) == ()


def test_versions_that_the_library_does_not_have() -> None:
    elves = {NIF: needs("libc.so.6", libc_so_6=("GLIBC_2.2.5", "GLIBC_2.38", "GLIBC_2.41")), "lib/libc.so.6": LIBC}
    assert unlinked(elves) == (Unlinked("version", NIF, NIF, ("GLIBC_2.38", "GLIBC_2.41"), "lib/libc.so.6"),)
    elves["lib/libc.so.6"] = Elf(AMD64)
    assert unlinked(elves) == ()


@pytest.mark.parametrize("kind", ["rpath", "runpath"])
def test_a_files_own_path(kind: str) -> None:
    own = {kind: ("$ORIGIN/../lib", "${ORIGIN}/other")}
    elves = {NIF: needs("liba.so.1", "libb.so.1", **own)}  # type: ignore[arg-type]
    elves |= {"app/lib/nif-1.0/lib/liba.so.1": Elf(AMD64), "app/lib/nif-1.0/priv/other/libb.so.1": Elf(AMD64)}
    assert unlinked(elves) == ()


def test_origin_is_that_of_the_real_file() -> None:
    elves = {NIF: needs("liba.so.1", runpath=("/opt",)), "data/liba.so.1": needs("libb.so.1", runpath=("$ORIGIN",))}
    elves["data/libb.so.1"] = Elf(AMD64)
    assert unlinked(elves, links={"opt": "data"}) == ()


def test_ld_library_path() -> None:
    elves = {NIF: needs("liba.so.1"), "opt/a/liba.so.1": Elf(AMD64)}
    assert unlinked(elves, library_path="/opt/b:/opt/a") == ()


def test_a_library_of_another_machine_is_passed_over() -> None:
    elves = {NIF: needs("liba.so.1"), "lib/liba.so.1": Elf(ARM64), "usr/lib/liba.so.1": Elf(AMD64)}
    assert unlinked(elves) == ()
    del elves["usr/lib/liba.so.1"]
    assert unlinked(elves) == (Unlinked("library", NIF, NIF, ("liba.so.1",)),)


def test_programs() -> None:
    program = "app/erts-15/bin/beam.smp"
    elves = {program: Elf(AMD64, interpreter=LOADER), "app/x": Elf(ARM64), "usr/lib/ld-linux-x86-64.so.2": Elf(AMD64)}
    assert unlinked(elves, program, "app/x", "app/not-elf", links={"lib64": "usr/lib"}) == (
        Unlinked("machine", "app/x", "app/x", (ARM64,)),
    )
    assert unlinked(elves, program) == (Unlinked("interpreter", program, program, (LOADER,)),)


def test_a_configuration_that_includes_itself() -> None:
    elves = {NIF: needs("liba.so.1"), "opt/liba.so.1": Elf(AMD64)}
    assert unlinked(elves, texts={"etc/ld.so.conf": "include /etc/ld.so.conf\n/opt\n"}) == ()


@pytest.mark.parametrize(
    ("library", "debian", "name"),
    [
        ("libexpat.so.1", "trixie", "libexpat1"),
        ("libssl.so.3", "bookworm", "libssl3"),
        ("libssl.so.3", "trixie", "libssl3t64"),
        ("libssl.so.3", None, "libssl3t64"),
        ("libz.so.1", "trixie", "zlib1g"),
        ("libyaml-0.so.2", "trixie", "libyaml-0-2"),
        ("libsodium.so.23", "trixie", "libsodium23"),
        ("libxml2.so.2", "trixie", "libxml2"),
        ("libMagickCore-7.Q16.so.10", "trixie", None),
        ("libm.so.6", "trixie", "libc6"),
        ("libc.musl-x86_64.so.1", "trixie", None),
        ("nif.so", "trixie", None),
    ],
)
def test_the_package_of_a_library(library: str, debian: str | None, name: str | None) -> None:
    assert package(library, debian) == name


@pytest.mark.parametrize(
    ("library", "name"),
    [
        ("libMagickCore-7.Q16.so.10", "libmagickcore-7.q16-10"),
        ("libfoo.so.3", "libfoo3"),
        ("libfoo2.so.3", "libfoo2-3"),
        ("nif.so", None),
    ],
)
def test_a_guess_at_the_package_of_a_library(library: str, name: str | None) -> None:
    assert guess(library) == name


def test_what_follows_the_rule_has_a_name_by_it() -> None:
    assert [each for each in FOLLOWING if guess(each) is None] == []
