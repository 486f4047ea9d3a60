"""An image for other platforms: what is compiled where, and with which flags."""

from __future__ import annotations

import pytest

from relbuild.errors import Mark, Problem, UsageError
from relbuild.image.plan.packages import Need
from relbuild.image.plan.platforms import (
    COMPILERS,
    PERF,
    SINGLE,
    Platforms,
    foreign_flags,
    machine_code,
    parse_platforms,
    plan_platforms,
)
from relbuild.mix.lock import Resolved

AT = Mark("mix.lock", 2)
BOTH = ("linux/amd64", "linux/arm64")
PLUG = Resolved("plug", "plug", AT, managers=("mix",))
BCRYPT = Resolved("bcrypt_elixir", "bcrypt_elixir", AT, managers=("make", "mix"))
NATIVE = Need("lazy_html", AT, "brings its C or C++ code compiled", (), (), precompiled=True)


def test_without_a_platform_there_is_nothing_to_decide() -> None:
    assert plan_platforms((), True, [BCRYPT], [], "27") == (None, ())


def test_modules_are_compiled_once_where_no_dependency_has_machine_code() -> None:
    assert plan_platforms(BOTH, None, [PLUG], [], "27.3.4") == (Platforms(BOTH, emulated=False), ())


def test_machine_code_is_built_on_its_platform() -> None:
    note = "with machine code in bcrypt_elixir, lazy_html, everything is built once for each platform, emulated"
    decided = plan_platforms(BOTH, None, [PLUG, BCRYPT], [NATIVE], "27.3.4")
    assert decided == (Platforms(BOTH, emulated=True, flags=SINGLE), (note,))


def test_relbuild_yml_has_the_last_word() -> None:
    assert plan_platforms(BOTH, False, [BCRYPT], [], None) == (Platforms(BOTH, emulated=False), ())
    assert plan_platforms(BOTH, True, [PLUG], [], None) == (Platforms(BOTH, emulated=True, flags=SINGLE), ())


def test_a_program_that_is_only_called_is_no_machine_code_of_the_release() -> None:
    assert machine_code([PLUG], [Need("pdf_generator", AT, "calls wkhtmltopdf", (), ("wkhtmltopdf",))]) == ()


@pytest.mark.parametrize("package", sorted(COMPILERS))
def test_what_compiles_for_others(package: str) -> None:
    assert machine_code([Resolved("it", package, AT)], []) == ("it",)


@pytest.mark.parametrize(
    ("names", "otp", "flags"),
    [
        (BOTH, "26", SINGLE),
        (BOTH, "25.3.2.21", PERF),
        (BOTH, None, SINGLE),
        (("linux/arm/v7",), "27", ""),
        ((*BOTH, "linux/riscv64"), "27", ""),
    ],
)
def test_the_flags_of_an_emulated_build(names: tuple[str, ...], otp: str | None, flags: str) -> None:
    assert plan_platforms(names, True, [], [], otp) == (Platforms(names, emulated=True, flags=flags), ())


@pytest.mark.parametrize(
    ("architecture", "erts", "flags"),
    [
        ("arm64", "15.2.7", SINGLE),
        ("amd64", "14.0", SINGLE),
        ("arm64", "13.2.2", PERF),
        ("riscv64", "15.2", ""),
        ("arm64", "", ""),
    ],
)
def test_the_flags_of_a_foreign_release(architecture: str, erts: str, flags: str) -> None:
    assert foreign_flags(architecture, erts) == flags


def test_what_the_option_takes() -> None:
    assert parse_platforms(["linux/amd64, linux/arm64", "linux/amd64", "linux/arm/v7"]) == (*BOTH, "linux/arm/v7")
    every = (*BOTH, "linux/arm/v7", "linux/386", "linux/ppc64le", "linux/s390x", "linux/riscv64", "linux/arm64/v8")
    assert parse_platforms(every) == every


@pytest.mark.parametrize("platform", ["arm64", "", "linux/amd65", "windows/amd64", "linux/arm64/v9", "linux/amd64/"])
def test_a_platform_that_is_not_there(platform: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_platforms(["linux/amd64", platform])
    assert raised.value.problems == (
        Problem(
            f"--platform {platform}: is no platform that Debian is there for",
            hint="there are linux/amd64, linux/arm64, linux/arm/v7, linux/386, linux/ppc64le, linux/s390x, "
            "linux/riscv64",
        ),
    )
