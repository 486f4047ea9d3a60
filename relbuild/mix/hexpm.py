"""Tags of hexpm/elixir: read, written, and the best of many picked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from relbuild.mix.toolchains import CODENAMES, HEXPM_TAGS
from relbuild.mix.versions import OtpVersion, Version

_TAG = re.compile(
    r"(?P<elixir>[0-9][0-9A-Za-z.-]{0,40}?)-erlang-(?P<otp>[0-9][0-9A-Za-z.-]{0,30}?)"
    r"-debian-(?P<debian>[a-z]{2,20})-(?P<date>[0-9]{8})(?P<slim>-slim)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class HexpmTag:
    """One tag of hexpm/elixir on Debian, such as ``1.18.4-erlang-27.3.4.2-debian-trixie-20250811-slim``."""

    elixir: str
    otp: str
    debian: str
    date: str
    slim: bool = True

    @classmethod
    def parse(cls, tag: str) -> HexpmTag | None:
        """Return the tag's parts, or None when it is of another distribution or has another form."""
        found = _TAG.fullmatch(tag)
        if not found or Version.parse(found["elixir"]) is None or OtpVersion.parse(found["otp"]) is None:
            return None
        return cls(found["elixir"], found["otp"], found["debian"], found["date"], found["slim"] is not None)

    def format(self) -> str:
        """Return the tag as the registry writes it."""
        return f"{self.elixir}-erlang-{self._erlang}"

    @property
    def image(self) -> str:
        """The builder image."""
        return f"hexpm/elixir:{self.format()}"

    @property
    def erlang_image(self) -> str:
        """The image with the same OTP on the same Debian, without Elixir; every hexpm/elixir is built from it."""
        return f"hexpm/erlang:{self._erlang}"

    @property
    def runner_image(self) -> str:
        """The Debian image it was built on, in its slim form."""
        return f"debian:{self.debian}-{self.date}-slim"

    @property
    def _erlang(self) -> str:
        return f"{self.otp}-debian-{self.debian}-{self.date}{'-slim' if self.slim else ''}"


def index_prefix(elixir: str, otp: str | None = None, debian: str | None = None) -> str:
    """Return the beginning of the tags to ask the index for: as much of it as is known."""
    if otp is None:
        return f"{elixir}-erlang-"
    return f"{elixir}-erlang-{otp}-debian-{debian}-" if debian else f"{elixir}-erlang-{otp}"


def pick(
    tags: Iterable[str | HexpmTag],
    *,
    elixir: str | None = None,
    otp: str | None = None,
    debian: str | None = None,
    erlang_only: bool = False,
) -> HexpmTag | None:
    """Return the best of the tags for what is asked, or None when none fits.

    A part that is None may be anything, and with ``erlang_only``, for hexpm/erlang, so may the Elixir. ``otp`` is met
    by itself and by its later patches (27 by 27.3.4.2), itself first. Then the higher OTP wins, the higher Elixir,
    the preferred Debian, the slim image and the newest date.
    """
    wanted = OtpVersion.parse(otp) if otp is not None else None
    found: list[HexpmTag] = []
    for tag in tags:
        parsed = HexpmTag.parse(tag) if isinstance(tag, str) else tag
        if parsed is None or debian not in (None, parsed.debian):
            continue
        if not erlang_only and elixir not in (None, parsed.elixir):
            continue
        version = OtpVersion.parse(parsed.otp)
        if otp is not None and (wanted is None or version is None or not wanted.starts(version)):
            continue
        found.append(parsed)
    return max(found, key=lambda tag: _rank(tag, otp, erlang_only), default=None)


def known_tags() -> tuple[HexpmTag, ...]:
    """Return the tags that ship with relbuild."""
    return _known()


def newest_date(debian: str) -> str:
    """Return the newest date that relbuild knows of a Debian release's images."""
    return max(tag.date for tag in _known() if tag.debian == debian)


@cache
def _known() -> tuple[HexpmTag, ...]:
    return tuple(tag for tag in map(HexpmTag.parse, HEXPM_TAGS) if tag is not None)


def _rank(tag: HexpmTag, otp: str | None, erlang_only: bool) -> tuple[bool, OtpVersion, Version, int, bool, str]:
    otp_version, elixir = OtpVersion.parse(tag.otp), Version.parse("0.0.0" if erlang_only else tag.elixir)
    assert otp_version is not None
    assert elixir is not None
    preferred = -CODENAMES.index(tag.debian) if tag.debian in CODENAMES else -len(CODENAMES)
    return tag.otp == otp, otp_version, elixir, preferred, tag.slim, tag.date
