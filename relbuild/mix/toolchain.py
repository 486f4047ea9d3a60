"""Elixir, OTP and Debian: which, said where, do they go together, and the images that have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from relbuild.errors import ConfigError, Mark, Problem, ProjectError
from relbuild.mix import pins
from relbuild.mix.compatibility import Choice, Rule, best_otp, check_pair, choose_elixir, rule
from relbuild.mix.facts import Known, Tree, Unknown
from relbuild.mix.hexpm import HexpmTag, known_tags, newest_date, pick
from relbuild.mix.packages import runtime_packages, toolchain_packages
from relbuild.mix.pins import Pin
from relbuild.mix.toolchains import (
    CODENAMES,
    DEBIAN_ELIXIR,
    DEBIAN_NUMBERS,
    ELIXIR_NEWEST,
    HEXPM_OLDEST_OTP,
    OFFICIAL_DEBIAN,
    OFFICIAL_NEWEST,
    OTP_NEWEST,
)
from relbuild.mix.versions import OtpVersion, Version

__all__ = ["Choice", "Settings", "Toolchain", "image_codename", "resolve", "runtime_packages", "toolchain_packages"]


class _Builder(Protocol):
    @property
    def image(self) -> str | None: ...


class _Runner(Protocol):
    @property
    def base(self) -> str: ...


class Settings(Protocol):
    """The part of relbuild.yml that this module reads."""

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
class Toolchain:
    """What the release is built with and what it runs on; elixir and otp are None where only the image knows."""

    provider: str
    elixir: Choice | None
    otp: Choice | None
    debian: Choice
    builder_image: str
    runner_image: str
    packages: tuple[str, ...]
    """What apt installs in the toolchain stage."""
    runtime_packages: tuple[str, ...]
    """What ERTS, crypto and ssl need in the runner."""
    elixir_git_ref: str | None = None
    """What to build Elixir from, for the source provider."""
    tag: HexpmTag | None = None
    """The hexpm image, in parts; a better one found in the index goes in with `with_tag`."""
    notes: tuple[str, ...] = ()

    def with_tag(self, tag: HexpmTag, note: str) -> Toolchain:
        """Return this toolchain on another tag of hexpm/elixir, the runner going with it where it was derived."""
        assert self.elixir is not None
        assert self.otp is not None
        derived = self.tag is not None and self.runner_image == self.tag.runner_image
        return replace(
            self,
            elixir=replace(self.elixir, value=tag.elixir),
            otp=replace(self.otp, value=tag.otp),
            debian=replace(self.debian, value=tag.debian),
            builder_image=tag.erlang_image if self.provider == "source" else tag.image,
            runner_image=tag.runner_image if derived else self.runner_image,
            packages=toolchain_packages(self.provider, tag.debian),
            runtime_packages=runtime_packages(self.provider, tag.debian),
            tag=tag,
            notes=(*self.notes, note),
        )


@dataclass(slots=True)
class _Asked:
    """What is asked for, by whom, and what is to be told of the choices."""

    config: Settings
    elixir: Pin | None
    otp: Pin | None
    rule: Rule | None
    notes: list[str]

    @property
    def otp_version(self) -> OtpVersion | None:
        """The OTP that is asked for, if any is named."""
        return OtpVersion.parse(self.otp.version) if self.otp and self.otp.version else None


def resolve(tree: Tree, config: Settings, elixir_requirement: Known[str] | Unknown | None) -> Toolchain:
    """Return the toolchain that relbuild.yml and the project's files ask for, with the source of every part.

    Raises ConfigError or ProjectError, at their place, for versions that can't be read, don't exist or don't go
    together.
    """
    said = pins.read(tree)
    notes = list(said.notes)
    asked = _Asked(
        config,
        _config_elixir(config) or said.elixir,
        _config_otp(config) or said.otp,
        rule(elixir_requirement, notes),
        notes,
    )
    _settle_suffix(asked)
    return _PROVIDERS[_provider(asked)](asked)


def image_codename(image: str) -> str | None:
    """Return the Debian release that an image's tag names, as codename or number; None when it names none."""
    name, _, tag = image.partition("@")[0].rpartition(":")
    if not name or "/" in tag:
        return None
    for word in tag.split("-"):
        if word in CODENAMES:
            return word
    if name.rpartition("/")[2] == "debian":
        return DEBIAN_NUMBERS.get(re.split(r"[.-]", tag)[0])
    return None


