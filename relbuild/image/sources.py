"""Which of a project's files the build sees, and in which step: what changes seldom first."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from relbuild.errors import Mark, ProjectError
from relbuild.mix.facts import Tree
from relbuild.mix.project import Project

# Never part of a build: what tools leave behind, what is for people, what may hold a secret.
NOT_SOURCE_DIRECTORIES = frozenset(
    {"_build", "deps", "node_modules", "cover", "doc", "docs", "test", "tmp", "log", "logs"}
)
NOT_SOURCE_FILES = (
    ".*",
    "*.ez",
    "*.key",
    "*.pem",
    "*.p12",
    "*.log",
    "*.dump",
    "*.env",
    "Dockerfile*",
    "*.dockerignore",
    "docker-compose*.y*ml",
    "compose*.y*ml",
    "relbuild.yml",
    "relbuild.lock",
    "fly.toml",
    "Procfile",
    "LICENSE*",
    "elixir_buildpack.config",
    "phoenix_static_buildpack.config",
)
# Read when the release is assembled or started, not when the code is compiled.
LATE_CONFIG = frozenset({"runtime.exs", "releases.exs"})
# Configuration of other environments.
OTHER_CONFIG = frozenset({"dev.exs", "test.exs"})


@dataclass(frozen=True, slots=True)
class Sources:
    """The project's files by the step that first needs them, relative to the project, directories with a ``/``."""

    manifests: tuple[str, ...]
    compile_config: tuple[str, ...]
    files: tuple[str, ...]
    directories: tuple[str, ...]
    late: tuple[str, ...]
    lockfile: bool
    wants_lockfile: bool


def find_sources(tree: Tree, project: Project) -> Sources:
    """Sort the project's files into the build's steps.

    Raises ProjectError for a name that can't be written into a Dockerfile.
    """
    names = tree.list("")
    config = tuple(f"config/{name}" for name in tree.list("config"))
    lockfile = "mix.lock" in names
    children = tuple(f"{child.path}/mix.exs" for child in project.apps)
    late = [path for path in config if path.removeprefix("config/") in LATE_CONFIG]
    found = Sources(
        manifests=("mix.exs", *(("mix.lock",) if lockfile else ()), *children, *project.reads),
        compile_config=tuple(path for path in config if _is_compile_config(path)),
        files=tuple(name for name in names if _is_source_file(name) and name not in project.reads),
        directories=tuple(name for name in names if _is_source_directory(name)),
        late=(*late, *(("rel/",) if "rel/" in names else ())),
        lockfile=lockfile,
        wants_lockfile=any(each.source in ("hex", "git") for child in (project, *project.apps) for each in child.deps),
    )
    for path in (*found.manifests, *config, *found.files, *found.directories):
        # BuildKit reads a backslash before it looks for wildcards, and again in them: no spelling means it for sure.
        if "\\" in path or any(ord(character) < 32 for character in path):
            raise ProjectError(
                f"the file name {path!r} has a control character or a backslash: no Dockerfile can name it",
                at=Mark(path, 1),
                hint="rename it, or move it out of the project",
            )
    return found


def _is_compile_config(path: str) -> bool:
    name = path.removeprefix("config/")
    if name.endswith("/"):
        return not name.startswith(".")
    return name not in LATE_CONFIG | OTHER_CONFIG and not _ignored(name)


def _is_source_file(name: str) -> bool:
    return not name.endswith("/") and name not in ("mix.exs", "mix.lock") and not _ignored(name)


def _is_source_directory(name: str) -> bool:
    directory = name.removesuffix("/")
    if directory == name or directory in ("config", "rel"):
        return False
    return directory not in NOT_SOURCE_DIRECTORIES and not _ignored(directory)


def _ignored(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in NOT_SOURCE_FILES)
