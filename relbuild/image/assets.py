"""How a project's assets are built: what runs after the compiler, and what is installed for it before."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from relbuild.config import Config
from relbuild.errors import Mark
from relbuild.image import bases, static
from relbuild.mix import configuration, javascript, node
from relbuild.mix.facts import Known, Tree
from relbuild.mix.javascript import Installation, Manager, Package
from relbuild.mix.node import Node
from relbuild.mix.project import Project
from relbuild.mix.toolchain import Toolchain
from relbuild.values import dataclass

DEPLOY, BUILD, SETUP = "assets.deploy", "assets.build", "assets.setup"
# Dependencies with a Mix task that downloads a program into _build, and the task.
INSTALLERS = {
    "bun": "bun.install",
    "dart_sass": "sass.install",
    "esbuild": "esbuild.install",
    "tailwind": "tailwind.install",
}
_NODE = re.compile(r"(?:^|[\s;&|(/])(?:node|npm|npx|yarn|pnpm|pnpx|bun|bunx)(?:[\s;&|)]|$)")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that builds assets, where it was found, and whether it calls Node."""

    line: str
    at: Mark
    calls_node: bool = False


@dataclass(frozen=True, slots=True)
class Install:
    """How one package.json's packages are installed, and the directory whose content is kept from build to build."""

    of: Installation
    command: str
    cache: str


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
    def needs_deps(self) -> bool:
        """Whether packages are taken from Mix's dependencies, which must be there first."""
        return any(javascript.in_deps(each) for install in self.installs for each in install.of.package.local)


@dataclass(frozen=True, slots=True)
class Assets:
    """All about assets: the commands, none when there is nothing to build, and what they need."""

    commands: tuple[Command, ...] = ()
    setup: tuple[str, ...] = ()
    node: NodeStage | None = None
    digests: bool = False
    """Whether Phoenix is there to digest what was built."""
    made: tuple[str, ...] = ()
    """Patterns of .gitignore for what the commands make anew."""
    notes: tuple[str, ...] = ()

    @property
    def debian_packages(self) -> tuple[str, ...]:
        """What apt installs in the toolchain, where Node isn't an image of its own."""
        return ("nodejs", "npm") if self.node is not None and self.node.image is None else ()


def find(tree: Tree, project: Project, config: Config, tools: Toolchain) -> Assets:
    """Return how the assets are built, as relbuild.yml says, or as mix.exs and package.json have it.

    Raises ProjectError where a package.json or its lock file is at fault.
    """
    if config.assets is False:
        return Assets()
    parts = (project, *project.apps)
    packages = _packages(tree, parts)
    if config.assets == "auto":
        commands = tuple(command for part in parts for command in _commands(tree, part, packages))
    else:
        at = config.marks.get("assets", Mark("relbuild.yml", 1))
        commands = tuple(Command(line, at, bool(_NODE.search(line))) for line in config.assets)
    if not commands:
        return Assets(notes=_nothing_builds(parts, packages) if config.assets == "auto" else ())
    calls_node = any(command.calls_node for command in commands)
    installations = [javascript.installation(tree, each) for each in _wanted(packages, calls_node)]
    notes = [note for each in installations for note in each.notes]
    if config.assets == "auto" and all(command.line.endswith("mix phx.digest") for command in commands):
        notes.extend(_nothing_builds(parts, packages))
    stage = None
    if installations or calls_node:
        stage = _stage(tree, config, tools, installations, calls_node, notes)
    return Assets(
        commands,
        _setup(parts),
        stage,
        digests=any(map(_has_phoenix, parts)),
        made=static.made(tree, parts, (command.line for command in commands)),
        notes=tuple(notes),
    )


def _packages(tree: Tree, parts: tuple[Project, ...]) -> dict[str, Package]:
    """Return the root's package.json and each application's for its assets, by directory."""
    directories = ("", *(posixpath.join(part.path, "assets") for part in parts))
    found = [javascript.read(tree, directory) for directory in directories]
    return {package.directory: package for package in found if package is not None}


def _wanted(packages: Mapping[str, Package], calls_node: bool) -> list[Package]:
    """Return the package.json whose packages are installed.

    The root's counts when something is built with Node or it has packages that aren't for developers alone: many hold
    but a formatter. One that is another's workspace is installed with that one.
    """
    members = {member for package in packages.values() for member in package.members}
    return [
        package
        for directory, package in packages.items()
        if package.has_dependencies
        and directory not in members
        and (directory or calls_node or package.for_production or members & set(packages))
    ]


