"""An image's content out of what docker save gives, in each image store's form."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import platform
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from relbuild.engine import archive, elf, layer
from relbuild.engine.archive import Archive, Configuration
from relbuild.errors import CommandFailed
from relbuild.image.filesystem import LayerFacts
from relbuild.image.verify.secrets import Leak, Needles

KEY = b"-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"
CONFIG = {
    "architecture": "amd64",
    "config": {
        "User": "10001",
        "Env": ["PATH=/bin", "A=b=c"],
        "Entrypoint": ["/app/bin/shop"],
        "Cmd": ["start"],
        "Labels": {"l": "v"},
    },
    "history": [{"created_by": "COPY / /"}, {"created_by": "USER 1", "empty_layer": True}, {"comment": "Imported"}],
    "created": "2026-01-02T03:04:05Z",
    "os": "linux",
    "rootfs": {"diff_ids": ["sha256:l", "sha256:u"]},
}


def tar(files: dict[str, bytes | tuple[bytes, str]]) -> bytes:
    """Return an archive of files, and of links given as (type, target)."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as file:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, tuple):
                member.type, member.linkname = content
                file.addfile(member)
            else:
                member.size = len(content)
                file.addfile(member, io.BytesIO(content))
    return written.getvalue()


LOWER = tar({"./etc/os-release": b"ID=debian\n", "root/key": KEY, "app/.env": b"A=b", "bin/sh": b"\x7fELF..."})
UPPER = tar({"app/secret": b"x s3cret-value-a x", "root/.wh.key": b"", "sh": (tarfile.SYMTYPE, "bin/sh")})


def saved(layers: dict[str, bytes], **others: Any) -> io.BytesIO:
    """Return what docker save gives for an image of these layers."""
    manifest = [{"Config": "blobs/sha256/c", "RepoTags": ["a:1"], "Layers": list(layers)}]
    documents = {"blobs/sha256/c": CONFIG, "manifest.json": manifest, "index.json": {}, "oci-layout": {}}
    rest = {name: json.dumps(document).encode() for name, document in documents.items()}
    return io.BytesIO(tar({**layers, **rest, **others}))


STORES = {
    "containerd": {"blobs/sha256/l": gzip.compress(LOWER), "blobs/sha256/u": gzip.compress(UPPER)},
    "zstd": {"blobs/sha256/l": zstd.compress(LOWER), "blobs/sha256/u": zstd.compress(UPPER)},
    # Several frames one after the other, which is valid zstd.
    "frames": {"blobs/l": zstd.compress(LOWER[:1000]) + zstd.compress(LOWER[1000:]), "blobs/u": UPPER},
    "overlay2": {"l/layer.tar": LOWER, "u/layer.tar": UPPER},
    # eStargz: several gzip members one after the other
    "members": {"blobs/l": gzip.compress(LOWER[:1000]) + gzip.compress(LOWER[1000:]), "blobs/u": UPPER},
}


