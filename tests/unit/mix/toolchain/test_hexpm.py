from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild.elixir.versions import OtpVersion, Version
from relbuild.mix.toolchain.hexpm import ELIXIR, ERLANG, HexpmTag, Wanted, known_tags, newest_date, pick
from relbuild.mix.toolchain.tables import (
    CODENAMES,
    ELIXIR_NEWEST,
    ELIXIR_OTP,
    HEXPM_OLDEST_OTP,
    HEXPM_TAGS,
    OFFICIAL_DEBIAN,
    OFFICIAL_NEWEST,
    OPENSSL,
    OTP_NEWEST,
)

numbers = st.integers(0, 99)
elixirs = st.builds("{}.{}.{}{}".format, numbers, numbers, numbers, st.sampled_from(["", "-rc.0", "-rc.12"]))
otps = st.lists(numbers, min_size=2, max_size=4).map(lambda parts: ".".join(map(str, parts)))
dates = st.dates().map(lambda day: f"{day:%Y%m%d}".rjust(8, "0"))
tags = st.builds(
    HexpmTag, elixirs, otps, st.sampled_from(["trixie", "bookworm", "bullseye", "forky"]), dates, st.booleans()
)


@given(tags)
def test_a_tag_survives_being_written(tag: HexpmTag) -> None:
    assert HexpmTag.parse(tag.format()) == tag


@given(
    st.text(max_size=60) | st.from_regex(r"[0-9.]+-erlang-[0-9.]+-(debian|alpine|ubuntu)-[a-z0-9.-]+", fullmatch=True)
)
def test_any_text_is_a_tag_or_none(text: str) -> None:
    tag = HexpmTag.parse(text)
    assert tag is None or tag.format() == text


@pytest.mark.parametrize(
    "text",
    [
        "1.18.4-erlang-27.3.4-alpine-3.21.3",
        "1.18.4-erlang-27.3.4-ubuntu-noble-20250404",
        "1.18.4-erlang-27.3.4",
        "1.18.4-erlang-27.3.4-debian-trixie",
        "1.18-erlang-27.3.4-debian-trixie-20250811",
        "1.18.4-erlang-27.3.4-debian-trixie-20250811-slim\n",
    ],
)
def test_other_tags_are_passed_over(text: str) -> None:
    assert HexpmTag.parse(text) is None


def test_a_tag_names_its_images() -> None:
    tag = HexpmTag("1.18.4", "27.3.4.2", "trixie", "20250811")
    assert (tag.image, tag.erlang_image, tag.runner_image) == (
        "hexpm/elixir:1.18.4-erlang-27.3.4.2-debian-trixie-20250811-slim",
        "hexpm/erlang:27.3.4.2-debian-trixie-20250811-slim",
        "debian:trixie-20250811-slim",
    )


INDEX = (
    "1.18.4-erlang-27.3.4-debian-bookworm-20250520-slim",
    "1.18.4-erlang-27.3.4.10-debian-bookworm-20260112-slim",
    "1.18.4-erlang-27.3.4.10-debian-trixie-20260112",
    "1.18.4-erlang-27.3.4.10-debian-trixie-20260112-slim",
    "1.18.4-erlang-27.3.4.10-debian-trixie-20251229-slim",
    "1.18.4-erlang-27.3.4.9-debian-trixie-20260202-slim",
    "1.18.4-erlang-28.0.1-alpine-3.21.3",
    "1.18.4-erlang-28.0.1-debian-trixie-20260112-slim",
    "1.19.0-rc.1-erlang-28.0.1-debian-trixie-20260112-slim",
    "1.19.0-erlang-28.0.1-debian-trixie-20260112-slim",
    "nonsense",
)


@pytest.mark.parametrize(
    ("elixir", "otp", "debian", "best"),
    [
        ("1.18.4", "27", None, 3),
        ("1.18.4", "27", "bookworm", 1),
        ("1.18.4", "27.3.4", None, 0),
        ("1.18.4", "27.3.4", "trixie", 3),
        ("1.18.4", "27.3.4.9", None, 5),
        ("1.18.4", None, None, 7),
        (None, "28", None, 9),
        ("1.19.0-rc.1", None, None, 8),
        ("1.18.4", "26", None, None),
        ("1.18.3", None, None, None),
        ("1.18.4", "nonsense", None, None),
    ],
)
def test_the_best_of_the_tags_is_picked(
    elixir: str | None, otp: str | None, debian: str | None, best: int | None
) -> None:
    expected = None if best is None else HexpmTag.parse(INDEX[best])
    assert pick(INDEX, elixir=elixir, otp=otp, debian=debian) == expected
    assert pick(reversed(INDEX), elixir=elixir, otp=otp, debian=debian) == expected