def _commands(tree: Tree, part: Project, packages: Mapping[str, Package]) -> list[Command]:
    """Return what builds the assets of one application: its alias, as Phoenix names it, or package.json's script."""
    package = packages.get(posixpath.join(part.path, "assets")) or (packages.get("") if not part.path else None)
    has_package = package is not None
    aliases = {each.name: each.at for each in part.aliases}
    if DEPLOY in aliases:
        return [_in(part, f"mix {DEPLOY}", aliases[DEPLOY], _calls_node(part, DEPLOY, has_package))]
    digest = _in(part, "mix phx.digest", part.at)
    if BUILD in aliases:
        built = _in(part, f"mix {BUILD}", aliases[BUILD], _calls_node(part, BUILD, has_package))
        return [built, *([digest] if _has_phoenix(part) else [])]
    if not _has_phoenix(part):
        return []
    script = next((name for name in ("deploy", "build") if package is not None and name in package.scripts), None)
    if package is not None and script is not None:
        line = f"{javascript.installation(tree, package).manager.name} run {script}"
        where = f"cd {shlex.quote(package.directory)} && " if package.directory else ""
        return [Command(where + line, Mark(package.path, 1), calls_node=True), digest]
    # An endpoint that is to read a manifest finds no digested file without one (phoenix #4725: no assets/ at all).
    has_static = "static/" in tree.list(posixpath.join(part.path, "priv"))
    return [digest] if has_static and configuration.mentions(tree, part, "cache_static_manifest") else []


def _has_phoenix(part: Project) -> bool:
    return any(dependency.app == "phoenix" for dependency in part.deps)


def _in(part: Project, line: str, at: Mark, calls_node: bool = False) -> Command:
    # Not `mix do --app`: Phoenix's tasks would look for priv/static in the umbrella's root.
    return Command(f"cd {shlex.quote(part.path)} && {line}" if part.path else line, at, calls_node)


def _calls_node(part: Project, alias: str, has_package: bool) -> bool:
    """Say whether an alias calls Node, with the aliases it names; where a task can't be read, if it has a package."""
    aliases = {each.name: each.tasks for each in part.aliases}
    pending, seen = [alias], set[str]()
    while pending:
        name = pending.pop()
        tasks = aliases.get(name)
        if tasks is None or name in seen:
            continue
        seen.add(name)
        if not isinstance(tasks, Known):
            if has_package:
                return True
            continue
        for task in tasks.value:
            if task.startswith("cmd ") and _NODE.search(task.removeprefix("cmd ")):
                return True
            pending.append(task.split()[0] if task.split() else "")
    return False


def _setup(parts: tuple[Project, ...]) -> tuple[str, ...]:
    """Return what downloads the programs that build assets, once for all builds with the same dependencies."""
    deps = {each.app for part in parts for each in part.deps if each.in_release() is not False}
    installers = [INSTALLERS[app] for app in sorted(deps & set(INSTALLERS))]
    alias = next((each.tasks for each in parts[0].aliases if each.name == SETUP), None)
    if installers and isinstance(alias, Known) and {task.split()[0] for task in alias.value if task} == set(installers):
        return (f"mix {SETUP}",)
    return tuple(f"mix {task} --if-missing" for task in installers)


def _nothing_builds(parts: tuple[Project, ...], packages: Mapping[str, Package]) -> tuple[str, ...]:
    """Return a note where something looks like assets, and nothing says how they are built."""
    deps = {each.app for part in parts for each in part.deps if each.in_release()}
    signs = [
        *sorted(deps & set(INSTALLERS)),
        *(each.path for each in packages.values() if each.directory and each.scripts),
    ]
    if not signs:
        return ()
    return (
        f"{' and '.join(signs)}, but no {DEPLOY} alias in mix.exs: no assets are built; add the alias, or write "
        "`assets:` in relbuild.yml",
    )


def _stage(
    tree: Tree,
    config: Config,
    tools: Toolchain,
    installations: list[Installation],
    calls_node: bool,
    notes: list[str],
) -> NodeStage:
    first = installations[0].package if installations else None
    asked = node.find(tree, first.directory if first else "", first.engines if first else None)
    notes.extend(asked.notes)
    image: str | None = bases.image(asked.image(tools.debian.value.partition("-")[0]), config, None)
    env = {name: value for name, value in config.builder.env.items() if name != "NODE_ENV"}
    if tools.provider == "debian":
        asked, image = node.of_debian(asked, tools.debian.value.partition("-")[0], notes), None
        # The toolchain has the variables already; without this one npm would leave out what builds the assets.
        env = {"NODE_ENV": "development"} if "NODE_ENV" in config.builder.env else {}
    managers = {each.manager.name: _program(each.manager) for each in reversed(installations)}
    return NodeStage(
        asked,
        image,
        tuple(sorted(program for program in managers.values() if program is not None)),
        tuple(_install(each) for each in installations),
        calls_node,
        MappingProxyType(env),
    )


def _program(manager: Manager) -> str | None:
    """Return what npm installs to have the manager; None where it comes with Node."""
    if manager.version is None:
        return None
    name = "@yarnpkg/cli-dist" if manager.modern_yarn else manager.name
    return f"{name}@{manager.version}"


def _install(installation: Installation) -> Install:
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
    return Install(installation, line, cache)
