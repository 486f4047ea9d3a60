"""What is remembered of layers: the same answers as from their content, and nothing that isn't known."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.engine import archive, notebook
from relbuild.engine.archive import Archive, Configuration
from relbuild.engine.notebook import Forgotten, Notebook
from relbuild.image.leaks import Leak, Needles

KEY = b"-----BEGIN PRIVATE KEY-----\n" + b"A" * 64 + b"\n"
LOWER, UPPER = "a" * 64, "b" * 64
PROGRAM = Path("/bin/sh").resolve().read_bytes()


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "relbuild" / "layers"


def tar(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as packed:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            packed.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def image(layers: dict[str, dict[str, bytes]]) -> io.BytesIO:
    """Return an image as ``docker save`` gives it, its layers by the digest in their names."""
    blobs = {f"blobs/sha256/{digest}": tar(files) for digest, files in layers.items()}
    manifest = [{"Config": "config.json", "Layers": list(blobs)}]
    documents = {"config.json": b"{}", "manifest.json": json.dumps(manifest).encode()}
    return io.BytesIO(tar(blobs | documents))


LAYERS = {
    LOWER: {"bin/sh": PROGRAM, "etc/passwd": b"app:x:7:\n", "etc/key": KEY},
    UPPER: {"app/a.txt": b"secretly", "etc/.wh.key": b""},
}


def told(read: Archive) -> tuple[object, ...]:
    """Return what verification asks."""
    return (
        list(read.files),
        read.read("etc/passwd"),
        read.read("etc/none"),
        read.elf("bin/sh"),
        read.elf("etc/passwd"),
        read.elf_files(""),
        read.leaks("app", Needles({})),
        read.layers,
    )


def test_the_second_time_the_same_is_told_without_content() -> None:
    expected = told(archive.read(image(LAYERS)))
    first = Notebook()
    assert told(archive.read(image(LAYERS), notebook=first)) == expected
    first.keep({})
    # As the layers have these names, their content is never looked at.
    without = {digest: {"nothing": b""} for digest in LAYERS}
    assert told(archive.read(image(without), notebook=Notebook())) == expected


def test_what_was_never_asked_is_forgotten_and_then_added() -> None:
    first = Notebook()
    archive.read(image(LAYERS), notebook=first).read("etc/passwd")
    first.keep({})
    with pytest.raises(Forgotten):
        archive.read(image(LAYERS), notebook=Notebook()).read("app/a.txt")
    whole = Notebook(whole=True)
    assert archive.read(image(LAYERS), notebook=whole).read("app/a.txt") == b"secretly"
    whole.keep({})
    again = archive.read(image(LAYERS), notebook=Notebook())
    assert (again.read("etc/passwd"), again.read("app/a.txt")) == (b"app:x:7:\n", b"secretly")


def test_a_secret_is_sought_in_content_alone() -> None:
    first = Notebook()
    archive.read(image(LAYERS), notebook=first).leaks("app", Needles({}))
    first.keep({})
    needles = Needles({"TOKEN": ("secretly",)})
    with pytest.raises(Forgotten):
        archive.read(image(LAYERS), notebook=Notebook()).leaks("app", needles)
    found = archive.read(image(LAYERS), notebook=Notebook(whole=True)).leaks("app", needles)
    assert [(leak.kind, leak.where, leak.name) for leak in found] == [
        ("key", "etc/key", ""),
        ("secret", "app/a.txt", "TOKEN"),
    ]


def test_that_a_file_is_a_packages_is_not_noted(cache: Path) -> None:
    """Nor is the file, in which the secret may be after all."""
    sums = f"{hashlib.md5(b'secretly').hexdigest()}  app/a.txt\n".encode()
    whole = Notebook(whole=True)
    files = {**LAYERS[UPPER], "var/lib/dpkg/info/a.md5sums": sums}
    found = archive.read(image({LOWER: LAYERS[LOWER], UPPER: files}), notebook=whole)
    assert found.is_packaged(Leak("secret", "app/a.txt", "TOKEN", 1))
    whole.keep({})
    assert [json.loads(each.read_text())["texts"] for each in cache.rglob("*.json")] == [{}, {}]


def test_a_layer_whose_name_is_not_its_content_is_read_each_time(cache: Path) -> None:
    layers = {"layer.tar": tar({"a": b"1"})}
    manifest = json.dumps([{"Config": "config.json", "Layers": list(layers)}]).encode()
    notes = Notebook()
    old = io.BytesIO(tar({**layers, "config.json": b"{}", "manifest.json": manifest}))
    assert list(archive.read(old, notebook=notes).files) == ["a"]
    notes.keep({})
    assert not cache.exists()


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"entries": {"a": 1}}', b"\xff"])
def test_notes_that_are_damaged_are_made_anew(cache: Path, damage: bytes) -> None:
    first = Notebook()
    expected = told(archive.read(image(LAYERS), notebook=first))
    first.keep({})
    for each in cache.rglob("*.json"):
        each.write_bytes(damage)
    again = Notebook()
    assert told(archive.read(image(LAYERS), notebook=again)) == expected
    again.keep({})
    assert told(archive.read(image({}.fromkeys(LAYERS, {})), notebook=Notebook())) == expected


def test_notes_that_nobody_used_for_long_are_dropped(cache: Path) -> None:
    first = Notebook()
    archive.read(image({LOWER: LAYERS[LOWER]}), notebook=first)
    first.keep({})
    (old,) = cache.rglob("*.json")
    os.utime(old, (0, old.stat().st_mtime - notebook.OLDEST - 1))
    second = Notebook()
    archive.read(image({UPPER: LAYERS[UPPER]}), notebook=second)
    second.keep({})
    assert [each.name for each in cache.rglob("*.json")] == [f"{UPPER}.json"]


def test_a_layer_is_known_by_what_is_in_it_too(cache: Path) -> None:
    """An engine names an image's layers by their content, as ``docker save`` does only where they aren't packed."""
    first, contents = Notebook(), {f"blobs/sha256/{LOWER}": "sha256:" + "c" * 64}
    expected = archive.read(image({LOWER: LAYERS[LOWER]}), notebook=first)
    assert expected.read("etc/passwd") == b"app:x:7:\n"
    first.keep(contents)
    found = Notebook().layer("sha256:" + "c" * 64)
    assert found is not None
    assert (found.entries, found.read("etc/passwd")) == (expected.files._layers[0], b"app:x:7:\n")
    with pytest.raises(Forgotten):
        found.read("etc/key")
    assert Notebook().layer("sha256:" + "d" * 64) is None
    # What is added to the notes is found by both names.
    whole = Notebook(whole=True)
    archive.read(image({LOWER: LAYERS[LOWER]}), notebook=whole).read("etc/key")
    whole.keep(contents)
    found = Notebook().layer("sha256:" + "c" * 64)
    assert found is not None
    assert found.read("etc/key") == KEY


FILES = st.dictionaries(
    st.sampled_from(["app/a", "app/.env", "app/releases/COOKIE", "app/lib/b", "app/bin/sh", "app/c d"]),
    st.sampled_from([b"", b"text", b"other", KEY, PROGRAM]),
)


@given(files=FILES, parts=st.lists(st.integers(0, 2), min_size=6, max_size=6), known=st.sets(st.integers(0, 2)))
def test_what_is_known_and_a_directory_are_as_the_whole(
    files: dict[str, bytes], parts: list[int], known: set[int]
) -> None:
    """However the files of the directory are parted into layers, and whichever of these are known."""
    layers: dict[str, dict[str, bytes]] = {LOWER: {"etc/passwd": b"app:x:7:\n", "etc/key": KEY, "bin/sh": PROGRAM}}
    upper = [f"{part}" * 64 for part in range(3)]
    layers |= {name: {} for name in upper}
    for (path, content), part in zip(sorted(files.items()), parts, strict=False):
        layers[upper[part]][path] = content
    whole = archive.read(image(layers))
    noted = [Notebook().unpacked(name, tar(layers[name])) for name in (LOWER, *(upper[part] for part in sorted(known)))]
    joined = archive.joined(noted[:1], noted[1:], tar(files), Configuration())
    assert sorted(joined.files) == sorted(whole.files)
    assert [joined.read(path) for path in files] == list(files.values())
    assert joined.elf_files("") == whole.elf_files("")
    leaks = [
        sorted((leak.kind, leak.where, leak.deleted) for leak in each.leaks("/app", Needles({})))
        for each in (joined, whole)
    ]
    assert leaks[0] == leaks[1]


def test_a_directory_without_what_is_known_of_it_is_none() -> None:
    noted = [Notebook().unpacked(UPPER, tar({"app/a": b"1", "app/b": b"2"}))]
    with pytest.raises(tarfile.TarError, match="isn't whole"):
        archive.joined((), noted, tar({"app/b": b"2", "app/c": b"3"}), Configuration())


def test_a_directory_that_is_cut_off_is_none() -> None:
    content = tar({"app/a": b"1", "app/b": b"2"})
    whole = archive.joined((), (), content, Configuration())
    assert sorted(whole.files) == ["app/a", "app/b"]
    for end in range(0, len(content.rstrip(b"\0")) + 512, 512):
        with pytest.raises(tarfile.TarError):
            archive.joined((), (), content[:end], Configuration())
