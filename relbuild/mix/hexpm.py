"""Tags of hexpm/elixir: read, written, and the best of many picked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from relbuild.elixir.versions import OtpVersion, Version
from relbuild.mix.compatibility import supported
from relbuild.mix.toolchains import CODENAMES, HEXPM_TAGS

ELIXIR = "hexpm/elixir"
ERLANG = "hexpm/erlang"
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
        return f"{ELIXIR}:{self.format()}"

    @property
    def erlang_image(self) -> str:
        """The image with the same OTP on the same Debian, without Elixir; every hexpm/elixir is built from it."""
        return f"{ERLANG}:{self._erlang}"

    @property
    def runner_image(self) -> str:
        """The Debian image it was built on, in its slim form."""
        return f"debian:{self.debian}-{self.date}-slim"

    @property
    def _erlang(self) -> str:
        return f"{self.otp}-debian-{self.debian}-{self.date}{'-slim' if self.slim else ''}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a project asks of hexpm's images; a part that is None may be anything."""

    repository: str
    """hexpm/elixir, or hexpm/erlang where Elixir is compiled from source: then the Elixir of a tag says nothing."""
    elixir: str | None
    """A version, or the beginning of one: 1.18."""
    otp: str | None
    """A major version, of which the newest is wanted, or the version that is wanted and no other."""
    debian: str | None
    date: str | None
    elixir_line: str
    """Where to look for an Elixir when none is asked for."""
    otp_line: str
    """Where to look for an OTP when none is asked for."""
    admits_elixir: Callable[[str], bool]
    """Tells whether mix.exs allows an Elixir."""

    def admits(self, tag: HexpmTag) -> bool:
        """Tell whether a tag is one of those that are asked for."""
        version, otp = Version.parse(tag.elixir), OtpVersion.parse(tag.otp)
        if self.repository == ELIXIR and (
            version is None
            or not (self.elixir is None or f"{tag.elixir}.".startswith(f"{self.elixir}."))
            or not self.admits_elixir(tag.elixir)
        ):
            return False
        if otp is None:
            return False
        if self.otp is None:
            majors = (supported(version) if self.repository == ELIXIR and version else None) or (otp.major,)
            is_otp = otp.major in majors
        else:
            is_otp = tag.otp == self.otp if "." in self.otp else str(otp.major) == self.otp
        return is_otp and self.debian in (None, tag.debian) and self.date in (None, tag.date)

    def query(self) -> dict[str, str]:
        """Return what the index is asked for; each value is the beginning of what it may be."""
        asked = {"repo": self.repository, "erlang_version": self.otp or self.otp_line, "os": "debian"}
        if self.repository == ELIXIR:
            asked["elixir_version"] = self.elixir or self.elixir_line
        if self.debian is not None:
            asked["os_version"] = f"{self.debian}-{self.date or ''}"
        return asked

    def tag(self, text: str) -> HexpmTag | None:
        """Return a tag of the repository in its parts, None when it is of another distribution or form."""
        return HexpmTag.parse(text if self.repository == ELIXIR else f"0.0.0-erlang-{text}")

    def of_image(self, image: str) -> HexpmTag | None:
        """Return the tag of an image's name, None when it is of another repository or not what is asked for."""
        repository, _, text = image.partition(":")
        tag = self.tag(text) if repository == self.repository else None
        return tag if tag is not None and self.admits(tag) else None


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
