"""The stage that has Node: which Node, who installs the packages, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from relbuild.config import Config
from relbuild.facts import Tree
from relbuild.image.plan.base_images import base_image
from relbuild.image.plan.credentials import Secret, of_settings
from relbuild.mix.assets import package_managers
from relbuild.mix.assets.package_managers import Installation, Manager, Package
from relbuild.mix.toolchain import Toolchain, node
from relbuild.mix.toolchain.node import Node


@dataclass(frozen=True, slots=True)
class Install:
    """How one package.json's packages are installed, and the directory whose content is kept from build to build.

    `secrets` are what its settings take from the environment.
    """

    of: Installation
    command: str
    cache: str
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeStage:
    """The stage that has Node and installs packages, beside the one with the dependencies.

    `image` is None where Node is of the toolchain's Debian packages; `managers` is what npm installs to install with.
    `in_build` tells that the build's own commands call Node.
    """

    node: Node
    image: str | None
    managers: tuple[str, ...]
    installs: tuple[Install, ...]
    in_build: bool
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The secrets of all installations, each once."""
        return tuple({each.name: each for install in self.installs for each in install.secrets}.values())

    @property
    def needs_deps(self) -> bool:
        """Whether packages are taken from Mix's dependencies, which must be there first."""
        return any(package_managers.in_deps(each) for install in self.installs for each in install.of.package.local)


def plan_node_stage(
    tree: Tree,
    config: Config,
    tools: Toolchain,
    installations: list[Installation],
    running: list[Package],
    *,
    calls_node: bool,
) -> NodeStage:
    """Return the stage for the packages that are installed; of those in ``running`` only scripts are run.

    Raises ProjectError where the requested version of Node, or of a package manager, can't be read.
    """
    first = next((package for package in (*(each.package for each in installations), *running)), None)
    asked = node.find_node(tree, first.directory if first else "", first.engines if first else None)
    codename = tools.debian.value.partition("-")[0]
    env = {name: value for name, value in config.builder.env.items() if name != "NODE_ENV"}
    image: str | None = None
    if tools.provider == "debian":
        asked = node.debian_node(asked, codename)
        # The toolchain has the variables already; without this one npm would leave out what builds the assets.
        env = {"NODE_ENV": "development"} if "NODE_ENV" in config.builder.env else {}
    else:
        image = base_image(asked.image(codename), config, None)
    scripts = (package_managers.installation(tree, each).manager for each in running if each.configured is not None)
    return NodeStage(
        asked,
        image,
        _programs((*(each.manager for each in installations), *scripts)),
        tuple(_install(each, of_settings(each.variables, config)) for each in installations),
        calls_node,
        MappingProxyType(env),
    )


def _programs(managers: Iterable[Manager]) -> tuple[str, ...]:
    """Return what npm installs to have the managers, of each the first version that is requested."""
    first: dict[str, Manager] = {}
    for manager in managers:
        first.setdefault(manager.name, manager)
    return tuple(sorted(program for program in map(_program, first.values()) if program is not None))


def _program(manager: Manager) -> str | None:
    """Return what npm installs to have the manager; None where it comes with Node."""
    if manager.version is None:
        return None
    name = "@yarnpkg/cli-dist" if manager.modern_yarn else manager.name
    return f"{name}@{manager.version}"


def _install(installation: Installation, secrets: tuple[Secret, ...]) -> Install:
    has_lock = installation.lock is not None
    match installation.manager.name:
        case "pnpm":
            line, cache = f"pnpm install --{'' if has_lock else 'no-'}frozen-lockfile", "/root/.local/share/pnpm/store"
        case "bun":
            line, cache = f"bun install{' --frozen-lockfile' * has_lock}", "/root/.bun/install/cache"
        case "yarn" if installation.manager.modern_yarn:
            line, cache = f"yarn install{' --immutable' * has_lock}", "/root/.yarn/berry"
            line = f"YARN_NODE_LINKER=node-modules {line}" if installation.plug_and_play else line
        case "yarn":
            line = f"yarn install --non-interactive{' --frozen-lockfile' * has_lock}"
            cache = "/usr/local/share/.cache/yarn"
        case _:
            line, cache = f"npm {'ci' if has_lock else 'install'} --no-audit --no-fund", "/root/.npm"
    return Install(installation, line, cache, secrets)
