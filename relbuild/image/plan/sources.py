"""Which files of the project the build copies, at which step, and which patterns leave the others out."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from relbuild.elixir import config_imports
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree
from relbuild.image.plan.location import (
    ALWAYS_NEEDED,
    BuildContext,
    Location,
    NeededPath,
    leaves_project,
    link_notes,
    outside_links,
    widen_context,
)
from relbuild.mix import elixir_files
from relbuild.mix.project import Project


@dataclass(frozen=True, slots=True)
class IgnoreGroup:
    """Patterns with the reason that they share."""

    why: str
    patterns: tuple[str, ...]


LITTER = IgnoreGroup(
    "Left behind by editors, systems and tests, in priv/ too",
    (
        "**/.DS_Store",
        "**/Thumbs.db",
        "**/.idea/",
        "**/.vscode/",
        "**/.zed/",
        "**/*~",
        "**/*.swp",
        "**/.#*",
        "**/*.plt",
        "**/*.plt.hash",
        "**/*_dev.db*",
        "**/*_test.db*",
        "**/*_test[0-9]*.db*",
    ),
)


def is_excluded(patterns: Sequence[str], path: str) -> bool:
    """Return whether a .dockerignore of these patterns leaves a path out: the last that matches it decides.

    A pattern also matches what lies below a directory that it matches (moby/patternmatcher, MatchesOrParentMatches).
    """
    found = False
    parents = [path]
    while (parent := posixpath.dirname(parents[-1])) not in ("", parents[-1]):
        parents.append(parent)
    for pattern in patterns:
        back = pattern.startswith("!")
        if found == back and any(_regex(pattern.removeprefix("!")).fullmatch(each) for each in parents):
            found = not back
    return found


@lru_cache
def _regex(pattern: str) -> re.Pattern[str]:
    """Return what a pattern matches: Go's filepath.Match, with ``**`` for any number of directories."""
    cleaned = posixpath.normpath(pattern.strip()).lstrip("/")
    parts: list[str] = []
    rest = cleaned
    while rest:
        if rest.startswith("**"):
            rest = rest[2:].removeprefix("/")
            parts.append("(?:.*/)?" if rest else ".*")
        elif rest[0] == "\\" and len(rest) > 1:
            parts.append(re.escape(rest[1]))
            rest = rest[2:]
        elif (characters := re.match(r"\[\^?(?:\\.|[^\\\]])+\]", rest)) is not None:
            parts.append(characters[0])
            rest = rest[characters.end() :]
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(rest[0], re.escape(rest[0])))
            rest = rest[1:]
    return re.compile("".join(parts), re.DOTALL)


def literal_pattern(path: str) -> str:
    """Return the pattern that matches a path alone."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def reinclusions(patterns: Sequence[str], paths: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns that take back those of the paths (directories with a ``/``) that are left out."""
    return tuple(f"!{literal_pattern(path)}" for path in paths if is_excluded(patterns, path.rstrip("/")))


# Never part of a build: what tools leave behind, what is for people, what may hold a secret.
NOT_SOURCE_DIRECTORIES = frozenset({"_build", "deps", "node_modules", "cover", "test", "tmp", "log", "logs"})
# For people: part of a build only where code reads them.
DOCUMENTS = ("*.md", "*.livemd", "COPYING*", "LICENSE*", "NOTICE*", "doc/", "docs/", "guides/")
NOT_SOURCE_FILES = (
    ".*",
    "*.ez",
    "*.key",
    "*.pem",
    "*.p12",
    "*.pfx",
    "id_rsa*",
    "id_ed25519*",
    "*.log",
    "*.dump",
    "*.env",
    "*~",
    "*.swp",
    "Thumbs.db",
    "*.tfstate*",
    "kubeconfig*",
    "credentials*.json",
    "service[-_]account*.json",
    "*.plt",
    "*.plt.hash",
    "*_dev.db*",
    "*_test.db*",
    "*_test[0-9]*.db*",
    "Dockerfile*",
    "*.dockerignore",
    "docker-compose*.y*ml",
    "compose*.y*ml",
    "relbuild.yml",
    "relbuild.lock",
    "fly.toml",
    "Procfile",
    "elixir_buildpack.config",
    "phoenix_static_buildpack.config",
)
# Read when the release is assembled or started, not when the code is compiled.
LATE_CONFIG = frozenset({"runtime.exs", "releases.exs"})
# Configuration of other environments.
OTHER_CONFIG = frozenset({"dev.exs", "test.exs"})
# What Mix reads of a dependency before it compiles it; the second is rebar3's.
MANIFESTS = ("mix.exs", "rebar.config", "rebar.config.script")
_NOT_SOURCE = re.compile("|".join(map(translate, NOT_SOURCE_FILES)))
_DOCUMENT = re.compile("|".join(map(translate, DOCUMENTS)))


