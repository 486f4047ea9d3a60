"""What relbuild.yml and the project's files together ask of a toolchain, and which Debian release that means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from relbuild.elixir.versions import OtpVersion, Version
from relbuild.errors import ConfigError, Mark, ProjectError
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix.toolchain import build_files, pins
from relbuild.mix.toolchain.build_files import BuiltWith
from relbuild.mix.toolchain.compatibility import Choice, Rule, check_pair, choose_elixir, rule
from relbuild.mix.toolchain.pins import Pin
from relbuild.mix.toolchain.tables import CODENAMES, DEBIAN_NUMBERS, ELIXIR_NEWEST, HEXPM_OLDEST_OTP, OTP_NEWEST

# The toolchains that have any version of Elixir.
_OF_ANY_VERSION = ("hexpm", "official", "source")
_OLDEST_OTP = min(filter(None, map(OtpVersion.parse, HEXPM_OLDEST_OTP.values())))


class _Builder(Protocol):
    @property
    def image(self) -> str | None: ...


class _Runner(Protocol):
    @property
    def base(self) -> str: ...


class Settings(Protocol):
    """The part of relbuild.yml that a toolchain depends on."""

    @property
    def toolchain(self) -> str: ...
    @property
    def elixir(self) -> str | None: ...
    @property
    def otp(self) -> str | None: ...
    @property
    def debian(self) -> str | None: ...
    @property
    def builder(self) -> _Builder: ...
    @property
    def runner(self) -> _Runner: ...
    @property
    def marks(self) -> Mapping[str, Mark]: ...


@dataclass(frozen=True, slots=True)
class Base:
    """The Debian release to build for, and the tag of its image without ``-slim``: a codename, perhaps with a date."""

    debian: Choice
    tag: str

    @property
    def date(self) -> str | None:
        """The day of the image, where it is said."""
        return self.tag.partition("-")[2] or None

    @property
    def slim(self) -> str:
        """Debian's slim image."""
        return f"debian:{self.tag}-slim"


def unasked_debian(codename: str, why: str) -> Choice:
    """Return the Debian release of an image where none is requested: the default, or another for the reason given."""
    return Choice(codename, "default" if codename == CODENAMES[0] else why)


@dataclass(slots=True)
class ToolchainRequest:
    """What is requested, by whom, and what is to be told of the choices that were made."""

    config: Settings
    elixir: Pin | None
    otp: Pin | None
    rule: Rule | None
    rebar3: bool
    notes: list[str]
    locked: str | None = None
    """The builder image of an earlier choice."""

    @property
    def otp_version(self) -> OtpVersion | None:
        """The OTP that is requested, if one is named."""
        return OtpVersion.parse(self.otp.version) if self.otp and self.otp.version else None

    def in_config(self, key: str) -> bool:
        """Tell whether it is relbuild.yml that asks for the elixir or the otp."""
        return (self.config.elixir if key == "elixir" else self.config.otp) is not None

    def place(self, key: str) -> tuple[str, Mark | None]:
        """Return where relbuild.yml says something, as text and as a mark."""
        mark = self.config.marks.get(key)
        return (mark.brief if mark else "relbuild.yml"), mark

    def base(self, builder_image: str | None = None) -> Base | None:
        """Return the Debian release that relbuild.yml asks for: itself, or through an image; None when it doesn't.

        Raises ConfigError when the builder image is of another release.
        """
        built = image_codename(builder_image) if builder_image else None
        if self.config.debian is not None:
            source, at = self.place("debian")
            codename = self.config.debian.partition("-")[0]
            if built is not None and built != codename:
                raise ConfigError(
                    f"{source} asks for Debian {codename}, builder.image {builder_image} is {built}",
                    at=at,
                    hint="they must be the same: a release runs on the Debian it was built on",
                )
            return Base(Choice(codename, source, at), self.config.debian)
        for image, key in ((builder_image, "builder.image"), (self.config.runner.base, "runner.base")):
            if image and (codename_said := image_codename(image)):
                source, at = self.place(key)
                return Base(Choice(codename_said, f"{source} ({key}: {image})", at), codename_said)
        return None

    def runner_image(self, debian: str, slim: str) -> str:
        """Return the runner image; ConfigError when it is of another Debian than the builder."""
        base = self.config.runner.base
        if base in ("slim", "minimal"):
            return slim
        codename = image_codename(base)
        source, at = self.place("runner.base")
        if codename is None:
            self.notes.append(f"{source}: {base} does not tell its Debian; it must be {debian}, as the builder is")
        elif codename != debian:
            raise ConfigError(
                f"runner.base {base} is Debian {codename}, the builder is {debian}",
                at=at,
                hint=f"take an image of {debian}, or write debian: {codename}; their glibc and OpenSSL differ",
            )
        return base

    def otp_choice(self, elixir: Choice, value: str) -> Choice:
        """Return an OTP as what is requested, or as what goes with the Elixir where none is."""
        if self.otp is None:
            known = Version.parse(elixir.value) is not None
            return Choice(value, f"the newest that Elixir {elixir.value} was made for" if known else "default")
        partial = self.otp.text if self.otp_version is None or len(self.otp_version.parts) == 1 else None
        return Choice(value, self.otp.source, self.otp.at, partial)

    def refuse_debian(self, base: Base, provider: str, known: tuple[str, ...]) -> None:
        """Raise ConfigError when a provider has nothing for the Debian release."""
        if base.debian.value not in known:
            raise ConfigError(
                f"toolchain: {provider} has nothing for Debian {base.debian.value} ({base.debian.source})",
                at=base.debian.at,
                hint=f"it has {', '.join(known)}",
            )


