"""The package managers of Node that a project uses: their files, locks, versions and settings."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relbuild import facts
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.toolchain import version_files

# A password or token itself, not the name of a variable that has it.
_LOGIN = {
    ".npmrc": re.compile(r"(?m)^[^#;\n]*(?:_auth|_authToken|_password|password)\s*=\s*(?!\s*[\"']?\$\{)\S"),
    ".yarnrc.yml": re.compile(
        r"(?m)^[^#\n]*\bnpmAuth(?:Token|Ident)[\"']?[ \t]*:[ \t]*(?![\"']?\$\{)[\"']?[^\s\"'#,}]"
    ),
    "bunfig.toml": re.compile(r"(?m)^[^#\n]*\b(?:token|password)[\"']?[ \t]*=[ \t]*[\"'](?!\$)[^\"'\n]"),
}
# npm knows ${NAME} and, for one that may be missing, ${NAME?}; Yarn and pnpm ${NAME-default} and ${NAME:-default}.
_BRACED = re.compile(r"(?<!\\)\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<otherwise>\?|:?-[^}]*)?\}")
# Bun knows $NAME as well.
_BARE = re.compile(r"\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<otherwise>(?!))?")
_COMMENTS = {".npmrc": ("#", ";"), ".yarnrc.yml": ("#",), "bunfig.toml": ("#",)}
# What every build step has.
_ALWAYS = frozenset({"HOME", "HOSTNAME", "PATH", "PWD"})


@dataclass(frozen=True, slots=True)
class SettingVariable:
    """An environment variable that a setting takes its value from, and where; an optional one may be missing."""

    name: str
    at: Mark
    optional: bool = False


def holds_login(tree: Tree, path: str) -> bool:
    """Return whether a file of settings holds a password or token itself."""
    login = _LOGIN.get(posixpath.basename(path))
    return login is not None and login.search(facts.read_text(tree, path) or "") is not None


def setting_variables(tree: Tree, paths: Iterable[str]) -> tuple[SettingVariable, ...]:
    """Return the variables that files of settings name, each once; none of those that every step of a build has."""
    found: dict[str, SettingVariable] = {}
    for path in paths:
        for each in _variables(tree, path):
            if each.name not in _ALWAYS and (each.name not in found or found[each.name].optional):
                found[each.name] = each
    return tuple(found.values())


def _variables(tree: Tree, path: str) -> Iterator[SettingVariable]:
    name = posixpath.basename(path)
    for number, line in enumerate(facts.read_lines(tree, path) if name in _COMMENTS else (), 1):
        if line.lstrip().startswith(_COMMENTS[name]):
            continue
        for match in (*_BRACED.finditer(line), *(_BARE.finditer(line) if name == "bunfig.toml" else ())):
            yield SettingVariable(match["name"], Mark(path, number, match.start() + 1), bool(match["otherwise"]))


LOCKS = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
    "bun.lock": "bun",
    "bun.lockb": "bun",
}
# What an installation reads beside package.json and the lock file.
_SETTINGS = (
    ".npmrc", ".yarnrc", ".yarnrc.yml", ".yarn/", ".pnpmfile.cjs", "pnpm-workspace.yaml", "bunfig.toml", "patches/",
)  # fmt: skip
_SECTIONS = ("dependencies", "devDependencies", "optionalDependencies")
_LOCAL = re.compile(r"(?:file|link|portal):(?P<path>.+)")


@dataclass(frozen=True, slots=True)
class Manager:
    """Who installs the packages: its name, its version where one is said or follows, and what says so."""

    name: str
    version: str | None
    source: str

    @property
    def modern_yarn(self) -> bool:
        """Whether it is Yarn 2 or newer, which is another program than Yarn 1."""
        return self.name == "yarn" and self.version is not None and not re.match(r"[01](\.|$)", self.version)


@dataclass(frozen=True, slots=True)
class Package:
    """A package.json in a directory of the tree ("" for its root), as far as assets are concerned.

    `names` are the packages it depends on. `members` are the directories of its workspaces, which are installed with
    it. `local` are the directories that packages are taken from; those in deps/ are Mix's own, as Phoenix's were.
    """

    directory: str
    names: tuple[str, ...]
    has_dependencies: bool
    for_production: bool
    members: tuple[str, ...]
    local: tuple[str, ...]
    scripts: tuple[str, ...]
    engines: Known[str] | None
    configured: Known[str] | None

    @property
    def path(self) -> str:
        """The package.json's own path."""
        return posixpath.join(self.directory, "package.json")