def _place(config: Settings, key: str) -> tuple[str, Mark | None]:
    mark = config.marks.get(key)
    return (f"{mark.file}:{mark.line}" if mark else "relbuild.yml"), mark


def _config_elixir(config: Settings) -> Pin | None:
    if config.elixir is None:
        return None
    source, mark = _place(config, "elixir")
    at = mark or Mark("relbuild.yml", 1)
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_./-]*", config.elixir):
        # relbuild.yml may name a branch or a tag as it is.
        return pins.elixir_pin(f"ref:{config.elixir}", source, at)
    return pins.elixir_pin(config.elixir, source, at)


def _config_otp(config: Settings) -> Pin | None:
    if config.otp is None:
        return None
    source, mark = _place(config, "otp")
    if OtpVersion.parse(config.otp) is None:
        raise ConfigError(
            f"otp: {config.otp!r} is no release of OTP: only Elixir is built from a git ref",
            at=mark,
            hint='write a version such as "27.3.4"',
        )
    return pins.otp_pin(config.otp, source, mark or Mark("relbuild.yml", 1))


def _settle_suffix(asked: _Asked) -> None:
    """Hold ``1.18.4-otp-27`` against the OTP that is asked for; without one, the suffix asks for it."""
    elixir, otp, version = asked.elixir, asked.otp, asked.otp_version
    if elixir is None or elixir.otp is None:
        return
    asked.notes.append(f"{elixir.source}: {elixir.text} is Elixir {elixir.version or elixir.ref} on OTP {elixir.otp}")
    if otp is None:
        asked.otp = Pin(f"-otp-{elixir.otp}", f"{elixir.source} (-otp-{elixir.otp})", elixir.at, str(elixir.otp))
    elif version is not None and version.major != elixir.otp:
        if otp.at == asked.config.marks.get("otp"):
            asked.notes.append(f"{otp.source} asks for OTP {version}, over the suffix of {elixir.text}")
            return
        raise ProjectError(
            f"{elixir.source} asks for Elixir on OTP {elixir.otp} ({elixir.text}), {otp.source} for OTP {version}",
            at=elixir.at,
            hint=f"write -otp-{version.major}, or OTP {elixir.otp}",
        )


def _provider(asked: _Asked) -> str:
    config, elixir = asked.config, asked.elixir
    if "toolchain" not in config.marks and config.toolchain == "hexpm":
        if config.builder.image is not None:
            asked.notes.append(f"{_place(config, 'builder.image')[0]} names the builder image: toolchain: image")
            return "image"
        if elixir is not None and elixir.ref is not None:
            asked.notes.append(
                f"{elixir.source} asks for {elixir.text}, which no image has: Elixir is built from source"
            )
            return "source"
    if config.builder.image is not None and config.toolchain in ("hexpm", "official"):
        raise ConfigError(
            f"builder.image goes with toolchain: image, not with {config.toolchain}",
            at=config.marks.get("builder.image"),
            hint="leave one of them out",
        )
    if elixir is not None and elixir.ref is not None and config.toolchain in ("hexpm", "official"):
        raise ProjectError(
            f"{elixir.source} asks for {elixir.text}; toolchain: {config.toolchain} has released versions only",
            at=elixir.at,
            hint="write toolchain: source, or a version such as elixir: 1.18.4, in relbuild.yml",
        )
    return config.toolchain


def _debian_of(asked: _Asked, builder_image: str | None = None) -> tuple[Choice, str] | None:
    """Return the Debian release that is asked for and the tag of its base image; None when nothing says one.

    Raises ConfigError when the builder's Debian and the one asked for differ.
    """
    config, built = asked.config, image_codename(builder_image) if builder_image else None
    if config.debian is not None:
        source, at = _place(config, "debian")
        codename = config.debian.partition("-")[0]
        if built is not None and built != codename:
            raise ConfigError(
                f"{source} asks for Debian {codename}, builder.image {builder_image} is {built}",
                at=at,
                hint="they must be the same: a release runs on the Debian it was built on",
            )
        return Choice(codename, source, at), config.debian
    for image, key in ((builder_image, "builder.image"), (config.runner.base, "runner.base")):
        codename_said = image_codename(image) if image else None
        if codename_said:
            source, at = _place(config, key)
            return Choice(codename_said, f"{source} ({key}: {image})", at), codename_said
    return None


