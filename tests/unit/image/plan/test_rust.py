"""What a project's own Rust code takes from Debian."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from relbuild.errors import Mark
from relbuild.image.plan.packages import Need, RustPackages, package_needs, plan_rust
from relbuild.mix import project
from relbuild.mix.lock import Resolved

LOCK = "native/parser/Cargo.lock"
FILES = {
    "mix.exs": 'defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: "1.0.0"]\nend\n',
    "native/parser/Cargo.toml": '[package]\nname = "parser"\n',
}
RUSTUP = (
    "let builder.steps.before_deps in relbuild.yml install it (rustup with CARGO_HOME=/usr/local), with curl in "
    "builder.packages"
)
RUSTLER = Resolved("rustler", "rustler", Mark("mix.lock", 2, 3), "hexpm")


class Tree:
    """A project's files in memory."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None

    def list(self, directory: str) -> tuple[str, ...]:
        names = [path[len(directory) + 1 :].partition("/") for path in self.files if path.startswith(f"{directory}/")]
        return tuple(sorted({name + slash for name, slash, _ in names}))


def taken(
    files: Mapping[str, str], debian: str = "trixie", dependencies: tuple[Resolved, ...] = (RUSTLER,)
) -> RustPackages:
    tree = Tree({**FILES, **files})
    return plan_rust(tree, project.read_project(tree), dependencies, debian)


def lock(*crates: str) -> dict[str, str]:
    """A Cargo.lock of crates, each with the one it depends on after a space."""
    entries = [
        f'[[package]]\nname = "{name}"\ndependencies = ["{dep}"]\n'
        for name, _, dep in (e.partition(" ") for e in crates)
    ]
    return {LOCK: "version = 3\n" + "".join(entries)}


def test_what_crates_need() -> None:
    found = taken(lock("bindgen clang-sys", "libpq-sys", "openssl-sys", "anyhow"))
    assert found.needs == (
        Need("bindgen", Mark(LOCK, 3), "(Rust) reads headers with libclang", ("libclang-dev",), ()),
        Need("libpq-sys", Mark(LOCK, 6), "(Rust) links libpq", ("libpq-dev",), ("libpq5",)),
        Need("openssl-sys", Mark(LOCK, 9), "(Rust) links OpenSSL", ("libssl-dev", "pkg-config"), ()),
    )


def test_a_crate_that_brings_the_library_it_links() -> None:
    assert taken(lock("openssl-sys openssl-src", "libsqlite3-sys cc")).needs == ()


def test_rust_that_no_dependency_compiles_is_not_asked() -> None:
    files = {**lock("bindgen"), ".tool-versions": "rust 1.99\n"}
    assert taken(files, dependencies=(Resolved("jason", "jason", Mark("mix.lock", 3)),)) == RustPackages()


@pytest.mark.parametrize(
    ("asks", "debian", "cargo", "note"),
    [
        ("1.84.1", "trixie", "cargo", None),
        ("1.85", "trixie", "cargo", None),
        (
            "1.84.1",
            "bookworm",
            "cargo-web",
            "asks for Rust 1.84.1, and Debian bookworm's cargo is 1.63.0: cargo-web is 1.96.0",
        ),
        (
            "1.99.0",
            "trixie",
            "cargo-web",
            f"asks for Rust 1.99.0, and Debian trixie has none newer than 1.96.0: where that won't do, {RUSTUP}",
        ),
        (
            "1.60.0",
            "bullseye",
            "cargo",
            "asks for Rust 1.60.0, and Debian bullseye has none newer than 1.48.0: where that won't do, write debian: "
            f"trixie, which has 1.96.0, or {RUSTUP}",
        ),
        (
            "nightly",
            "trixie",
            "cargo",
            f"asks for Rust nightly, and Debian has releases alone: where that won't do, {RUSTUP}",
        ),
        ("stable", "trixie", "cargo", None),
        # What a release that still moves has, isn't known.
        ("1.99.0", "forky", "cargo", None),
    ],
)
def test_a_rust_that_is_new_enough(asks: str, debian: str, cargo: str, note: str | None) -> None:
    found = taken({".tool-versions": f"rust {asks}\n"}, debian)
    assert found == RustPackages(cargo, notes=() if note is None else (f".tool-versions:1 {note}",))


def test_what_hex_packages_compile_with_is_the_same_cargo() -> None:
    [need] = package_needs([RUSTLER], "bookworm", {}, "cargo-web")
    assert need.builder == ("cargo-web",)
