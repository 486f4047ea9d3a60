"""What dependencies need of Debian, and the table that says so."""

from __future__ import annotations

import re

import pytest

from relbuild.config import texts
from relbuild.errors import Mark
from relbuild.image.package_table import ONLY_IN, OTHER_NAMES, PACKAGES
from relbuild.image.packages import Need, needs
from relbuild.mix.lock import Needed
from relbuild.mix.resolved import Resolved
from relbuild.mix.toolchains import CODENAMES

AT = Mark("mix.lock", 2, 3)


def need(
    package: str, debian: str = "trixie", runtime: bool = True, deps: tuple[Needed, ...] | None = None, **env: str
) -> Need | None:
    found = needs([Resolved(package, package, AT, "hexpm", runtime=runtime, deps=deps)], debian, env)
    return found[0] if found else None


def test_what_is_compiled_and_linked() -> None:
    assert need("enacl") == Need("enacl", AT, "links libsodium", ("build-essential", "libsodium-dev"), ("libsodium23",))


def test_what_a_makefile_calls_is_there() -> None:
    assert need("fast_html") == Need("fast_html", AT, "compiles C", ("build-essential", "cmake"), ())
    assert need("majic", "bookworm") == Need(
        "majic", AT, "links libmagic", ("build-essential", "libmagic-dev"), ("libmagic1",)
    )


def test_names_differ_between_debian_releases() -> None:
    names = {debian: getattr(need("zbar", debian), "runner", None) for debian in ("bookworm", "trixie", "forky")}
    assert names == {
        "bookworm": ("libjpeg62-turbo", "libzbar0"),
        "trixie": ("libjpeg62-turbo", "libzbar0t64"),
        "forky": ("libjpeg62-turbo", "libzbar0t64"),
    }


def test_a_program_that_a_debian_release_has_no_more() -> None:
    assert need("pdf_generator", "bookworm") == Need("pdf_generator", AT, "calls wkhtmltopdf", (), ("wkhtmltopdf",))
    assert need("pdf_generator") == Need("pdf_generator", AT, "calls wkhtmltopdf", (), (), missing=("wkhtmltopdf",))


def test_what_brings_its_compiled_code_needs_nothing_unless_it_is_told_to_compile() -> None:
    assert need("vix") == Need("vix", AT, "brings libvips compiled", (), (), precompiled=True)
    assert need("vix", VIX_COMPILATION_MODE="PLATFORM_PROVIDED_LIBVIPS") == Need(
        "vix",
        AT,
        "is compiled, as VIX_COMPILATION_MODE asks",
        ("build-essential", "libvips-dev", "pkg-config"),
        ("libvips42t64",),
    )
    assert need("explorer", RUSTLER_PRECOMPILED_FORCE_BUILD_ALL="true") == Need(
        "explorer", AT, "is compiled, as RUSTLER_PRECOMPILED_FORCE_BUILD_ALL asks", ("cargo",), ()
    )
    assert need("vix", VIX_COMPILATION_MODE="PRECOMPILED_LIBVIPS") == need("vix")


def test_a_version_of_before_its_package_brought_compiled_code_is_compiled() -> None:
    old, new = (Needed("rustler", False),), (Needed("rustler", True), Needed("rustler_precompiled", False))
    what = "is compiled in this version, without rustler_precompiled"
    assert need("ex_keccak", deps=old) == Need("ex_keccak", AT, what, ("cargo",), ())
    assert (
        need("ex_keccak", deps=new)
        == need("ex_keccak")
        == Need("ex_keccak", AT, "brings its Rust code compiled", (), (), precompiled=True)
    )
    c = "is compiled in this version, without cc_precompiler"
    assert need("exqlite", deps=(Needed("elixir_make", False),)) == Need("exqlite", AT, c, ("build-essential",), ())
    # One that downloads it by means of its own.
    assert need("evision", deps=(Needed("elixir_make", False),)) == need("evision")


def test_a_package_that_the_table_does_not_have_is_known_by_what_it_depends_on() -> None:
    make, precompiler = Needed("elixir_make", False), Needed("cc_precompiler", False)
    assert need("some_nif", deps=(make,)) == Need("some_nif", AT, "is compiled with make", ("build-essential",), ())
    brought = need("some_nif", deps=(make, precompiler))
    assert brought == Need("some_nif", AT, "brings its C or C++ code compiled", (), (), precompiled=True)
    rust = need("some_nif", deps=(Needed("rustler", True), Needed("rustler_precompiled", False)))
    assert rust == Need("some_nif", AT, "brings its Rust code compiled", (), (), precompiled=True)
    assert need("some_nif", deps=(Needed("jason", False), Needed("elixir_make", True))) is None
    # It compiles for others.
    assert need("cc_precompiler", deps=(make,)) is None


def test_what_only_builds_needs_nothing_where_the_release_runs() -> None:
    assert need("fast_xml", runtime=False) == Need(
        "fast_xml", AT, "links Expat", ("build-essential", "libexpat1-dev"), ()
    )
    assert need("mogrify", runtime=False) is None


def test_what_is_not_known_needs_nothing() -> None:
    assert need("jason") is None


def test_the_table_has_enough_and_is_sound() -> None:
    assert len(PACKAGES) >= 40
    debian = {name for entry in PACKAGES.values() for name in (*entry.builder, *entry.runner)}
    others = {name for names in OTHER_NAMES.values() for name in names.values()}
    assert {name for name in debian | others if not re.fullmatch(texts.PACKAGE.pattern or "", name)} == set()
    assert {*OTHER_NAMES, *ONLY_IN} <= debian
    assert {codename for names in OTHER_NAMES.values() for codename in names} <= set(CODENAMES)
    for package, entry in PACKAGES.items():
        assert entry.source.startswith("https://"), package
        assert entry.builder or entry.runner or entry.precompiled, package
        assert entry.switch is None or entry.precompiled, package
        assert entry.by is None or (entry.precompiled and entry.builder), package


@pytest.mark.parametrize(
    "package", ["bcrypt_elixir", "argon2_elixir", "exqlite", "evision", "rustler", "ffmpex", "chromic_pdf", "fast_html"]
)
def test_the_best_known_are_in_it(package: str) -> None:
    assert need(package) is not None