def _runner(asked: _Asked, debian: str, slim: str) -> str:
    """Return the runner image; ConfigError when it is of another Debian than the builder."""
    base = asked.config.runner.base
    if base in ("slim", "minimal"):
        return slim
    codename = image_codename(base)
    if codename is None:
        asked.notes.append(f"runner.base {base} does not tell its Debian: it must be {debian}, as the builder is")
    elif codename != debian:
        raise ConfigError(
            f"runner.base {base} is Debian {codename}, the builder is {debian}",
            at=asked.config.marks.get("runner.base"),
            hint=f"take an image of {debian}, or write debian: {codename}: their glibc and OpenSSL differ",
        )
    return base


def _refuse_debian(asked: _Asked, debian: Choice, provider: str, known: tuple[str, ...]) -> None:
    if debian.value not in known:
        raise ConfigError(
            f"toolchain: {provider} has nothing for Debian {debian.value} ({debian.source})",
            at=debian.at,
            hint=f"it has {', '.join(known)}",
        )


def _hexpm(asked: _Asked) -> Toolchain:
    elixir = choose_elixir(asked.elixir, asked.rule, asked.otp_version, ELIXIR_NEWEST, asked.notes)
    debian, otp, tag = _hexpm_tag(asked, elixir)
    return _finish(asked, "hexpm", elixir, otp, debian, tag.image, tag.runner_image, tag=tag)


def _source(asked: _Asked) -> Toolchain:
    pin = asked.elixir
    if pin is not None and pin.ref is not None:
        elixir, ref = Choice(pin.ref, pin.source, pin.at), pin.ref
    else:
        elixir = choose_elixir(pin, asked.rule, asked.otp_version, ELIXIR_NEWEST, asked.notes)
        ref = f"v{elixir.value}"
    image = asked.config.builder.image
    if image is None:
        debian, otp, tag = _hexpm_tag(asked, elixir, erlang_only=True)
        return _finish(asked, "source", elixir, otp, debian, tag.erlang_image, tag.runner_image, ref=ref, tag=tag)
    debian, base = _image_debian(asked, image)
    otp_known: Choice | None = None
    if _is_debian(image) and debian.value in DEBIAN_ELIXIR:
        otp_known = Choice(DEBIAN_ELIXIR[debian.value].otp, f"Debian {debian.value}")
        check_pair(elixir, otp_known, _otp(otp_known.value))
        _note_other(asked, "OTP", asked.otp, otp_known)
    elif asked.otp_version is not None and asked.otp is not None:
        otp_known = Choice(str(asked.otp_version), asked.otp.source, asked.otp.at)
    return _finish(asked, "source", elixir, otp_known, debian, image, f"debian:{base}-slim", ref=ref)


def _hexpm_tag(asked: _Asked, elixir: Choice, *, erlang_only: bool = False) -> tuple[Choice, Choice, HexpmTag]:
    """Return Debian, OTP and the image for an Elixir: one that relbuild has seen, else one put together and noted."""
    said = _debian_of(asked)
    if said is not None:
        _refuse_debian(asked, said[0], "source" if erlang_only else "hexpm", tuple(HEXPM_OLDEST_OTP))
    codename = said[0].value if said else None
    version = Version.parse(elixir.value)
    wanted = asked.otp_version or OtpVersion((best_otp(version),))
    source = Choice(str(wanted), asked.otp.source, asked.otp.at) if asked.otp else Choice(str(wanted), _why(elixir))
    check_pair(elixir, source, wanted)
    tag = _known_tag(None if erlang_only else elixir.value, wanted, codename)
    if tag is None:
        tag = _composed(asked, elixir.value, wanted, codename, source)
    elif erlang_only:
        tag = replace(tag, elixir=elixir.value)
    if said is not None and "-" in said[1]:
        tag = replace(tag, date=said[1].partition("-")[2], slim=True)
    debian = said[0] if said else Choice(tag.debian, "default")
    asked_otp = asked.otp.text if asked.otp and asked.otp.version != tag.otp else None
    return debian, Choice(tag.otp, source.source, source.at, asked_otp), tag


def _why(elixir: Choice) -> str:
    return f"the newest that Elixir {elixir.value} was made for"


def _known_tag(elixir: str | None, wanted: OtpVersion, codename: str | None) -> HexpmTag | None:
    tags = known_tags()
    if len(wanted.parts) > 1:
        # A patch that is named is kept to, also when a later one is known.
        tags = tuple(tag for tag in tags if tag.otp == str(wanted))
    return pick(tags, elixir=elixir, otp=str(wanted), debian=codename)


