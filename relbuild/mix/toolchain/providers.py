"""The toolchain: the requested Elixir, OTP and Debian, and the images of the provider that has them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from relbuild.elixir.versions import OtpVersion, Version
from relbuild.errors import ConfigError, Problem, ProjectError
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix.toolchain.compatibility import Choice, best_otp, check_pair, choose_elixir, refuse
from relbuild.mix.toolchain.pins import Pin
from relbuild.mix.toolchain.requests import (
    Base,
    Settings,
    ToolchainRequest,
    is_debian,
    read_request,
    unasked_debian,
)
from relbuild.mix.toolchain.tables import (
    CODENAMES,
    DEBIAN_ELIXIR,
    ELIXIR_NEWEST,
    OFFICIAL_DEBIAN,
    OFFICIAL_NEWEST,
    OPENSSL,
)

if TYPE_CHECKING:
    from relbuild.mix.toolchain.hexpm import HexpmTag, Wanted


_COMPILING = ("build-essential", "ca-certificates", "git")
# Elixir's package depends on what its compiler needs; a release may list any other application of OTP.
_OTP = ("erlang-dev", "erlang-nox")


def runtime_packages(provider: str, debian: str) -> tuple[str, ...]:
    """Return the packages with the shared libraries that ERTS, crypto and ssl are linked against, sorted by name.

    From the Depends of Debian's erlang-base and erlang-crypto, and for the other providers from what hexpm/bob's
    Dockerfiles build hexpm/erlang with.
    """
    libraries = ["libgcc-s1", OPENSSL[debian], "libstdc++6", "libtinfo6", "zlib1g"]
    if provider == "debian":
        # Debian's epmd can be started by systemd's sockets.
        libraries.append("libsystemd0")
        if debian in ("forky", "sid"):
            libraries.append("libsctp1")
    return tuple(sorted(libraries))


def toolchain_packages(provider: str, debian: str, *, on_debian: bool = False, rebar3: bool = True) -> tuple[str, ...]:
    """Return what apt installs in the toolchain stage so that dependencies, C code among them, compile; sorted.

    ``on_debian`` tells that the builder image is a plain Debian, which has no OTP of its own; ``rebar3`` that a
    dependency may need it. An image of the user's own gets nothing: it may not even be a Debian with apt.
    """
    if provider == "image":
        return ()
    packages = list(_COMPILING)
    if provider == "debian":
        packages.append("elixir")
        if DEBIAN_ELIXIR[debian].has_hex:
            packages.append("erlang-hex")
    if provider == "debian" or (provider == "source" and on_debian):
        packages += _OTP
        if rebar3:
            packages.append("rebar3")
    return tuple(sorted(packages))


_COMMIT = re.compile(r"[0-9a-f]{7,64}")


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
    """The image of hexpm, in parts; a better one that the index has goes in with `with_tag`."""
    wanted: Wanted | None = None
    """What image of hexpm is requested, to look for a newer one."""
    notes: tuple[str, ...] = ()

    def with_tag(self, tag: HexpmTag, note: str) -> Toolchain:
        """Return this toolchain on another of hexpm's images, the runner going with it where it was derived."""
        derived = self.tag is not None and self.runner_image == self.tag.runner_image
        from_source = self.provider == "source"
        chosen = self.wanted is not None and self.wanted.debian is None
        return replace(
            self,
            elixir=self.elixir if self.elixir is None or from_source else replace(self.elixir, value=tag.elixir),
            otp=None if self.otp is None else replace(self.otp, value=tag.otp),
            debian=unasked_debian(tag.debian, "the newest that hexpm's index has for them") if chosen else self.debian,
            builder_image=tag.erlang_image if from_source else tag.image,
            runner_image=tag.runner_image if derived else self.runner_image,
            runtime_packages=runtime_packages(self.provider, tag.debian),
            tag=tag,
            notes=(*self.notes, note),
        )


