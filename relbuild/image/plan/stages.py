"""The build's stages and the runner: their base images, Debian packages, environment and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relbuild.config import Config, Steps
from relbuild.image.plan.base_images import ElixirSource, ImageLock, base_image, choose_elixir_source
from relbuild.image.plan.credentials import DependencyAccess, Secret, own_secrets
from relbuild.image.plan.dependencies import Dependencies
from relbuild.mix.toolchain import Toolchain

# A release that speaks TLS as a client reads the certificates of the system (public_key:cacerts_get/0).
ALWAYS = ("ca-certificates",)
# Debian's slim image has them; a minimal one takes them from there, so that they must be there in any case.
MINIMAL = ("ncurses-base", "tzdata")


@dataclass(frozen=True, slots=True)
class BuilderStages:
    """The stages that build: where they start, what apt adds, and what the build is given.

    `secrets` and `ssh` go to every step, `access` to the one that fetches the dependencies, `asset_secrets` to those
    that install packages and build assets.
    """

    image: str
    elixir: ElixirSource | None
    packages: tuple[str, ...]
    env: Mapping[str, str]
    secrets: tuple[Secret, ...]
    ssh: bool
    access: DependencyAccess
    network: str
    steps: Steps
    install_hex: bool
    asset_secrets: tuple[Secret, ...] = ()

    @property
    def needs_ssh(self) -> bool:
        """Whether the build is lent the user's ssh agent."""
        return self.ssh or bool(self.access.ssh)

    @property
    def fetch_secrets(self) -> tuple[Secret, ...]:
        """What fetching the dependencies needs, each once."""
        return tuple({each.name: each for each in (*self.access.secrets, *self.secrets)}.values())

    @property
    def all_secrets(self) -> tuple[Secret, ...]:
        """Every secret that the build needs, once, by its name."""
        return tuple({each.name: each for each in (*self.asset_secrets, *self.fetch_secrets)}.values())


@dataclass(frozen=True, slots=True)
class RunnerStage:
    """The image that runs: what it starts from, what apt adds, its environment."""

    image: str
    base: str
    own_packages: tuple[str, ...]
    asked_packages: tuple[str, ...]
    mode: str
    env: Mapping[str, str]

    @property
    def packages(self) -> tuple[str, ...]:
        """All that apt installs, sorted by name: what every release needs, and what this one requires."""
        return _merged(self.own_packages, self.asked_packages)

    @property
    def minimal(self) -> bool:
        """Whether the image starts from nothing and takes from `image` only what the release needs."""
        return self.base == "minimal"


def make_builder(
    config: Config, tools: Toolchain, deps: Dependencies, packages: tuple[str, ...], lock: ImageLock | None
) -> BuilderStages:
    """Return what the stages that build are made of; the packages are Debian's, for more than Elixir."""
    # An image of the user's own may not even be a Debian with apt.
    known = () if tools.provider == "image" else (*deps.access.packages, *packages)
    return BuilderStages(
        image=base_image(tools.builder_image, config, lock.builder if lock else None),
        elixir=choose_elixir_source(tools, config),
        packages=_merged(tools.packages, known, config.builder.packages),
        env=config.builder.env,
        secrets=own_secrets(config),
        ssh=config.builder.ssh,
        access=deps.access,
        network=config.builder.network,
        steps=config.builder.steps,
        install_hex=deps.hex and "erlang-hex" not in tools.packages,
    )


def make_runner(config: Config, tools: Toolchain, needed: tuple[str, ...], lock: ImageLock | None) -> RunnerStage:
    """Return what the image that runs is made of; the packages are those that the release needs."""
    return RunnerStage(
        image=base_image(tools.runner_image, config, lock.runner if lock else None),
        base=config.runner.base,
        own_packages=_merged(tools.runtime_packages, ALWAYS, MINIMAL if config.runner.base == "minimal" else ()),
        asked_packages=_merged(
            tuple(name for name in needed if name not in config.runner.without), config.runner.packages
        ),
        mode=config.runner.mode,
        env=config.runner.env,
    )


def _merged(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({package for group in groups for package in group}))