@given(st.lists(tags, max_size=8), tags)
def test_what_is_picked_is_what_was_asked_for(others: list[HexpmTag], wanted: HexpmTag) -> None:
    found = pick([*others, wanted], elixir=wanted.elixir, otp=wanted.otp, debian=wanted.debian)
    assert found is not None
    assert (found.elixir, found.otp, found.debian) == (wanted.elixir, wanted.otp, wanted.debian)
    assert found.date >= wanted.date or found.slim > wanted.slim


@given(tags, st.booleans())
def test_a_tag_that_is_asked_for_in_full_is_admitted_and_its_neighbours_are_not(tag: HexpmTag, erlang: bool) -> None:
    wanted = Wanted(
        ERLANG if erlang else ELIXIR, tag.elixir, tag.otp, tag.debian, tag.date, "1.18", "27", lambda _: True
    )
    image = tag.erlang_image if erlang else tag.image
    found = wanted.of_image(image)
    assert found is not None
    assert (found.otp, found.debian, found.date) == (tag.otp, tag.debian, tag.date)
    assert wanted.admits(tag)
    assert not wanted.admits(replace(tag, otp=f"{tag.otp}.1"))
    assert not wanted.admits(replace(tag, debian="buster"))
    assert not wanted.admits(replace(tag, date="19990101"))
    assert wanted.admits(replace(tag, elixir="0.9.0")) == erlang
    # Whatever of it the index is requested is the beginning of what the tag says.
    query = wanted.query()
    assert query.pop("repo") == image.partition(":")[0]
    said = {"elixir_version": tag.elixir, "erlang_version": tag.otp, "os": "debian"}
    said["os_version"] = f"{tag.debian}-{tag.date}"
    assert all(said[key].startswith(value) for key, value in query.items())


@pytest.mark.parametrize(
    ("elixir", "otp", "admitted"),
    [
        ("1.18", "27", ["1.18.4-27.3.4", "1.18.5-27.3.4.17"]),
        (None, "27", ["1.18.4-27.3.4", "1.18.5-27.3.4.17", "1.20.4-27.3"]),
        ("1.18.4", None, ["1.18.4-27.3.4", "1.18.4-28.5"]),
        ("1.18.4", "27.3", []),
    ],
)
def test_what_is_not_said_may_be_anything_that_goes_together(
    elixir: str | None, otp: str | None, admitted: list[str]
) -> None:
    wanted = Wanted(ELIXIR, elixir, otp, None, None, "1.18", "27", lambda version: version != "1.18.3")
    pairs = ["1.18.4-27.3.4", "1.18.5-27.3.4.17", "1.18.3-27.3.4", "1.18.4-28.5", "1.18.4-29.1", "1.20.4-27.3"]
    found = [pair for pair in pairs if wanted.admits(HexpmTag(*pair.split("-"), "trixie", "20260101"))]
    assert found == admitted


def test_images_of_other_repositories_are_none() -> None:
    wanted = Wanted(ELIXIR, None, None, None, None, "1.18", "27", lambda _: True)
    assert wanted.of_image("debian:trixie-slim") is None
    assert wanted.of_image("hexpm/erlang:27.3-debian-trixie-20260101-slim") is None
    assert wanted.of_image("hexpm/elixir:1.18.4-erlang-27.3-alpine-3.22.1") is None


def test_every_tag_of_the_table_is_one_and_goes_together() -> None:
    assert len(known_tags()) == len(HEXPM_TAGS) == len(set(HEXPM_TAGS))
    for tag in known_tags():
        version, otp = Version.parse(tag.elixir), OtpVersion.parse(tag.otp)
        assert version is not None
        assert otp is not None
        support = ELIXIR_OTP[version.line]
        assert support.first <= otp.major <= support.last or (
            otp.major == support.also and version.patch >= support.also_from_patch
        )
        assert version.patch <= ELIXIR_NEWEST[version.line]
        assert otp <= OtpVersion.parse(OTP_NEWEST[otp.major])
        assert otp >= OtpVersion.parse(HEXPM_OLDEST_OTP[tag.debian])


def test_the_tables_speak_of_the_same_releases() -> None:
    assert set(ELIXIR_NEWEST) <= set(ELIXIR_OTP)
    assert all(patch <= ELIXIR_NEWEST[line] for line, patch in OFFICIAL_NEWEST.items())
    assert set(OFFICIAL_DEBIAN) <= set(OTP_NEWEST)
    assert set(OPENSSL) == set(CODENAMES) >= set(HEXPM_OLDEST_OTP)
    assert all(OtpVersion.parse(text).major == major for major, text in OTP_NEWEST.items())
    assert all(newest_date(codename) for codename in HEXPM_OLDEST_OTP)