@dataclass(frozen=True, slots=True)
class Sources:
    """The project's files by the step that first needs them, directories with a ``/``.

    Paths are relative to the project; what lies outside of it begins with ``../`` and is in `context` all the same.
    `files` and `directories` are the project's own, `beside` those of path dependencies and npm packages that no
    directory of the project holds. `projects` are the directories of all Mix projects, and `kept` those of them whose
    path looks like something that isn't source.
    """

    context: BuildContext
    manifests: tuple[str, ...]
    compile_config: tuple[str, ...]
    files: tuple[str, ...]
    directories: tuple[str, ...]
    beside: tuple[str, ...]
    late: tuple[str, ...]
    projects: tuple[str, ...]
    kept: tuple[str, ...]
    build_path: str
    lockfile: str | None
    notes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    """What relbuild.yml leaves out, and with `!` takes back, as patterns that are relative to the project."""
    documents: tuple[str, ...] = ()
    """The names of documents that code reads."""


def find_sources(
    tree: Tree,
    project: Project,
    location: Location | None = None,
    ignored: tuple[str, ...] = (),
    packages: tuple[NeededPath, ...] = (),
) -> Sources:
    """Sort the files of the project and of its path dependencies into the build's steps.

    ``packages`` are directories outside of the project that npm packages are taken from.

    Raises ProjectError for a name that can't be written into a Dockerfile, for a path dependency or package that isn't
    there, and for one that the build can't have.
    """
    names = tree.list("")
    config_directory = posixpath.dirname(_known(project.config_path, "config/config.exs"))
    late, compile_config = _config(tree, project, config_directory)
    lockfile = _known(project.lockfile, "mix.lock")
    reads = {read for part in project.parts for read in part.reads}
    apart = tuple(dep for dep in project.path_deps if not _is_copied(dep.path))
    context = widen_context(location or Location(), (*_wanted(project, (lockfile, *reads), compile_config), *packages))
    for each in packages:
        if not tree.list(each.path) and tree.read(each.path) is None:
            hint = "if it is a git submodule: git submodule update --init"
            raise ProjectError(f"{each.by}: there is nothing at {each.path}", at=each.at, hint=hint)
    named = (config_directory, lockfile, *reads, *compile_config, *late)
    left_out = outside_links(location or Location(), context, _needed(project, named))
    absent = {f"{link.name}{end}": link for link in left_out for end in ("", "/")}
    top = [absent[name] for name in names if name in absent and _is_source(name)]
    notes = tuple(link_notes(top, [link for link in left_out if _is_deep_source(link.name)]))
    names = tuple(name for name in names if name not in absent and not is_excluded(ignored, name.rstrip("/")))
    documents = _documents(tree, project)
    names = tuple(name for name in names if name in documents or not _DOCUMENT.fullmatch(name))
    has_lockfile = tree.read(lockfile) is not None
    children = tuple(f"{child.path}/mix.exs" for child in project.apps)
    manifests = ("mix.exs", *((lockfile,) if has_lockfile else ()), *children, *_manifests(tree, project))
    taken = {*manifests, *reads}
    found = Sources(
        context=context,
        manifests=(*manifests, *sorted(reads - set(manifests))),
        compile_config=tuple(path for path in compile_config if path not in reads),
        files=tuple(name for name in names if _is_source_file(name) and name not in taken),
        directories=tuple(name for name in names if _is_source_directory(name) and name != f"{config_directory}/"),
        beside=tuple(
            path
            for directory in (*(dep.path for dep in apart), *(each.path for each in packages))
            for path in _contents(tree, directory, documents)
            if path not in taken
        ),
        late=(*late, *(("rel/",) if "rel/" in names else ())),
        projects=(*(app.path for app in project.apps), *(dep.path for dep in project.path_deps)),
        kept=tuple(dep.path for dep in project.path_deps if not NOT_SOURCE_DIRECTORIES.isdisjoint(dep.path.split("/"))),
        build_path=_build_path(project, context),
        lockfile=lockfile if has_lockfile else None,
        notes=notes,
        ignored=ignored,
        documents=documents,
    )
    _refuse_names(
        (context.base, *found.manifests, *compile_config, *late, *found.files, *found.directories, *found.beside)
    )
    return found


def _documents(tree: Tree, project: Project) -> tuple[str, ...]:
    """Return the names of the documents, in any of the project's directories, that code names in a string."""
    there = {name for part in project.parts for name in tree.list(part.path) if _DOCUMENT.fullmatch(name)}
    if not there:
        return ()
    names = "|".join(re.escape(name.rstrip("/")) for name in sorted(there))
    # "README.md" or "../docs/intro.md", not the "/docs" of a URL.
    named = re.compile(rf'"(?:[^"/\n]+/)*({names})(?:/[^"\n]*)?"'.encode())
    found = {
        match[1].decode()
        for directory in elixir_files.source_directories(*project.parts)
        for path in elixir_files.files_below(tree, directory)
        for match in named.finditer(tree.read(path) or b"")
    }
    return tuple(sorted(name for name in there if name.rstrip("/") in found))


