"""Versions and requirements, held against what Elixir 1.18.3 itself answered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.elixir.versions import OtpVersion, Requirement, Version

VERSIONS = [
    "1.14.5",
    "1.15.0-rc.0",
    "1.15.0",
    "1.18.3",
    "1.18.4",
    "1.19.0-dev",
    "1.19.0-rc.1",
    "1.19.0-rc.10",
    "1.19.0",
    "2.0.0-0",
    "2.0.0",
]

# Version.match?/2 of Elixir 1.18.3.
MATCHES = {
    "~> 1.14": "1.14.5 1.15.0-rc.0 1.15.0 1.18.3 1.18.4 1.19.0-dev 1.19.0-rc.1 1.19.0-rc.10 1.19.0",
    "~> 1.15.0": "1.15.0",
    "~>1.18.4": "1.18.4",
    ">= 1.18.4": "1.18.4 1.19.0-dev 1.19.0-rc.1 1.19.0-rc.10 1.19.0 2.0.0-0 2.0.0",
    "< 2.0.0": "1.14.5 1.15.0-rc.0 1.15.0 1.18.3 1.18.4 1.19.0-dev 1.19.0-rc.1 1.19.0-rc.10 1.19.0 2.0.0-0",
    "<= 1.18.4": "1.14.5 1.15.0-rc.0 1.15.0 1.18.3 1.18.4",
    "> 1.14.5": "1.15.0-rc.0 1.15.0 1.18.3 1.18.4 1.19.0-dev 1.19.0-rc.1 1.19.0-rc.10 1.19.0 2.0.0-0 2.0.0",
    "== 1.18.4": "1.18.4",
    "1.18.4": "1.18.4",
    "!= 1.18.4": "1.14.5 1.15.0-rc.0 1.15.0 1.18.3 1.19.0-dev 1.19.0-rc.1 1.19.0-rc.10 1.19.0 2.0.0-0 2.0.0",
    "~> 1.19-rc": "1.19.0-rc.1 1.19.0-rc.10 1.19.0",
    "~> 1.19.0-rc.1": "1.19.0-rc.1 1.19.0-rc.10 1.19.0",
    "~> 1.14 and < 1.18.0": "1.14.5 1.15.0-rc.0 1.15.0",
    "~> 1.14.0 or ~> 1.19": "1.14.5 1.19.0",
    "~> 1.14.0 or ~> 1.18 and < 1.19.0": "1.14.5 1.18.3 1.18.4 1.19.0-dev 1.19.0-rc.1 1.19.0-rc.10",
    "~> 1.18 and < 1.18.4 or 1.14.5": "1.14.5 1.18.3",
    "  ~> 1.15  ": "1.15.0 1.18.3 1.18.4 1.19.0-dev 1.19.0-rc.1 1.19.0-rc.10 1.19.0",
}

# Version.parse_requirement/1 of Elixir 1.18.3 answers :error.
NO_REQUIREMENTS = (
    "",
    "1.14",
    "~> 1",
    ">= 1.14",
    "1.18.x",
    "~> 1.14 or",
    "and ~> 1.14",
    "~> 1.14 ~> 1.15",
    "== == 1.14.0",
    "~> 01.14",
    "~> 1.14.0-rc.01",
    "~> 1.14.0-",
    "~> 1.14\n",
    "=> 1.14.0",
    "~> 1.14 && ~> 1.15",
)

# In the order of Elixir's Version.compare/2.
IN_ORDER = [
    "1.0.0-0",
    "1.0.0-1",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0-a",
    "1.0.0-a.1",
    "1.0.0-a.b",
    "1.0.0-b",
    "1.0.0",
    "1.0.1-dev",
    "1.0.1",
    "1.2.0",
    "1.10.0",
    "2.0.0",
]

numbers = st.integers(0, 10**14 - 1)
words = st.from_regex(r"[0-9A-Za-z-]*[A-Za-z-][0-9A-Za-z-]*", fullmatch=True)
elixirs = st.builds(Version, numbers, numbers, numbers, st.lists(numbers | words, max_size=4).map(tuple))


def version(text: str) -> Version:
    parsed = Version.parse(text)
    assert parsed is not None
    return parsed


@pytest.mark.parametrize("requirement", MATCHES)
def test_a_requirement_admits_what_elixir_admits(requirement: str) -> None:
    parsed = Requirement.parse(requirement)
    assert parsed is not None
    assert [text for text in VERSIONS if parsed.admits(version(text))] == MATCHES[requirement].split()


@pytest.mark.parametrize("text", NO_REQUIREMENTS)
def test_what_elixir_refuses_is_no_requirement(text: str) -> None:
    assert Requirement.parse(text) is None


@pytest.mark.parametrize(
    "text", ["", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "v1.2.3", "1.2.x", "1.2.3 "]
)
def test_what_elixir_refuses_is_no_version(text: str) -> None:
    assert Version.parse(text) is None


def test_build_metadata_is_dropped() -> None:
    assert version("1.18.4-rc.1+20250101.x") == Version(1, 18, 4, ("rc", 1))


def test_versions_sort_as_elixir_compares_them() -> None:
    assert [str(each) for each in sorted(map(version, reversed(IN_ORDER)))] == list(IN_ORDER)


@given(elixirs)
def test_a_version_survives_being_written(each: Version) -> None:
    assert Version.parse(str(each)) == each


@given(elixirs, elixirs, elixirs)
def test_the_order_of_versions_is_total(a: Version, b: Version, c: Version) -> None:
    assert (a < b) + (a == b) + (a > b) == 1
    assert not (a <= b and b <= c) or a <= c


@given(elixirs, elixirs)
def test_comparisons_are_the_order(a: Version, b: Version) -> None:
    admits = {op: r.admits(a) for op in ("==", "!=", "<", "<=", ">", ">=") if (r := Requirement.parse(f"{op} {b}"))}
    assert admits == {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}


@given(elixirs, numbers, numbers)
def test_the_tilde_is_a_range(each: Version, major: int, minor: int) -> None:
    two, three = Requirement.parse(f"~> {major}.{minor}"), Requirement.parse(f"~> {major}.{minor}.0")
    assert two is not None
    assert three is not None
    release = not each.pre or each >= Version(major, minor, 0)
    assert two.admits(each) == (each.major == major and each.minor >= minor and release)
    assert three.admits(each) == ((each.major, each.minor) == (major, minor) and release)


@given(st.text(max_size=40) | st.text(alphabet="~><=!.-+ andor0123", max_size=30))
def test_any_text_is_a_version_or_none(text: str) -> None:
    parsed = Version.parse(text)
    assert parsed is None or Version.parse(str(parsed)) == parsed


@given(elixirs, elixirs, st.sampled_from(["==", "!=", ">", ">=", "<", "<=", "~>"]), st.sampled_from(["and", "or"]))
def test_parts_of_a_requirement_are_joined(each: Version, bound: Version, operator: str, word: str) -> None:
    parts = (f"{operator} {bound}", "~> 1.18")
    first, second, joined = (Requirement.parse(text) for text in (*parts, f" {word} ".join(parts)))
    assert first is not None
    assert second is not None
    assert joined is not None
    one, other = first.admits(each), second.admits(each)
    assert joined.admits(each) == (one and other if word == "and" else one or other)


otps = st.builds(
    OtpVersion,
    st.lists(st.integers(0, 9999), min_size=1, max_size=5).map(tuple),
    st.sampled_from(["", "rc1", "rc12"]),
)

OTP_IN_ORDER = [
    "26.2.5.9",
    "26.2.5.21",
    "27",
    "27.0-rc2",
    "27.0-rc10",
    "27.0",
    "27.0.1",
    "27.3",
    "27.3.4",
    "27.3.4.2",
    "27.3.4.10",
    "27.10",
    "28.5",
]


def otp(text: str) -> OtpVersion:
    parsed = OtpVersion.parse(text)
    assert parsed is not None
    return parsed


def test_otp_versions_sort_part_by_part() -> None:
    assert [str(each) for each in sorted(map(otp, reversed(OTP_IN_ORDER)))] == OTP_IN_ORDER


@pytest.mark.parametrize("text", ["", "27.", ".27", "27.x", "twenty", "27-", "27.3 ", "٢٧", "99999"])
def test_what_is_no_otp_version(text: str) -> None:
    assert OtpVersion.parse(text) is None


def test_an_otp_version_starts_its_patches() -> None:
    assert [text for text in OTP_IN_ORDER if otp("27").starts(otp(text))] == OTP_IN_ORDER[2:3] + OTP_IN_ORDER[5:12]
    assert [text for text in OTP_IN_ORDER if otp("27.3").starts(otp(text))] == OTP_IN_ORDER[7:11]
    assert [text for text in OTP_IN_ORDER if otp("27.0-rc2").starts(otp(text))] == ["27.0-rc2"]


def test_a_tag_of_otp_is_a_version() -> None:
    assert OtpVersion.parse("OTP-27.3.4") == OtpVersion((27, 3, 4))


@given(otps)
def test_an_otp_version_survives_being_written(each: OtpVersion) -> None:
    assert OtpVersion.parse(str(each)) == each


@given(otps, otps)
def test_the_order_of_otp_versions_is_that_of_their_parts(a: OtpVersion, b: OtpVersion) -> None:
    assert (a < b) + (a == b) + (a > b) == 1
    if not a.candidate and not b.candidate:
        assert (a < b) == (a.parts < b.parts)
