"""How a project's assets are built: what runs after the compiler, and what is installed for it before."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from relbuild.config import Config
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree
from relbuild.image.plan.credentials import Secret
from relbuild.image.plan.location import leaves_project
from relbuild.image.plan.node_stage import NodeStage, plan_node_stage
from relbuild.image.plan.sources import NOT_SOURCE_DIRECTORIES
from relbuild.mix import elixir_files
from relbuild.mix.assets import callers, package_managers
from relbuild.mix.assets.callers import NO_CALLS, NodeCalls
from relbuild.mix.assets.package_managers import Installation, Package
from relbuild.mix.project import Project
from relbuild.mix.toolchain import Toolchain, version_files

# What is tried, shown or told there is no part of the release, and Elixir's own directories have none.
_OTHERS = frozenset({"bench", "demo", "demos", "e2e", "example", "examples", "site", "spec", "tests", "website"})
_ELIXIR = frozenset({"config", "lib", "priv", "rel"})
_SKIPPED = NOT_SOURCE_DIRECTORIES | _OTHERS | _ELIXIR
_BUILDS = re.compile(r"build|bundle|compile|deploy")


def unbuilt_notes(tree: Tree, parts: tuple[Project, ...], known: Collection[str]) -> tuple[str, ...]:
    """Return a note on each package.json in a directory of the applications whose scripts nothing runs.

    ``parts`` are the project and what the release has of its applications, ``known`` the directories of those that the
    build is concerned with already.
    """
    found = [
        package.path
        for part in parts
        for package in _other_packages(tree, part.path)
        if package.directory not in known and any(_BUILDS.search(script) for script in package.scripts)
    ]
    if not found:
        return ()
    one = len(found) == 1
    return (
        f"{', '.join(found)}: nothing in the build runs {'its' if one else 'their'} scripts; `assets:` in "
        "relbuild.yml takes commands that do",
    )


def _other_packages(tree: Tree, directory: str) -> Iterator[Package]:
    """Yield those in the directories of an application, none of which is looked through: it may hold anything."""
    for name in tree.list(directory):
        inside = name.removesuffix("/")
        if inside == name or inside in _SKIPPED or name.startswith("."):
            continue
        try:
            package = package_managers.read_packages(tree, posixpath.join(directory, inside))
        except ProjectError:
            # Nothing of it is built: what is wrong with it is nobody's fault here.
            continue
        if package is not None:
            yield package


# What only digests rebuilds nothing.
_DIGEST = "mix phx.digest"


def generated_static(tree: Tree, parts: Iterable[Project], commands: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns of .gitignore for priv/static of the applications whose assets the commands build.

    What is not in .gitignore is a source: a favicon, or a bundle that is kept with the code.
    """
    lines = tuple(commands)
    found = (pattern for part in parts if _builds_static(part, lines) for pattern in _ignored_static(tree, part))
    return tuple(dict.fromkeys(found))


def _builds_static(part: Project, commands: Iterable[str]) -> bool:
    inside = f"cd {shlex.quote(part.path)} && " if part.path else ""
    return any(line.startswith(inside) and line.removeprefix(inside) != _DIGEST for line in commands)


def _ignored_static(tree: Tree, part: Project) -> Iterator[str]:
    """Yield the patterns, relative to the tree's root: those with a ``/`` inside are for .gitignore's own directory."""
    static = posixpath.join(part.path, "priv/static")
    for directory in dict.fromkeys(("", part.path)):
        content = tree.read(posixpath.join(directory, ".gitignore")) or b""
        for line in content.decode("utf-8", "replace").splitlines():
            negation, pattern = ("!", line[1:]) if line.startswith("!") else ("", line)
            path = posixpath.join(directory, pattern.strip().lstrip("/"))
            if path.rstrip("/") == static or path.startswith(f"{static}/"):
                yield negation + path


DEPLOY, BUILD, SETUP = "assets.deploy", "assets.build", "assets.setup"
DIGEST = "mix phx.digest"
# The commands that are found in a Phoenix project, as a shell has them.
PHOENIX_TASKS = (f"mix {DEPLOY}", f"mix {BUILD}", DIGEST)
# Dependencies with a Mix task that downloads a program into _build, and the task.
INSTALLERS = {
    "bun": "bun.install",
    "dart_sass": "sass.install",
    "esbuild": "esbuild.install",
    "tailwind": "tailwind.install",
}


@dataclass(frozen=True, slots=True)
class AssetCommand:
    """A command that builds assets, where it was found, and what it calls of Node."""

    line: str
    at: Mark
    calls: NodeCalls = NO_CALLS


@dataclass(frozen=True, slots=True)
class Assets:
    """All about assets: the commands, none when there is nothing to build, and what they need."""

    commands: tuple[AssetCommand, ...] = ()
    setup: tuple[str, ...] = ()
    node: NodeStage | None = None
    digests: bool = False
    """Whether Phoenix is there to digest what was built."""
    made: tuple[str, ...] = ()
    """Patterns of .gitignore for what the commands make again."""
    notes: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What the settings of package managers take from the environment."""
        return self.node.secrets if self.node is not None else ()

    @property
    def debian_packages(self) -> tuple[str, ...]:
        """What apt installs in the toolchain, where Node isn't an image of its own."""
        return ("nodejs", "npm") if self.node is not None and self.node.image is None else ()