def _from_hexpm(asked: ToolchainRequest) -> Toolchain:
    """Return hexpm/elixir of the day that has the Elixir and the OTP, and the Debian image of that day."""
    elixir = choose_elixir(asked.elixir, asked.rule, asked.otp, ELIXIR_NEWEST, asked.notes)
    from relbuild.mix.toolchain.hexpm import find_image

    found = find_image(asked, elixir)
    return _toolchain(
        asked,
        "hexpm",
        found.elixir,
        found.otp,
        found.debian,
        (found.tag.image, found.tag.runner_image),
        tag=found.tag,
        wanted=found.wanted,
    )


def _from_source(asked: ToolchainRequest) -> Toolchain:
    """Return an image with OTP, hexpm's or the one named in builder.image, and the git ref to build Elixir from."""
    pin = asked.elixir
    if pin is not None and pin.ref is not None:
        elixir, ref = Choice(pin.ref, pin.source, pin.at), pin.ref
        if not _COMMIT.fullmatch(ref):
            asked.notes.append(
                f"Elixir {ref} may move: a build keeps the one it fetched while its cache lasts; ref:COMMIT names one"
            )
    else:
        elixir = choose_elixir(pin, asked.rule, asked.otp, ELIXIR_NEWEST, asked.notes)
        ref = f"v{elixir.value}"
    named = asked.config.builder.image
    if named is None:
        from relbuild.mix.toolchain.hexpm import find_image

        found = find_image(asked, elixir, erlang_only=True)
        images = (found.tag.erlang_image, found.tag.runner_image)
        return _toolchain(
            asked, "source", elixir, found.otp, found.debian, images, ref=ref, tag=found.tag, wanted=found.wanted
        )
    base = _image_base(asked, named)
    otp_there = _taken(asked.otp)
    if is_debian(named) and base.debian.value in DEBIAN_ELIXIR:
        otp_there = Choice(DEBIAN_ELIXIR[base.debian.value].otp, f"Debian {base.debian.value}")
        _hold_against(asked, (("OTP", asked.otp, otp_there),))
    if otp_there is not None and (version := OtpVersion.parse(otp_there.value)):
        check_pair(elixir, otp_there, version)
    return _toolchain(asked, "source", elixir, otp_there, base.debian, (named, base.slim), ref=ref)


def _from_official(asked: ToolchainRequest) -> Toolchain:
    """Return Docker's official elixir image and the Debian it is based on."""
    elixir = choose_elixir(asked.elixir, asked.rule, asked.otp, OFFICIAL_NEWEST, asked.notes)
    wanted = asked.otp_version
    major = wanted.major if wanted else best_otp(Version.parse(elixir.value), tuple(OFFICIAL_DEBIAN))
    otp = asked.otp_choice(elixir, str(major))
    check_pair(elixir, otp, OtpVersion((major,)))
    if wanted is not None and len(wanted.parts) > 1:
        asked.notes.append(f"the official image has no choice of OTP's patch: {major}, not {wanted} ({otp.source})")
    if major not in OFFICIAL_DEBIAN:
        raise ProjectError(
            f"relbuild knows no official image with OTP {major} ({otp.source})",
            at=otp.at,
            hint=f"it knows those with OTP {', '.join(map(str, OFFICIAL_DEBIAN))}; or write toolchain: hexpm",
        )
    name, codename = f"elixir:{elixir.value}-otp-{major}-slim", OFFICIAL_DEBIAN[major]
    base = asked.base() or Base(Choice(codename, f"the official image with OTP {major}"), codename)
    if base.debian.value != codename:
        raise ConfigError(
            f"{base.debian.source} asks for Debian {base.debian.value}, {name} is {codename}",
            at=base.debian.at,
            hint=f"write debian: {codename}, or toolchain: hexpm, which has both",
        )
    return _toolchain(asked, "official", elixir, otp, base.debian, (name, base.slim))