@dataclass(frozen=True, slots=True)
class Installation:
    """How a package.json's packages are installed: by whom, by which lock file (its name), and the paths it needs."""

    package: Package
    manager: Manager
    lock: str | None
    needs: tuple[str, ...]
    plug_and_play: bool
    """Whether Yarn would make no node_modules unless it is told to."""
    notes: tuple[str, ...]
    variables: tuple[SettingVariable, ...] = ()
    """What its settings take from the environment."""
    kept_out: tuple[str, ...] = ()
    """The files of settings that hold a password or token themselves, which no build is given."""


def read_packages(tree: Tree, directory: str) -> Package | None:
    """Return the package.json in a directory; None when there is none. Raises ProjectError when it can't be read."""
    path = posixpath.join(directory, "package.json")
    content = tree.read(path)
    if content is None:
        return None
    given = _parse(path, content)
    members = _members(tree, directory, given)
    names = tuple(dict.fromkeys(name for section in _SECTIONS for name in _table(given, section)))
    manager = given.get("packageManager")
    return Package(
        directory,
        names=names,
        has_dependencies=bool(names) or bool(members),
        for_production=bool(_table(given, "dependencies")),
        members=members,
        local=_local(path, given, directory),
        scripts=tuple(_table(given, "scripts")),
        engines=_engines(path, content, given),
        configured=Known(str(manager), _place(path, content, "packageManager")) if manager is not None else None,
    )


def installation(tree: Tree, package: Package) -> Installation:
    """Return how a package.json's packages are installed.

    Raises ProjectError when a lock file is of another manager than is configured, and when there are two managers'.
    """
    directory, names = package.directory, tree.list(package.directory)
    locks = [name for name in LOCKS if name in names]
    manager = _manager(tree, package, locks)
    notes: list[str] = []
    if not locks:
        notes.append(f"{package.path} has no lock file: its packages' versions are resolved again in each build")
    settings = [posixpath.join(directory, name) for name in _SETTINGS if name in names]
    kept_out = [each for each in settings if holds_login(tree, each)]
    notes.extend(
        f"{each} holds a password or token and stays out of the build: write ${{NPM_TOKEN}} there, and the build asks "
        "for NPM_TOKEN"
        for each in kept_out
    )
    settings = [each for each in settings if each not in kept_out]
    local = [each if each.endswith((".tgz", ".tar.gz")) else f"{each}/" for each in package.local if not in_deps(each)]
    members = [f"{each}/package.json" for each in package.members]
    own = [package.path, *(posixpath.join(directory, each) for each in locks)]
    yarn = facts.read_text(tree, posixpath.join(directory, ".yarnrc.yml")) or ""
    return Installation(
        package,
        manager,
        locks[0] if locks else None,
        tuple(dict.fromkeys((*own, *settings, *members, *local))),
        plug_and_play=manager.modern_yarn and "nodeLinker" not in yarn,
        notes=tuple(notes),
        variables=setting_variables(tree, settings),
        kept_out=tuple(kept_out),
    )


def in_deps(directory: str) -> bool:
    """Return whether a directory is one of Mix's dependencies, as far as their usual place tells."""
    return directory == "deps" or directory.startswith("deps/")


