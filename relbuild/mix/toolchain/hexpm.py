"""hexpm's images: those that relbuild knows, and which of them has the requested Elixir, OTP and Debian."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

from relbuild.elixir.versions import OtpVersion, Version
from relbuild.errors import ProjectError
from relbuild.mix.toolchain.compatibility import Choice, best_otp, check_pair, supported
from relbuild.mix.toolchain.requests import Base, ToolchainRequest, unasked_debian
from relbuild.mix.toolchain.tables import CODENAMES, HEXPM_OLDEST_OTP, HEXPM_TAGS, OTP_NEWEST

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
    """Where to look for an Elixir when none is requested."""
    otp_line: str
    """Where to look for an OTP when none is requested."""
    admits_elixir: Callable[[str], bool]
    """Tells whether mix.exs allows an Elixir."""

    def admits(self, tag: HexpmTag) -> bool:
        """Tell whether a tag is one of those that are requested."""
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
        """Return what the index is requested; each value is the beginning of what it may be."""
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
        """Return the tag of an image's name, None when it is of another repository or not what is requested."""
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


class FoundImage(NamedTuple):
    """An image of hexpm: its versions with who asked for them, its tag, and what else would have been taken."""

    elixir: Choice
    otp: Choice
    debian: Choice
    tag: HexpmTag
    wanted: Wanted


def find_image(asked: ToolchainRequest, elixir: Choice, *, erlang_only: bool = False) -> FoundImage:
    """Return Debian, OTP and the image for an Elixir: the one that is locked, else one that relbuild has seen.

    One that it hasn't is put together, and noted.
    """
    base = asked.base()
    if base is not None:
        asked.refuse_debian(base, "source" if erlang_only else "hexpm", tuple(HEXPM_OLDEST_OTP))
    wanted = _wanted(asked, elixir, base, erlang_only)
    locked = wanted.of_image(asked.locked) if asked.locked else None
    otp_version = asked.otp_version or OtpVersion((int(wanted.otp_line),))
    otp = asked.otp_choice(elixir, str(otp_version))
    if locked is not None:
        return _locked(asked, elixir, otp, locked, wanted, base)
    if asked.otp_version is None and _version_of(elixir.value) is None:
        asked.notes.append(f"which OTP Elixir {elixir.value} needs is not known: otp in relbuild.yml says it")
    check_pair(elixir, otp, otp_version)
    tag = _table_tag(asked, elixir, otp, otp_version, base, erlang_only)
    having = f"OTP {tag.otp}" if erlang_only else f"Elixir {tag.elixir} and OTP {tag.otp}"
    debian = base.debian if base else unasked_debian(tag.debian, f"the newest that relbuild's table has with {having}")
    return FoundImage(elixir, replace(otp, value=tag.otp), debian, tag, wanted)


def _locked(
    asked: ToolchainRequest, elixir: Choice, otp: Choice, tag: HexpmTag, wanted: Wanted, base: Base | None
) -> FoundImage:
    # Only a beginning may have been asked for: it is no longer the newest that relbuild knows, but the locked one.
    otp = replace(otp, value=tag.otp, asked=None)
    if wanted.repository == ELIXIR:
        elixir = replace(elixir, value=tag.elixir, asked=None)
    version = OtpVersion.parse(tag.otp)
    assert version is not None
    check_pair(elixir, otp, version)
    debian = base.debian if base else unasked_debian(tag.debian, "the locked image's")
    return FoundImage(elixir, otp, debian, replace(tag, elixir=elixir.value), wanted)


def _version_of(elixir: str) -> Version | None:
    """Return an Elixir's version; a branch such as v1.18 has that of its line."""
    return Version.parse(elixir) or Version.parse(f"{elixir.removeprefix('v')}.0")


def _wanted(asked: ToolchainRequest, elixir: Choice, base: Base | None, erlang_only: bool) -> Wanted:
    version, pin = _version_of(elixir.value), asked.elixir
    return Wanted(
        repository=ERLANG if erlang_only else ELIXIR,
        elixir=(pin.version or None) if pin else None,
        otp=str(asked.otp_version) if asked.otp_version else None,
        debian=base.debian.value if base else None,
        date=base.date if base else None,
        elixir_line=version.line if version else elixir.value,
        otp_line=str(best_otp(version, tuple(OTP_NEWEST))),
        admits_elixir=asked.rule.admits if asked.rule else lambda _: True,
    )


def _table_tag(
    asked: ToolchainRequest, elixir: Choice, otp: Choice, wanted: OtpVersion, base: Base | None, erlang_only: bool
) -> HexpmTag:
    codename = base.debian.value if base else None
    tags = known_tags()
    if len(wanted.parts) > 1:
        # A patch that is named is kept to, also when a later one is known.
        tags = tuple(tag for tag in tags if tag.otp == str(wanted))
    seen = pick(tags, elixir=elixir.value, otp=str(wanted), debian=codename, erlang_only=erlang_only)
    tag = replace(seen, elixir=elixir.value) if seen else _composed(elixir.value, wanted, codename, otp)
    if base is not None and base.date is not None:
        tag = replace(tag, date=base.date, slim=True)
    if (seen is None or seen.date != tag.date) and tag not in known_tags():
        name = tag.erlang_image if erlang_only else tag.image
        asked.notes.append(
            f"{name} is not in relbuild's table: its name is put together; relbuild lock finds one that is there"
        )
    return tag


def _composed(elixir: str, wanted: OtpVersion, codename: str | None, source: Choice) -> HexpmTag:
    if len(wanted.parts) == 1 and wanted.major not in OTP_NEWEST:
        raise ProjectError(
            f"relbuild knows no image with OTP {wanted} ({source.source})",
            at=source.at,
            hint=f"write a whole version; relbuild knows {', '.join(OTP_NEWEST.values())}",
        )
    otp = OTP_NEWEST[wanted.major] if len(wanted.parts) == 1 else str(wanted)
    version = OtpVersion.parse(otp)
    debian = codename or next((name for name in CODENAMES if _has(name, version)), CODENAMES[0])
    if not _has(debian, version):
        oldest = HEXPM_OLDEST_OTP[debian]
        older = [name for name in CODENAMES if name != debian and _has(name, version)]
        raise ProjectError(
            f"there is no image with OTP {otp} ({source.source}) on Debian {debian}, where OTP {oldest} is the oldest",
            at=source.at,
            hint=f"request a newer OTP{f', or write debian: {older[0]} in relbuild.yml' if older else ''}",
        )
    # A day's images have the newest patches of that day: one that has been followed was last built on an earlier day.
    seen = [tag.date for tag in known_tags() if (tag.otp, tag.debian) == (otp, debian)]
    if not seen:
        # Every Debian release has an image of that day, as far back as it is built for at all.
        oldest_date = min(tag.date for tag in known_tags() if tag.debian == debian)
        seen = [tag.date for tag in known_tags() if tag.otp == otp and tag.date >= oldest_date]
    followed = otp not in OTP_NEWEST.values()
    return HexpmTag(elixir, otp, debian, max(seen) if seen and followed else newest_date(debian))


def _has(debian: str, otp: OtpVersion | None) -> bool:
    """Return whether hexpm has images of a Debian release with this OTP."""
    oldest = OtpVersion.parse(HEXPM_OLDEST_OTP.get(debian, ""))
    return oldest is not None and otp is not None and not otp < oldest