def _composed(asked: _Asked, elixir: str, wanted: OtpVersion, codename: str | None, source: Choice) -> HexpmTag:
    if len(wanted.parts) == 1 and wanted.major not in OTP_NEWEST:
        raise ProjectError(
            f"relbuild knows no image with OTP {wanted} ({source.source})",
            at=source.at,
            hint=f"write the whole version; relbuild knows {', '.join(OTP_NEWEST.values())}",
        )
    otp = _otp(OTP_NEWEST[wanted.major]) if len(wanted.parts) == 1 else wanted
    debian = codename or next(iter(HEXPM_OLDEST_OTP))
    oldest = HEXPM_OLDEST_OTP[debian]
    if otp < _otp(oldest):
        raise ProjectError(
            f"there is no image with OTP {otp} ({source.source}) on Debian {debian}: it begins with OTP {oldest}",
            at=source.at,
            hint="take a newer OTP, or debian: bullseye in relbuild.yml",
        )
    # All Elixirs of a day are built on the same OTP and Debian images.
    same = pick((tag for tag in known_tags() if tag.otp == str(otp)), debian=debian)
    tag = HexpmTag(elixir, str(otp), debian, same.date if same else newest_date(debian) or "")
    asked.notes.append(f"hexpm/elixir:{tag.format()} is not in relbuild's table: put together, the registry decides")
    return tag


def _official(asked: _Asked) -> Toolchain:
    elixir = choose_elixir(asked.elixir, asked.rule, asked.otp_version, OFFICIAL_NEWEST, asked.notes)
    version, wanted = Version.parse(elixir.value), asked.otp_version
    major = wanted.major if wanted else best_otp(version)
    otp = Choice(str(major), asked.otp.source, asked.otp.at) if asked.otp else Choice(str(major), _why(elixir))
    check_pair(elixir, otp, OtpVersion((major,)))
    if wanted is not None and len(wanted.parts) > 1:
        asked.notes.append(f"the official image has no choice of OTP's patch: {major}, not {wanted} ({otp.source})")
    if major not in OFFICIAL_DEBIAN:
        raise ProjectError(
            f"relbuild does not know the official image for OTP {major} ({otp.source})",
            at=otp.at,
            hint="write toolchain: hexpm in relbuild.yml",
        )
    image = f"elixir:{elixir.value}-otp-{major}-slim"
    debian = Choice(OFFICIAL_DEBIAN[major], f"the official image for OTP {major}")
    said = _debian_of(asked)
    if said is not None and said[0].value != debian.value:
        raise ConfigError(
            f"{said[0].source} asks for Debian {said[0].value}, {image} is {debian.value}",
            at=said[0].at,
            hint=f"write debian: {debian.value}, or toolchain: hexpm, which has both",
        )
    base = said[1] if said else debian.value
    return _finish(asked, "official", elixir, otp, said[0] if said else debian, image, f"debian:{base}-slim")


def _debian(asked: _Asked) -> Toolchain:
    image = asked.config.builder.image
    debian, base = _debian_of(asked, image) or (Choice(CODENAMES[0], "default"), CODENAMES[0])
    _refuse_debian(asked, debian, "debian", tuple(DEBIAN_ELIXIR))
    has = DEBIAN_ELIXIR[debian.value]
    elixir = Choice(has.elixir, f"Debian {debian.value}")
    otp = Choice(has.otp, f"Debian {debian.value}")
    _refuse_other(asked, (("Elixir", asked.elixir, elixir), ("OTP", asked.otp, otp)))
    _note_other(asked, "Elixir", asked.elixir, elixir)
    _note_other(asked, "OTP", asked.otp, otp)
    version = Version.parse(has.elixir)
    if asked.rule is not None and version is not None and not asked.rule.requirement.admits(version):
        others = [
            f"debian: {name} ({facts.elixir})"
            for name, facts in DEBIAN_ELIXIR.items()
            if (other := Version.parse(facts.elixir)) and asked.rule.requirement.admits(other)
        ]
        raise ProjectError(
            f"{asked.rule.source} does not allow Elixir {has.elixir}, which Debian {debian.value} has",
            at=asked.rule.at,
            hint=f"write {', or '.join(['toolchain: hexpm', *others])} in relbuild.yml",
        )
    if has.moving:
        asked.notes.append(f"Debian {debian.value} is still moving: Elixir {has.elixir} or a newer one")
    slim = f"debian:{base}-slim"
    return _finish(asked, "debian", elixir, otp, debian, image or slim, slim)