def plan_assets(tree: Tree, parts: tuple[Project, ...], config: Config, tools: Toolchain) -> Assets:
    """Return how the assets are built, as relbuild.yml says, or as mix.exs and package.json have it.

    ``parts`` are the project, and of an umbrella the applications that are in the release. Raises ProjectError where a
    package.json or its lock file is at fault.
    """
    if config.assets is False:
        return Assets()
    packages = _packages(tree, ("", *(place for part in parts for place in _own(tree, part))))
    if config.assets == "auto":
        commands = tuple(command for part in parts for command in _commands(tree, part, packages))
    else:
        commands = _own_commands(config.assets, config.marks.get("assets"))
    if not commands:
        return Assets(notes=_nothing_builds(tree, parts, packages) if config.assets == "auto" else ())
    calls_node = any(command.calls.node for command in commands)
    inside = (each for command in commands for each in command.calls.directories if not _leaves(each))
    called = _packages(tree, (_nearest(tree, each) for each in inside))
    packages = {**packages, **called}
    wanted = _wanted(tree, parts, packages, calls_node)
    installations = [package_managers.installation(tree, each) for each in wanted]
    notes = [note for each in installations for note in each.notes]
    notes.extend(_not_read(commands))
    notes.extend(_optional(installations, config))
    notes.extend(_not_installed(packages, wanted))
    if config.assets == "auto" and all(command.line.endswith(DIGEST) for command in commands):
        notes.extend(_nothing_builds(tree, parts, packages))
    elif config.assets == "auto" and not any(command.calls.unread for command in commands):
        notes.extend(unbuilt_notes(tree, parts, _concerned(packages)))
    stage = None
    if installations or calls_node:
        # A package.json without packages says all the same what its scripts run on.
        running = [each for each in called.values() if each not in [known.package for known in installations]]
        stage = plan_node_stage(tree, config, tools, installations, running, calls_node=calls_node)
        notes.extend(stage.node.notes)
    return Assets(
        commands,
        _setup(parts),
        stage,
        digests=any(map(_phoenix, parts)),
        made=generated_static(tree, parts, (command.line for command in commands)),
        notes=tuple(notes),
    )


def _own_commands(lines: tuple[str, ...], at: Mark | None) -> tuple[AssetCommand, ...]:
    """Return the commands that relbuild.yml gives."""
    return tuple(AssetCommand(line, at or Mark("relbuild.yml", 1), callers.line_calls(line)) for line in lines)


def _packages(tree: Tree, directories: Iterable[str]) -> dict[str, Package]:
    """Return each directory's package.json, where it has one."""
    found = [package_managers.read_packages(tree, directory) for directory in dict.fromkeys(directories)]
    return {package.directory: package for package in found if package is not None}


def _own(tree: Tree, part: Project) -> tuple[str, ...]:
    """Return where an application's package.json may be: as Phoenix has it, and as a buildpack's settings say."""
    said = version_files.assets_directory(tree, part.path)
    usual = posixpath.join(part.path, "assets")
    return (usual,) if said is None else tuple(dict.fromkeys((said, usual)))


def _leaves(directory: str) -> bool:
    return leaves_project(directory) or directory.startswith("/")


def _nearest(tree: Tree, directory: str) -> str:
    """Return the directory whose package.json counts in a directory: its own, or the next one above, as npm looks."""
    above = directory
    while above and "package.json" not in tree.list(above):
        above = posixpath.dirname(above)
    return above


def _not_read(commands: tuple[AssetCommand, ...]) -> list[str]:
    """Return a note for every alias of which it isn't known what it calls, and for what is called outside."""
    unread = dict.fromkeys(unknown for command in commands for unknown in command.calls.unread)
    notes = [
        f"what {each.what.removeprefix('alias ')} runs can't be read ({each.at.brief}): "
        "packages are installed of the project's package.json and that in assets/ only; `assets:` in relbuild.yml "
        "takes commands in its place"
        for each in unread
    ]
    return notes + [
        f"{command.at.brief} calls Node in {each}, outside of the project, where no package is installed"
        for command in commands
        for each in command.calls.directories
        if _leaves(each)
    ]


def _optional(installations: Iterable[Installation], config: Config) -> list[str]:
    """Return a note for every variable that a package manager's settings can do without, and the build isn't given."""
    given = {*config.builder.secrets, *config.builder.env}
    wanted = {each.name: each for installation in installations for each in installation.variables if each.optional}
    return [
        f"{each.at.brief} takes {each.name} where it is set, and the build isn't given it: "
        f"`secrets: [{each.name}]` under `builder` in relbuild.yml gives it"
        for each in wanted.values()
        if each.name not in given
    ]