def _needed(project: Project, more: Iterable[str]) -> Iterable[str]:
    """Yield the paths without which the project is another, or none."""
    yield from (*ALWAYS_NEEDED, *more)
    for part in project.parts:
        yield from (part.path, posixpath.join(part.path, "mix.exs"))
        yield from part.elixirc_paths.value if isinstance(part.elixirc_paths, Known) else ()


def _known(fact: object, default: str) -> str:
    return fact.value if isinstance(fact, Known) else default


def _build_path(project: Project, context: BuildContext) -> str:
    """Return the directory of the build stages where Mix compiles to."""
    path = _known(project.build_path, "_build")
    if path.startswith("/"):
        return path
    return posixpath.normpath(posixpath.join(context.workdir, path))


def _config(tree: Tree, project: Project, directory: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the configuration that is read last, and that which is read to compile."""
    late = tuple(f"{directory}/{name}" for name in tree.list(directory) if name in LATE_CONFIG)
    children = [child.path for child in project.apps]
    own = [
        f"{each}/{name}"
        for each in (directory, *(f"{child}/config" for child in children))
        for name in tree.list(each)
        if _is_compile_config(name)
    ]
    return late, tuple(dict.fromkeys((*own, *config_imports.imported(tree, directory))))


def _wanted(project: Project, read: Iterable[str], config: Iterable[str]) -> Iterable[NeededPath]:
    """Yield all that may lie outside of the project."""
    for dep in project.path_deps:
        yield NeededPath(dep.path, f"dependency {dep.app}", dep.at)
    yield from (NeededPath(path, "mix.exs reads it", project.at) for path in sorted(read) if leaves_project(path))
    yield from (
        NeededPath(path, "the configuration imports it", Mark(path, 1)) for path in config if leaves_project(path)
    )


def _manifests(tree: Tree, project: Project) -> Iterable[str]:
    """Yield what Mix reads of path dependencies to resolve the dependencies; of one without any of it, all."""
    for dep in project.path_deps:
        names = tree.list(dep.path)
        if not names:
            raise ProjectError(
                f"dependency {dep.app}: there is nothing at {dep.path}",
                at=dep.at,
                hint="if it is a git submodule: git submodule update --init",
            )
        own = [f"{dep.path}/{name}" for name in MANIFESTS if name in names]
        yield from own or (f"{dep.path}/",)
        yield from (f"{child.path}/mix.exs" for child in (dep.project.apps if dep.project else ()))


def _contents(tree: Tree, directory: str, documents: tuple[str, ...]) -> Iterable[str]:
    for name in tree.list(directory):
        if name in documents or (not _DOCUMENT.fullmatch(name) and (_is_source(name) or name == "rel/")):
            yield f"{directory}/{name}"


def _is_copied(path: str) -> bool:
    """Return whether a directory of the project that is copied whole holds the path."""
    return not leaves_project(path) and _is_source_directory(f"{path.partition('/')[0]}/")


def _is_compile_config(name: str) -> bool:
    if name.endswith("/"):
        return not name.startswith(".")
    return name not in LATE_CONFIG | OTHER_CONFIG and not _ignored(name)


def _is_source(name: str) -> bool:
    return _is_source_file(name) or _is_source_directory(name)


def _is_source_file(name: str) -> bool:
    return not name.endswith("/") and name not in ("mix.exs", "mix.lock") and not _ignored(name)


def _is_source_directory(name: str) -> bool:
    directory = name.removesuffix("/")
    if directory == name or directory == "rel":
        return False
    return directory not in NOT_SOURCE_DIRECTORIES and not _ignored(directory)


def _is_deep_source(path: str) -> bool:
    *directories, name = path.split("/")
    sources = [each == "rel" or _is_source_directory(f"{each}/") for each in directories]
    return bool(sources) and all(sources) and not _ignored(name)


def _ignored(name: str) -> bool:
    return _NOT_SOURCE.match(name) is not None


def _refuse_names(paths: Iterable[str]) -> None:
    for path in paths:
        # BuildKit reads a backslash before it looks for wildcards, and again in them: no spelling means it for sure.
        wrong = "\\" in path or any(ord(character) < 32 for character in path)
        no_text = any("\ud800" <= character <= "\udfff" for character in path)
        if wrong or no_text:
            what = "bytes that are no UTF-8" if no_text else "a control character or a backslash"
            raise ProjectError(
                f"the file name {path!r} has {what}: no Dockerfile can name it",
                at=Mark(path.encode("utf-8", "backslashreplace").decode(), 1),
                hint="rename it, or move it out of the project",
            )