def _parse(path: str, content: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(facts.decode_text(path, content))
    except json.JSONDecodeError as error:
        raise ProjectError(f"{path}: no JSON: {error.msg}", at=Mark(path, error.lineno, error.colno)) from error
    except RecursionError as error:
        raise ProjectError(f"{path}: nested too deeply", at=Mark(path, 1)) from error
    if not isinstance(given, dict):
        raise ProjectError(f"{path}: should be an object", at=Mark(path, 1), hint='write {"dependencies": {…}}')
    return given


def _manager(tree: Tree, package: Package, locks: list[str]) -> Manager:
    found: dict[str, str] = {}
    for lock in locks:
        found.setdefault(LOCKS[lock], lock)
    directory, said = package.directory, package.configured
    if said is None:
        if len(found) > 1:
            names = [posixpath.join(directory, name) for name in found.values()]
            raise ProjectError(
                f"lock files of {' and '.join(found)}: {', '.join(names)}",
                at=Mark(names[0], 1),
                hint="remove those that aren't used: each would install other versions",
            )
        name = next(iter(found), "npm")
        source = posixpath.join(directory, found[name]) if found else "the default"
        return Manager(name, _implied(tree, directory, name, found.get(name)), source)
    match = re.fullmatch(r"(npm|yarn|pnpm|bun)@([0-9][0-9A-Za-z.-]*)(?:\+[0-9A-Za-z.+/=-]*)?", said.value)
    if match is None:
        hint = 'write it as in "packageManager": "pnpm@9.15.0"; npm, yarn, pnpm and bun are known'
        raise ProjectError(
            f"packageManager: {said.value!r} is no package manager with its version", at=said.at, hint=hint
        )
    others = [posixpath.join(directory, lock) for name, lock in found.items() if name != match[1]]
    if others:
        raise ProjectError(
            f"packageManager: {match[1]} is configured, and {others[0]} is the lock file of another",
            at=said.at,
            hint=f"remove {others[0]}"
            + ("" if match[1] in found else f" and commit {match[1]}'s own, or configure the other"),
        )
    return Manager(match[1], match[2], said.at.brief)


def _implied(tree: Tree, directory: str, name: str, lock: str | None) -> str | None:
    """Return the version that .tool-versions or the lock file's own format asks for; None where any does."""
    pinned = version_files.find_tool(tree, name)
    if pinned is not None and re.fullmatch(r"[0-9]+(?:\.[0-9]+){0,2}", pinned.value):
        return pinned.value
    head = (tree.read(posixpath.join(directory, lock)) or b"")[:2000].decode("utf-8", "replace") if lock else ""
    if name == "yarn":
        # The metadata's version tells Yarn 2 and later apart: 8 is Yarn 4's, the others are Yarn 2's and 3's.
        metadata = re.search(r"(?m)^__metadata:\s*\n\s+version: ([0-9]+)", head)
        return "1" if metadata is None else "4" if int(metadata[1]) >= 8 else "3"
    if name == "pnpm":
        version = re.search(r"(?m)^lockfileVersion: '?([0-9]+)", head)
        return {"5": "7", "6": "8"}.get(version[1] if version else "", "10")
    return "1" if name == "bun" else None


def _members(tree: Tree, directory: str, given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the directories of the workspaces that are installed together with the package."""
    patterns = given.get("workspaces", [])
    if isinstance(patterns, dict):
        patterns = patterns.get("packages", [])
    workspace = tree.read(posixpath.join(directory, "pnpm-workspace.yaml"))
    if workspace is not None:
        patterns = _workspaces(posixpath.join(directory, "pnpm-workspace.yaml"), workspace)
    found: list[str] = []
    for pattern in patterns if isinstance(patterns, list) else []:
        if isinstance(pattern, str) and not pattern.startswith("!"):
            found.extend(_matching(tree, directory, posixpath.normpath(pattern).split("/")))
    return tuple(dict.fromkeys(each for each in found if "package.json" in tree.list(each) and each != directory))


def _workspaces(path: str, content: bytes) -> list[Any]:
    import yaml

    try:
        given = yaml.safe_load(facts.decode_text(path, content))
    except yaml.YAMLError as error:
        raise ProjectError(f"{path}: no YAML", at=Mark(path, 1), hint="write packages: ['packages/*']") from error
    packages = given.get("packages") if isinstance(given, dict) else None
    return packages if isinstance(packages, list) else []


def _matching(tree: Tree, directory: str, parts: list[str]) -> list[str]:
    """Return the directories that a pattern such as `packages/*` matches."""
    found = [directory]
    for part in parts:
        if part in ("*", "**"):
            below = [(each, name) for each in found for name in tree.list(each) if name.endswith("/")]
            found = [
                posixpath.join(each, name[:-1])
                for each, name in below
                if not name.startswith(".") and name not in ("node_modules/", "deps/", "_build/")
            ]
        else:
            found = [posixpath.normpath(posixpath.join(each, part)) for each in found]
    return [each for each in found if not each.startswith(("..", "/")) and each != "."]


def _local(path: str, given: Mapping[str, Any], directory: str) -> tuple[str, ...]:
    """Return the directories that packages are taken from, relative to the tree's root; they may leave it."""
    found = []
    for section in _SECTIONS:
        for name, version in _table(given, section).items():
            match = _LOCAL.fullmatch(version) if isinstance(version, str) else None
            if match is None:
                continue
            where = posixpath.normpath(posixpath.join(directory, match["path"]))
            if where.startswith("/"):
                raise ProjectError(
                    f"{path}: {name} is at {match['path']}, an absolute path, which no build stage has",
                    at=Mark(path, 1),
                    hint="write it relative to package.json, or publish the package",
                )
            found.append(where)
    return tuple(dict.fromkeys(each for each in found if each != "."))


def _engines(path: str, content: bytes, given: Mapping[str, Any]) -> Known[str] | None:
    node = _table(given, "engines").get("node")
    if isinstance(node, int | float) and not isinstance(node, bool):
        node = str(node)
    return Known(node, _place(path, content, "node")) if isinstance(node, str) and node.strip() else None


def _table(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = given.get(key)
    return value if isinstance(value, dict) else {}


def _place(path: str, content: bytes, key: str) -> Mark:
    # The json module keeps no places; the first line with the key is it, where a file is laid out as npm does.
    for number, line in enumerate(content.decode("utf-8", "replace").split("\n"), 1):
        at = re.search(rf'"{key}"\s*:', line)
        if at:
            return Mark(path, number, at.start() + 1)
    return Mark(path, 1)