def _from_debian(asked: ToolchainRequest) -> Toolchain:
    """Return the Debian image on which apt installs the Elixir and the OTP of that Debian release."""
    named = asked.config.builder.image
    base = asked.base(named) or Base(Choice(CODENAMES[0], "default"), CODENAMES[0])
    codename = base.debian.value
    asked.refuse_debian(base, "debian", tuple(DEBIAN_ELIXIR))
    has = DEBIAN_ELIXIR[codename]
    elixir, otp = Choice(has.elixir, f"Debian {codename}"), Choice(has.otp, f"Debian {codename}")
    _hold_against(asked, (("Elixir", asked.elixir, elixir), ("OTP", asked.otp, otp)))
    refusing = asked.rule.against(has.elixir) if asked.rule is not None else None
    if asked.rule is not None and refusing is not None:
        others = [
            f"debian: {name} ({other.elixir})"
            for name, other in DEBIAN_ELIXIR.items()
            if asked.rule.admits(other.elixir)
        ]
        raise ProjectError(
            f"{refusing.refusal} Elixir {has.elixir}, which Debian {codename} has",
            at=refusing.at,
            hint=f"write {' or '.join(['toolchain: hexpm', *others])} in relbuild.yml",
        )
    if has.moving:
        asked.notes.append(f"Debian {codename} is still moving: Elixir {has.elixir}, OTP {has.otp} or newer")
    return _toolchain(asked, "debian", elixir, otp, base.debian, (named or base.slim, base.slim))


def _from_image(asked: ToolchainRequest) -> Toolchain:
    """Return the image that builder.image names; what is in it, its name or the project says, or nobody."""
    named = asked.config.builder.image
    if named is None:
        raise ConfigError(
            "toolchain: image needs builder.image",
            at=asked.place("toolchain")[1],
            hint="write builder: {image: registry.example.com/elixir:1.18.4}",
        )
    from relbuild.mix.toolchain.hexpm import HexpmTag

    base = _image_base(asked, named)
    name, _, text = named.partition("@")[0].rpartition(":")
    tag = HexpmTag.parse(text) if name.endswith("hexpm/elixir") else None
    elixir, otp = _taken(asked.elixir), _taken(asked.otp)
    if tag is not None:
        elixir, otp = Choice(tag.elixir, f"builder.image {named}"), Choice(tag.otp, f"builder.image {named}")
        base = Base(base.debian, f"{tag.debian}-{tag.date}")
        _hold_against(asked, (("Elixir", asked.elixir, elixir), ("OTP", asked.otp, otp)))
    if elixir is not None:
        refuse(elixir, asked.rule)
    if elixir is None or otp is None:
        asked.notes.append(f"what {'OTP' if elixir else 'Elixir'} {named} has, only the image itself can tell")
    return _toolchain(asked, "image", elixir, otp, base.debian, (named, base.slim))


def _hold_against(asked: ToolchainRequest, choices: tuple[tuple[str, Pin | None, Choice], ...]) -> None:
    """Note where something else is requested than there is; ConfigError where it is relbuild.yml that asks."""
    problems = []
    for what, pin, choice in choices:
        if pin is None or pin.version == "" or (pin.version and f"{choice.value}.".startswith(f"{pin.version}.")):
            continue
        message = f"{pin.source} asks for {what} {pin.text}, {choice.source} has {choice.value}"
        if asked.in_config("elixir" if what == "Elixir" else "otp"):
            has = ", ".join(f"{name} {getattr(facts, what.lower())}" for name, facts in DEBIAN_ELIXIR.items())
            problems.append(Problem(message, pin.at, f"leave it out, or write toolchain: hexpm; Debian has: {has}"))
        else:
            asked.notes.append(f"{message}, which is taken")
    if problems:
        raise ConfigError.of(problems)


def _taken(pin: Pin | None) -> Choice | None:
    value = (pin.version or pin.ref) if pin else None
    return Choice(value, pin.source, pin.at) if pin and value else None