def read_request(
    tree: Tree,
    config: Settings,
    requirements: tuple[Known[str] | Unknown, ...],
    *,
    rebar3: bool,
    locked: str | None = None,
) -> ToolchainRequest:
    """Return what is requested; raise ConfigError or ProjectError for what is unreadable or contradicts itself."""
    said = pins.read_pins(tree)
    notes = list(said.notes)
    asked = ToolchainRequest(config, said.elixir, said.otp, rule(requirements, notes), rebar3, notes, locked)
    if config.elixir is not None:
        asked.elixir = _config_elixir(asked, config.elixir)
    if config.otp is not None:
        asked.otp = _config_otp(asked, config.otp)
    _settle_suffix(asked)
    if asked.elixir is None and asked.otp is None and config.toolchain in _OF_ANY_VERSION and not config.builder.image:
        built = next((found for found in build_files.find_built_with(tree) if _fits(found, asked)), None)
        if built is not None:
            asked.elixir, asked.otp = built
            _settle_suffix(asked)
    return asked


def _fits(found: BuiltWith, asked: ToolchainRequest) -> bool:
    """Return whether versions of a Dockerfile or of CI make a toolchain that mix.exs allows."""
    if found.elixir is None:
        return False
    otp = OtpVersion.parse(found.otp.version) if found.otp is not None and found.otp.version else None
    if otp is not None and (otp < _OLDEST_OTP or (len(otp.parts) == 1 and otp.major not in OTP_NEWEST)):
        return False
    try:
        elixir = choose_elixir(found.elixir, asked.rule, None, ELIXIR_NEWEST, [])
        if found.otp is not None and otp is not None:
            check_pair(elixir, Choice(str(otp), found.otp.source, found.otp.at), otp)
    except ProjectError:
        return False
    return True


def image_codename(image: str) -> str | None:
    """Return the codename of the Debian release that an image's tag names, None when it names none."""
    name, _, tag = image.partition("@")[0].rpartition(":")
    if not name or "/" in tag:
        return None
    for word in tag.split("-"):
        if word in CODENAMES:
            return word
    return DEBIAN_NUMBERS.get(re.split(r"[.-]", tag)[0]) if is_debian(image) else None


def is_debian(image: str) -> bool:
    """Tell whether an image is a plain Debian, by its name, from whatever registry."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0] == "debian"


def _config_elixir(asked: ToolchainRequest, text: str) -> Pin:
    source, mark = asked.place("elixir")
    if text == "latest":
        # No branch or tag either: it would be looked for as one.
        newest = ", ".join(f"{line}.{patch}" for line, patch in ELIXIR_NEWEST.items())
        raise ConfigError(
            "elixir: 'latest' is no release of Elixir",
            at=mark,
            hint=f"write one, such as {newest}; without it, it is the newest that mix.exs allows",
        )
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", text):
        # relbuild.yml may name a branch or a tag as it is.
        text = f"ref:{text}"
    return pins.elixir_pin(text, source, mark or Mark("relbuild.yml", 1))


def _config_otp(asked: ToolchainRequest, text: str) -> Pin:
    source, mark = asked.place("otp")
    if OtpVersion.parse(text) is None:
        raise ConfigError(
            f"otp: {text!r} is no release of OTP: only Elixir is built from a git ref",
            at=mark,
            hint='write a version such as "27.3.4"',
        )
    return pins.otp_pin(text, source, mark or Mark("relbuild.yml", 1))


def _settle_suffix(asked: ToolchainRequest) -> None:
    """Hold the suffix of ``1.18.4-otp-27`` against the OTP that is requested; where none is, the suffix asks for it."""
    elixir, otp, version = asked.elixir, asked.otp, asked.otp_version
    if elixir is None or elixir.otp is None:
        return
    asked.notes.append(f"{elixir.source}: {elixir.text} is Elixir {elixir.version or elixir.ref} for OTP {elixir.otp}")
    if otp is None:
        asked.otp = Pin(str(elixir.otp), f"{elixir.source} (-otp-{elixir.otp})", elixir.at, str(elixir.otp))
    elif version is not None and version.major != elixir.otp:
        if asked.in_config("otp"):
            asked.notes.append(f"{otp.source} asks for OTP {version}, which overrides the suffix of {elixir.text}")
            return
        raise ProjectError(
            f"{elixir.source} asks for Elixir on OTP {elixir.otp} ({elixir.text}), {otp.source} for OTP {version}",
            at=elixir.at,
            hint=f"write -otp-{version.major} in the one, or OTP {elixir.otp} in the other",
        )