@pytest.fixture(params=["memory", "file"])
def spooling(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "file":
        monkeypatch.setattr(layer, "IN_MEMORY", 16)


@pytest.mark.usefixtures("spooling")
@pytest.mark.parametrize("store", STORES)
def test_what_is_in_an_image(store: str) -> None:
    content = archive.read(saved(STORES[store]))
    assert content.configuration == Configuration(
        user="10001",
        architecture="amd64",
        env={"PATH": "/bin", "A": "b=c"},
        labels={"l": "v"},
        start=("/app/bin/shop", "start"),
        history=("COPY / /", "USER 1", ""),
        os="linux",
        created="2026-01-02T03:04:05Z",
        diff_ids=("sha256:l", "sha256:u"),
        instructions=("COPY / /", "Imported"),
    )
    assert sorted(content.files) == ["app/.env", "app/secret", "bin/sh", "etc/os-release", "sh"]
    assert [content.read(path) for path in ("etc/os-release", "sh", "root/key", "app")] == [
        b"ID=debian\n",
        b"\x7fELF...",
        None,
        None,
    ]
    assert content.elf_files("bin") == ("bin/sh",)
    assert set(content.leaks("app", Needles({"A": ("s3cret-value-a",)}))) == {
        Leak("env file", "app/.env", layer=0),
        Leak("key", "root/key", layer=0, deleted=True),
        Leak("secret", "app/secret", "A", 1),
    }


def test_layers() -> None:
    """Digests and sizes as a registry has them only where the engine keeps the layers packed."""
    packed = {f"blobs/sha256/{name * 64}": gzip.compress(content) for name, content in (("a", LOWER), ("b", UPPER))}
    sizes = [len(content) for content in packed.values()]
    assert archive.read(saved(packed)).layers == (
        LayerFacts("sha256:l", f"sha256:{'a' * 64}", len(LOWER), sizes[0], 4, "COPY / /"),
        LayerFacts("sha256:u", f"sha256:{'b' * 64}", len(UPPER), sizes[1], 2, "Imported"),
    )
    unpacked = archive.read(saved({f"blobs/sha256/{'a' * 64}": LOWER}))
    assert unpacked.layers == (LayerFacts("sha256:l", None, len(LOWER), None, 4, ""),)


@pytest.mark.usefixtures("spooling")
def test_a_secret_in_a_module_that_mix_has_compressed() -> None:
    """Nothing else is unpacked: what is in other packed files has its own copy beside it, or comes from elsewhere."""
    module = b"FOR1" + (26).to_bytes(4) + b"BEAMStrT" + (14).to_bytes(4) + b"s3cret-value-a"
    files: dict[str, bytes | tuple[bytes, str]] = {
        "lib/a/ebin/A.beam": gzip.compress(module),
        "lib/a/ebin/B.beam": gzip.compress(b"s3cret-value-a"),
        "a.gz": gzip.compress(module),
    }
    found = archive.read(saved({"l": tar(files)})).leaks("app", Needles({"A": ("s3cret-value-a",)}))
    assert found == (Leak("secret", "lib/a/ebin/A.beam", "A", 0),)


def test_files_of_two_images_are_compared_by_content() -> None:
    one = archive.read(saved({"l": tar({"a": b"1", "b": b"2"})}))
    other = archive.read(saved({"l": tar({"c": b"1", "d": b"3"})}))
    assert [one.same("a", other, path) for path in ("c", "d", "none")] == [True, False, False]


def test_a_layer_that_the_image_has_twice() -> None:
    """Before version 25 Docker wrote it once, and a symbolic link for the others."""
    layers: dict[str, Any] = {"l/layer.tar": LOWER, "m/layer.tar": (tarfile.SYMTYPE, "../l/layer.tar")}
    assert "bin/sh" in archive.read(saved(layers)).files


def test_of_several_platforms_the_engines() -> None:
    arm = {**CONFIG, "architecture": "arm64"}
    manifest = [{"Config": "c", "Layers": ["u"]}, {"Config": "d", "Layers": ["l"]}]
    documents = {"c": CONFIG, "d": arm, "manifest.json": manifest}
    stream = tar({"l": LOWER, "u": UPPER, **{name: json.dumps(each).encode() for name, each in documents.items()}})
    assert archive.read(io.BytesIO(stream), "arm64").configuration.architecture == "arm64"
    assert archive.read(io.BytesIO(stream), "riscv64").configuration.architecture == "amd64"


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"garbage" * 200,
        tar({}),
        tar({"manifest.json": b"[]"}),
        tar({"manifest.json": b"[{}]"}),
        tar({"manifest.json": b"{"}),
        saved({"l": b"no archive" * 100}).getvalue(),
        saved({"l": gzip.compress(LOWER)[:-20]}).getvalue(),
        saved(STORES["overlay2"]).getvalue()[:3000],
    ],
)
def test_an_archive_that_is_no_images(stream: bytes) -> None:
    with pytest.raises(CommandFailed, match="can't read the image: "):
        archive.read(io.BytesIO(stream))


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6))
def test_a_broken_archive_is_read_or_refused(changes: list[tuple[int, int]]) -> None:
    stream = bytearray(saved(STORES["overlay2"]).getvalue())
    for at, byte in changes:
        stream[at] = byte
    with contextlib.suppress(CommandFailed):
        assert isinstance(archive.read(io.BytesIO(bytes(stream))), Archive)


PROGRAM = Path(sys.executable).resolve().read_bytes()
LIBC = next(
    Path(line.split()[-1])
    for line in Path("/proc/self/maps").read_text().splitlines()
    if line.rpartition("/")[2].startswith(("libc.so.6", "libc-2", "ld-musl"))
)


def test_a_program() -> None:
    """Python itself: what every test machine has."""
    read = elf.read(PROGRAM)
    assert read is not None
    assert read.machine == {"x86_64": "EM_X86_64", "aarch64": "EM_AARCH64"}[platform.machine()]
    assert read.interpreter is not None
    assert Path(read.interpreter).exists()
    assert "libc.so.6" in read.needed
    assert all(version.startswith("GLIBC_") for version in read.wants["libc.so.6"])


def test_a_library() -> None:
    library, program = elf.read(LIBC.read_bytes()), elf.read(PROGRAM)
    assert library is not None
    assert program is not None
    assert set(program.wants["libc.so.6"]) <= library.defines


@given(st.integers(0, 8192), st.binary(max_size=64))
def test_a_broken_elf_file(at: int, change: bytes) -> None:
    broken = PROGRAM[:at] + change + PROGRAM[at + len(change) : 40_000]
    assert elf.read(broken) is None or isinstance(elf.read(broken), elf.Elf)


def test_what_is_no_elf_file() -> None:
    assert [elf.read(content) for content in (b"", b"#!/bin/sh", elf.MAGIC, elf.MAGIC + b"\0" * 200)] == [None] * 4


def test_a_damaged_zstd_layer_is_reported() -> None:
    damaged = zstd.compress(LOWER)[:40]
    with pytest.raises(CommandFailed, match="can't read the image"):
        archive.read(saved({"blobs/sha256/l": damaged, "blobs/sha256/u": UPPER}))
