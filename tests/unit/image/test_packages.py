"""What dependencies need of Debian, and the table that says so."""

from __future__ import annotations

import re

import pytest

from relbuild.config import texts
from relbuild.errors import Mark
from relbuild.image.package_table import ONLY_IN, OTHER_NAMES, PACKAGES
from relbuild.image.packages import Need, needs
from relbuild.mix.resolved import Resolved
from relbuild.mix.toolchains import CODENAMES

AT = Mark("mix.lock", 2, 3)


def need(package: str, debian: str = "trixie", runtime: bool = True, **env: str) -> Need | None:
    found = needs([Resolved(package, package, AT, "hexpm", runtime=runtime)], debian, env)
    return found[0] if found else None


def test_what_is_compiled_and_linked() -> None:
    assert need("enacl") == Need("enacl", AT, "links libsodium", ("build-essential", "libsodium-dev"), ("libsodium23",))


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


@pytest.mark.parametrize(
    "package", ["bcrypt_elixir", "argon2_elixir", "exqlite", "evision", "rustler", "ffmpex", "chromic_pdf"]
)
def test_the_best_known_are_in_it(package: str) -> None:
    assert need(package) is not None
