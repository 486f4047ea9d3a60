"""Which of hexpm's images has what is asked for: the locked one, one that relbuild has seen, or one put together."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from relbuild.elixir.versions import OtpVersion, Version
from relbuild.errors import ProjectError
from relbuild.mix.asked import Asked, Base, unasked_debian
from relbuild.mix.compatibility import Choice, best_otp, check_pair
from relbuild.mix.hexpm import ELIXIR, ERLANG, HexpmTag, Wanted, known_tags, newest_date, pick
from relbuild.mix.toolchains import CODENAMES, HEXPM_OLDEST_OTP, OTP_NEWEST


class Found(NamedTuple):
    """An image of hexpm: its versions with who asked for them, its tag, and what else would have been taken."""

    elixir: Choice
    otp: Choice
    debian: Choice
    tag: HexpmTag
    wanted: Wanted


def find_image(asked: Asked, elixir: Choice, *, erlang_only: bool = False) -> Found:
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
    return Found(elixir, replace(otp, value=tag.otp), debian, tag, wanted)


def _locked(asked: Asked, elixir: Choice, otp: Choice, tag: HexpmTag, wanted: Wanted, base: Base | None) -> Found:
    # Only a beginning may have been asked for: it is no longer the newest that relbuild knows, but the locked one.
    otp = replace(otp, value=tag.otp, asked=None)
    if wanted.repository == ELIXIR:
        elixir = replace(elixir, value=tag.elixir, asked=None)
    version = OtpVersion.parse(tag.otp)
    assert version is not None
    check_pair(elixir, otp, version)
    debian = base.debian if base else unasked_debian(tag.debian, "the locked image's")
    return Found(elixir, otp, debian, replace(tag, elixir=elixir.value), wanted)


def _version_of(elixir: str) -> Version | None:
    """Return an Elixir's version; a branch such as v1.18 has that of its line."""
    return Version.parse(elixir) or Version.parse(f"{elixir.removeprefix('v')}.0")


def _wanted(asked: Asked, elixir: Choice, base: Base | None, erlang_only: bool) -> Wanted:
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
    asked: Asked, elixir: Choice, otp: Choice, wanted: OtpVersion, base: Base | None, erlang_only: bool
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