def _refuse_other(asked: _Asked, choices: tuple[tuple[str, Pin | None, Choice], ...]) -> None:
    problems = [
        Problem(
            f"{pin.source} asks for {what} {pin.text}, {choice.source} has {choice.value}",
            pin.at,
            "leave it out, or write toolchain: hexpm; "
            + ", ".join(f"Debian {name} has {_of(what, name)}" for name in DEBIAN_ELIXIR),
        )
        for what, pin, choice in choices
        if pin is not None and pin.at in asked.config.marks.values() and not _meets(pin, choice.value)
    ]
    if problems:
        raise ConfigError.of(problems)


def _of(what: str, codename: str) -> str:
    return DEBIAN_ELIXIR[codename].elixir if what == "Elixir" else DEBIAN_ELIXIR[codename].otp


def _meets(pin: Pin, value: str) -> bool:
    return pin.version is not None and (pin.version == "" or f"{value}.".startswith(f"{pin.version}."))


def _note_other(asked: _Asked, what: str, pin: Pin | None, choice: Choice) -> None:
    if pin is not None and not _meets(pin, choice.value):
        asked.notes.append(
            f"{pin.source} asks for {what} {pin.text}; {choice.source} has {choice.value}, which is taken"
        )


def _image(asked: _Asked) -> Toolchain:
    image = asked.config.builder.image
    if image is None:
        raise ConfigError(
            "toolchain: image needs builder.image",
            at=asked.config.marks.get("toolchain"),
            hint="write builder: {image: registry.example.com/elixir:1.18.4}",
        )
    debian, base = _image_debian(asked, image)
    name, _, tag_text = image.partition("@")[0].rpartition(":")
    tag = HexpmTag.parse(tag_text) if name.endswith("hexpm/elixir") else None
    if tag is not None:
        elixir: Choice | None = Choice(tag.elixir, f"builder.image {image}")
        otp: Choice | None = Choice(tag.otp, f"builder.image {image}")
        base = f"{tag.debian}-{tag.date}"
    else:
        elixir = _taken(asked.elixir)
        otp = _taken(asked.otp)
    version = Version.parse(elixir.value) if elixir else None
    if asked.rule and elixir and version and not asked.rule.requirement.admits(version):
        raise ProjectError(
            f"{asked.rule.source} does not allow Elixir {elixir.value} ({elixir.source})",
            at=asked.rule.at,
            hint="change one of them: Mix would refuse to compile the project",
        )
    if elixir is None or otp is None:
        asked.notes.append(f"what Elixir and OTP {image} has, only the image itself can tell")
    return _finish(asked, "image", elixir, otp, debian, image, f"debian:{base}-slim")


def _taken(pin: Pin | None) -> Choice | None:
    value = (pin.version or pin.ref) if pin else None
    return Choice(value, pin.source, pin.at) if pin and value else None


def _image_debian(asked: _Asked, image: str) -> tuple[Choice, str]:
    said = _debian_of(asked, image)
    if said is None:
        raise ConfigError(
            f"builder.image {image} does not tell its Debian, which the runner must share",
            at=asked.config.marks.get("builder.image"),
            hint=f"write debian: {CODENAMES[0]}, or what it is",
        )
    _refuse_debian(asked, said[0], "image", CODENAMES)
    return said


def _is_debian(image: str) -> bool:
    return image.partition("@")[0].partition(":")[0].rpartition("/")[2] == "debian"


def _otp(text: str) -> OtpVersion:
    version = OtpVersion.parse(text)
    assert version is not None
    return version


def _finish(
    asked: _Asked,
    provider: str,
    elixir: Choice | None,
    otp: Choice | None,
    debian: Choice,
    builder_image: str,
    slim: str,
    *,
    ref: str | None = None,
    tag: HexpmTag | None = None,
) -> Toolchain:
    for what, choice in (("Elixir", elixir), ("OTP", otp)):
        if choice is not None and choice.asked:
            asked.notes.append(f"{what} {choice.asked} ({choice.source}): {choice.value} is the newest relbuild knows")
    runner_image = _runner(asked, debian.value, slim)
    packages = toolchain_packages(provider, debian.value, _is_debian(builder_image))
    return Toolchain(
        provider,
        elixir,
        otp,
        debian,
        builder_image,
        runner_image,
        packages,
        runtime_packages("debian" if _is_debian(builder_image) else provider, debian.value),
        ref,
        tag,
        tuple(asked.notes),
    )


_PROVIDERS: dict[str, Callable[[_Asked], Toolchain]] = {
    "hexpm": _hexpm,
    "official": _official,
    "debian": _debian,
    "source": _source,
    "image": _image,
}
