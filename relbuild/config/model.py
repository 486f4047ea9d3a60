"""relbuild.yml as types; each field says what its key means, takes, and defaults to.

The fields are the one source of the decoder, its messages, and the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from relbuild.config import texts
from relbuild.config.kinds import Choice, Commands, Flag, Listing, Section, Table, Whole, key, nothing, required
from relbuild.config.target import Target
from relbuild.errors import Mark

TOOLCHAINS = ("hexpm", "official", "debian", "source", "image")


def _commands(what: str = "a list of shell commands") -> Listing:
    return Listing(what, texts.COMMAND)


@dataclass(frozen=True, slots=True)
class Steps:
    """Shell commands that the build stages run besides their own; each may have several lines."""

    before_deps: tuple[str, ...] = key(
        _commands(),
        "Run before the dependencies are fetched; a change here rebuilds everything.",
        default="[]",
        example="[./scripts/add-ca.sh]",
        value=(),
    )
    before_compile: tuple[str, ...] = key(
        _commands(),
        "Run before the project is compiled, with all its files in place: generated code.",
        default="[]",
        example="[mix gettext.extract --merge]",
        value=(),
    )
    after_compile: tuple[str, ...] = key(
        _commands(),
        "Run after the project is compiled and before the release is assembled: files that the release takes along.",
        default="[]",
        example="[mix sentry.package_source_code]",
        value=(),
    )


@dataclass(frozen=True, slots=True)
class Repository:
    """A Hex repository other than the public one; `hexpm` is that one, at another address."""

    url: str = required(texts.URL, "Its address.", example="https://hex.example.com")
    public_key: str | None = key(
        texts.FILE,
        "Its public key: a PEM file of the project, or the fingerprint (SHA256:…) of the one it hands out.",
        default="null",
        example="acme.pem",
    )
    auth: bool = key(
        Flag(),
        "Whether it wants a key; the build gets it from HEX_NAME_KEY, as a BuildKit secret.",
        default="true",
        example="false",
        value=True,
    )


@dataclass(frozen=True, slots=True)
class Builder:
    """The stages that compile: nothing of them is in the final image but the release."""

    image: str | None = key(
        texts.REFERENCE,
        "The image to build in. With toolchain: image, which it means by itself, it has Elixir, Erlang/OTP and a C "
        "compiler; with debian it is the Debian to install them on, with source an image with Erlang/OTP.",
        default="null",
        example="registry.example.com/elixir:1.18.4",
    )
    elixir_git: str | None = key(
        texts.GIT_URL,
        "The git repository that toolchain: source takes Elixir from: a mirror, or a fork of yours.",
        default="https://github.com/elixir-lang/elixir.git",
        example="https://git.example.com/mirrors/elixir.git",
    )
    packages: tuple[str, ...] = key(
        Listing("a list of Debian packages", texts.PACKAGE, unique=True),
        "Debian packages to install, on top of what the dependencies are known to need.",
        default="[]",
        example="[libvips-dev]",
        value=(),
    )
    env: Mapping[str, str] = key(
        Table("a mapping of environment variables", texts.VARIABLE, texts.ENV_VALUE),
        "Environment variables of the build. They stay in the build cache: name a secret under secrets instead.",
        default="{}",
        example="{NODE_ENV: production}",
        factory=nothing,
    )
    secrets: tuple[str, ...] = key(
        Listing("a list of names of environment variables", texts.SECRET, unique=True),
        "Names of environment variables that are set where relbuild runs; the build gets them as BuildKit secrets, "
        "which no layer keeps.",
        default="[]",
        example="[HEX_ACME_KEY]",
        value=(),
    )
    repos: Mapping[str, Repository] = key(
        Table("a mapping of Hex repositories", texts.REPO, Section(Repository)),
        "Where the Hex repositories are that the dependencies name with repo:.",
        default="{}",
        example="{acme: {url: https://hex.example.com, public_key: acme.pem}}",
        factory=nothing,
    )
    network: Literal["default", "host", "none"] = key(
        Choice(("default", "host", "none")),
        "The network of the build's steps: host is the engine's own, for a mirror that only its machine reaches.",
        default="default",
        example="host",
        value="default",
    )
    ignore: tuple[str, ...] = key(
        Listing("a list of patterns as .dockerignore has them", texts.IGNORED),
        "What the build doesn't see of the project, on top of what relbuild leaves out; its own .dockerignore has no "
        "say. A pattern after ! takes back what relbuild leaves out.",
        default="[]",
        example="[priv/cert/, '!config/license.key']",
        value=(),
    )
    ssh: bool = key(
        Flag(),
        "Lend your ssh agent to every step of the build; for dependencies with a git URL over ssh that goes by itself.",
        default="false",
        example="true",
        value=False,
    )
    emulate: bool | None = key(
        Flag(),
        "Whether an image for other platforms (relbuild image --platform) is built on each of them, emulated. Without "
        "it the modules are compiled once, on the builder's own platform, and ERTS and OTP are taken from the other's.",
        default="true when a dependency is known to have machine code",
        example="true",
        value=None,
    )
    steps: Steps = key(
        Section(Steps),
        "Commands of your own between the steps of the build.",
        example="{before_compile: [mix gettext.extract --merge]}",
        factory=Steps,
    )


@dataclass(frozen=True, slots=True)
class Runner:
    """The final image, which holds the release and what it needs to run."""

    base: str = key(
        Choice(("slim", "minimal"), texts.REFERENCE),
        "What the final image starts from: slim is Debian's slim image; minimal holds only what the release uses; "
        "anything else is an image with its tag or digest, of the builder's Debian.",
        default="slim",
        example="minimal",
        value="slim",
    )
    packages: tuple[str, ...] = key(
        Listing("a list of Debian packages", texts.PACKAGE, unique=True),
        "Debian packages to install, on top of the libraries that the release is known to need.",
        default="[]",
        example="[imagemagick]",
        value=(),
    )
    env: Mapping[str, str] = key(
        Table("a mapping of environment variables", texts.VARIABLE, texts.ENV_VALUE),
        "Environment variables of the image. Whoever has the image can read them: no secrets.",
        default="{}",
        example="{PHX_SERVER: true}",
        factory=nothing,
    )
    mode: Literal["embedded", "interactive"] = key(
        Choice(("embedded", "interactive")),
        "When code is loaded: embedded loads all of it at boot; interactive each module when it is first used, which "
        "takes less memory and boots sooner, but makes the first call of a module slower and finds a broken one late.",
        default="embedded",
        example="interactive",
        value="embedded",
    )
    without: tuple[str, ...] = key(
        Listing("a list of Debian packages", texts.PACKAGE, unique=True),
        "Debian packages that are left out although a dependency, or a program that the project calls, needs them.",
        default="[]",
        example="[git]",
        value=(),
    )


@dataclass(frozen=True, slots=True)
class Healthcheck:
    """How to ask the running release over HTTP whether it is well."""

    path: str = required(texts.HEALTH_PATH, "The path to GET.", example="/health")
    port: int = required(Whole(1, 65535), "The port it listens on, inside the container.", example="4000")


@dataclass(frozen=True, slots=True)
class Verify:
    """What the release gets when the image is verified, which boots it without a network."""

    env: Mapping[str, str | None] = key(
        Table("a mapping of environment variables", texts.VARIABLE, texts.TARGET_ENV_VALUE, bare=True),
        "Environment variables. One without a value is taken from where relbuild runs; a required one that isn't given "
        "gets a stand-in value.",
        default="{}",
        example="{LICENSE_KEY: null, REGION: eu}",
        factory=nothing,
    )
    env_file: str | None = key(
        texts.FILE,
        "A file of NAME=value lines, relative to relbuild.yml.",
        default="null",
        example=".env.test",
    )


@dataclass(frozen=True, slots=True)
class Config:
    """All that relbuild.yml says; `Config()` is what holds without one."""

    release: str | None = key(
        texts.RELEASE,
        "The release to build, of those in mix.exs.",
        default="the only release, or default_release",
        example="shop",
    )
    image: str | None = key(
        texts.REPOSITORY,
        "The image's name, with the registry it is pushed to, without a tag.",
        default="the release's name",
        example="registry.example.com/shop",
    )
    toolchain: Literal["hexpm", "official", "debian", "source", "image"] = key(
        Choice(TOOLCHAINS),
        "Where Elixir and Erlang/OTP come from: hexpm/elixir has every version; official is Docker's elixir image; "
        "debian the packages of a Debian release; source builds Elixir from git; image is your own, in builder.image.",
        default="hexpm",
        example="debian",
        value="hexpm",
    )
    elixir: str | None = key(
        texts.ELIXIR,
        "The version of Elixir; with toolchain: source also a branch, a tag or ref:COMMIT.",
        default="what the project says",
        example="1.18.4",
    )
    otp: str | None = key(
        texts.OTP,
        "The version of Erlang/OTP.",
        default="what the project says",
        example="27.3.4",
    )
    debian: str | None = key(
        texts.DEBIAN,
        "The Debian release of builder and runner, by its codename; a date pins it.",
        default="the newest stable one that the toolchain has",
        example="trixie",
    )
    registry_mirror: str | None = key(
        texts.MIRROR,
        "A registry that passes on Docker Hub's images: debian:trixie-slim is taken from MIRROR/library/debian.",
        default="null",
        example="mirror.example.com",
    )
    platforms: tuple[str, ...] = key(
        Listing("a list of platforms", texts.PLATFORM, unique=True),
        "The platforms that the image is for; several make one image of which each machine gets its own.",
        default="the engine's own",
        example="[linux/amd64, linux/arm64]",
        value=(),
    )
    builder: Builder = key(Section(Builder), "Where the release is built.", example="{ssh: true}", factory=Builder)
    runner: Runner = key(Section(Runner), "The image the release runs in.", example="{base: minimal}", factory=Runner)
    assets: Literal["auto", False] | tuple[str, ...] = key(
        Commands("auto", texts.COMMAND),
        "How assets are built: auto finds out from assets/ and the aliases in mix.exs; false builds none; "
        "a list of commands is run instead.",
        default="auto",
        example="[npm --prefix assets run build, mix phx.digest]",
        value="auto",
    )
    migrate: str | None = key(
        texts.EXPRESSION,
        "The Elixir expression that migrates the database, given to the release's eval.",
        default="found in lib/",
        example="Shop.Release.migrate()",
    )
    healthcheck: Healthcheck | None = key(
        Section(Healthcheck),
        "How to ask over HTTP whether the release is well; without it, running is enough.",
        default="null",
        example="{path: /health, port: 4000}",
    )
    verify: Verify = key(
        Section(Verify),
        "What the release gets when the image is verified.",
        example="{env: {REGION: eu}}",
        factory=Verify,
    )
    targets: Mapping[str, Target] = key(
        Table("a mapping of targets", texts.TARGET, Section(Target)),
        "Where to deploy to, by name.",
        default="{}",
        example="{production: {engine: swarm, host: ssh://deploy@web1.example.com}}",
        factory=nothing,
    )
    marks: Mapping[str, Mark] = field(default_factory=nothing, compare=False, repr=False)
    """Where each given key's value is: "elixir", "builder.packages[0]", "targets.production.replicas"."""