def _wanted(tree: Tree, parts: tuple[Project, ...], packages: Mapping[str, Package], calls_node: bool) -> list[Package]:
    """Return the package.json whose packages are installed.

    The root's counts when something is built with Node, or of its packages: many hold but a formatter, or what
    deploys. One that is another's workspace is installed with that one.
    """
    members = {member for package in packages.values() for member in package.members}
    return [
        package
        for directory, package in packages.items()
        if package.has_dependencies
        and directory not in members
        and (directory or calls_node or members & set(packages) or _uses(tree, parts, package))
    ]


def _uses(tree: Tree, parts: tuple[Project, ...], package: Package) -> bool:
    """Return whether assets are built of a package.json's packages.

    Where that can't be told, they are if there are some that aren't for developers alone.
    """
    if not package.names:
        return False
    used = callers.uses_packages(tree, parts, (place for part in parts for place in _own(tree, part)), package.names)
    return package.for_production if used is None else used


def _commands(tree: Tree, part: Project, packages: Mapping[str, Package]) -> list[AssetCommand]:
    """Return what builds the assets of one application: its alias, as Phoenix names it, or package.json's script."""
    own = (packages.get(each) for each in (*_own(tree, part), *(() if part.path else ("",))))
    package = next((each for each in own if each is not None), None)
    aliases = {each.name: each.at for each in part.aliases}
    if DEPLOY in aliases:
        return [_in(part, f"mix {DEPLOY}", aliases[DEPLOY], _calls(part, DEPLOY, package))]
    phoenix = _phoenix(part)
    digest = [_in(part, DIGEST, phoenix)] if phoenix else []
    if BUILD in aliases:
        built = _in(part, f"mix {BUILD}", aliases[BUILD], _calls(part, BUILD, package))
        return [built, *digest]
    if not digest:
        return []
    script = next((name for name in ("deploy", "build") if package is not None and name in package.scripts), None)
    if package is not None and script is not None:
        line = f"{package_managers.installation(tree, package).manager.name} run {script}"
        where = f"cd {shlex.quote(package.directory)} && " if package.directory else ""
        calls = NodeCalls(node=True, directories=(package.directory,))
        return [AssetCommand(where + line, Mark(package.path, 1), calls), *digest]
    # An endpoint that is to read a manifest finds no digested file without one (phoenix #4725: no assets/ at all).
    has_static = "static/" in tree.list(posixpath.join(part.path, "priv"))
    return digest if has_static and elixir_files.configuration_mentions(tree, part, "cache_static_manifest") else []


def _phoenix(part: Project) -> Mark | None:
    """Return where an application names Phoenix, whose task phx.digest then is there."""
    return next((dependency.at for dependency in part.deps if dependency.app == "phoenix"), None)


def _in(part: Project, line: str, at: Mark, calls: NodeCalls = NO_CALLS) -> AssetCommand:
    # Not `mix do --app`: Phoenix's tasks would look for priv/static in the umbrella's root.
    return AssetCommand(f"cd {shlex.quote(part.path)} && {line}" if part.path else line, at, calls)


def _calls(part: Project, alias: str, package: Package | None) -> NodeCalls:
    """Return what an alias calls; where it can't be read, Node is called if there is a package.json."""
    calls = callers.alias_calls(part, alias)
    return replace(calls, node=True) if calls.unread and package is not None else calls


def _setup(parts: tuple[Project, ...]) -> tuple[str, ...]:
    """Return what downloads the programs that build assets, once for all builds with the same dependencies."""
    deps = {each.app for part in parts for each in part.deps if each.in_release() is not False}
    installers = [INSTALLERS[app] for app in sorted(deps & set(INSTALLERS))]
    alias = next((each.tasks for each in parts[0].aliases if each.name == SETUP), None)
    if installers and isinstance(alias, Known) and {task.split()[0] for task in alias.value if task} == set(installers):
        return (f"mix {SETUP}",)
    return tuple(f"mix {task} --if-missing" for task in installers)


def _not_installed(packages: Mapping[str, Package], wanted: list[Package]) -> list[str]:
    """Return a note where the root has packages that look as if something were built of them, and nothing is."""
    root = packages.get("")
    if root is None or root in wanted or not root.for_production:
        return []
    return [
        f"{root.path}: its packages aren't installed, since nothing that builds the assets names one of them; a "
        "command in `assets:` of relbuild.yml that calls Node has them installed"
    ]


def _concerned(packages: Mapping[str, Package]) -> set[str]:
    """Return the directories of each package.json that the build reads, and of what is installed with it."""
    return {directory for each in packages.values() for directory in (each.directory, *each.members, *each.local)}


def _nothing_builds(tree: Tree, parts: tuple[Project, ...], packages: Mapping[str, Package]) -> tuple[str, ...]:
    """Return notes where something looks like assets, and nothing says how they are built."""
    deps = {each.app for part in parts for each in part.deps if each.in_release()}
    signs = [
        *sorted(deps & set(INSTALLERS)),
        *(each.path for each in packages.values() if each.directory and each.scripts),
    ]
    beside = unbuilt_notes(tree, parts, _concerned(packages))
    if not signs:
        return beside
    return (
        f"{' and '.join(signs)}, but no {DEPLOY} alias in mix.exs: no assets are built; add the alias, or write "
        "`assets:` in relbuild.yml",
        *beside,
    )