def _image_base(asked: ToolchainRequest, named: str) -> Base:
    base = asked.base(named)
    if base is None:
        raise ConfigError(
            f"builder.image {named} does not tell its Debian, which the runner must share",
            at=asked.place("builder.image")[1],
            hint=f"write debian: {CODENAMES[0]}, or what it is",
        )
    asked.refuse_debian(base, asked.config.toolchain, CODENAMES)
    return base


def _toolchain(
    asked: ToolchainRequest,
    provider: str,
    elixir: Choice | None,
    otp: Choice | None,
    debian: Choice,
    images: tuple[str, str],
    *,
    ref: str | None = None,
    tag: HexpmTag | None = None,
    wanted: Wanted | None = None,
) -> Toolchain:
    for what, choice in (("Elixir", elixir), ("OTP", otp)):
        if choice is not None and choice.asked and choice.asked != choice.value:
            asked.notes.append(
                f"{choice.source} asks for {what} {choice.asked}: {choice.value} is the newest in relbuild's table "
                "that fits"
            )
    builder_image, slim = images
    on_debian = is_debian(builder_image)
    return Toolchain(
        provider,
        elixir,
        otp,
        debian,
        builder_image,
        asked.runner_image(debian.value, slim),
        toolchain_packages(provider, debian.value, on_debian=on_debian, rebar3=asked.rebar3),
        runtime_packages("debian" if on_debian else provider, debian.value),
        ref,
        tag,
        wanted,
        tuple(asked.notes),
    )


_PROVIDERS: dict[str, Callable[[ToolchainRequest], Toolchain]] = {
    "hexpm": _from_hexpm,
    "official": _from_official,
    "debian": _from_debian,
    "source": _from_source,
    "image": _from_image,
}


def resolve_toolchain(
    tree: Tree,
    config: Settings,
    elixir_requirements: tuple[Known[str] | Unknown, ...],
    *,
    rebar3: bool = True,
    locked: str | None = None,
) -> Toolchain:
    """Return the toolchain that relbuild.yml and the project's files request, with the source of every part.

    For each of Elixir and OTP the first file that names a version counts: relbuild.yml, .tool-versions, mise.toml,
    .elixir-version and .erlang-version, elixir_buildpack.config, a .tool-versions or mise.toml above the project. Where
    none of them names either, the first of the project's Dockerfile and CI whose versions mix.exs allows; else the
    newest that the requirement in mix.exs allows.
    ``rebar3`` tells whether a dependency may be built with rebar3, which is 700 MB of Debian packages. ``locked`` is
    the builder image of an earlier choice: where it still is one of those that are requested, it is the choice.

    Raises ConfigError or ProjectError, with the place, for versions that can't be read, that no image has, or that
    don't go together.
    """
    try:
        asked = read_request(tree, config, elixir_requirements, rebar3=rebar3, locked=locked)
        return _PROVIDERS[_provider(asked)](asked)
    except ProjectError as error:
        if all(problem.at in config.marks.values() for problem in error.problems):
            raise ConfigError.of(error.problems) from error
        raise


def _provider(asked: ToolchainRequest) -> str:
    config, elixir, image = asked.config, asked.elixir, asked.config.builder.image
    if "toolchain" not in config.marks and config.toolchain == "hexpm":
        if image is not None:
            asked.notes.append(f"{asked.place('builder.image')[0]} names the builder image: toolchain is image")
            return "image"
        if elixir is not None and elixir.ref is not None:
            asked.notes.append(f"{elixir.source} asks for {elixir.text}, which no image has: toolchain is source")
            return "source"
    if config.toolchain not in ("hexpm", "official"):
        return config.toolchain
    if image is not None:
        raise ConfigError(
            f"builder.image goes with toolchain: image, debian or source, not with {config.toolchain}",
            at=asked.place("builder.image")[1],
            hint="leave one of them out",
        )
    if elixir is not None and elixir.ref is not None:
        raise ProjectError(
            f"{elixir.source} asks for {elixir.text}; toolchain: {config.toolchain} has released versions only",
            at=elixir.at,
            hint="write toolchain: source, or a version such as elixir: 1.18.4, in relbuild.yml",
        )
    return config.toolchain
