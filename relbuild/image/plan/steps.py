"""Which step of the build reads which files, and which layers hold the release, so that a change rebuilds little."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from relbuild.facts import Known, Tree
from relbuild.image.plan.assets import Assets
from relbuild.image.plan.dependencies import Dependencies
from relbuild.image.plan.location import Link
from relbuild.image.plan.sources import LITTER, Sources, is_excluded
from relbuild.mix import elixir_files
from relbuild.mix.project import Project, Release

# Compilers that read nothing but Elixir and Erlang sources and priv/gettext.
_COMPILERS = frozenset(
    {"app", "boundary", "elixir", "erlang", "gettext", "leex", "phoenix", "phoenix_live_view", "protocols", "yecc"}
)
_COMPILERS_OPTION = re.compile(r"\bcompilers:(?P<value>(?:[^\n\[]*\[[^\]]*\])?[^\n]*)")
_PLAIN_COMPILERS = re.compile(r"(?:Mix\.compilers\(\)|:[a-z]\w*|[\[\],+\s])*")
_ATOM = re.compile(r":([a-z]\w*)")
# Tasks that write to priv/static and nowhere else, where their configuration doesn't name another directory.
_ASSET_TASKS = frozenset({"bun", "compile", "esbuild", "phx.digest", "sass", "tailwind"})
_OUTPUT = re.compile(r"--(?:out(?:dir|file|put))(?:[= ]|\s+)(?P<path>[^\s\"')]+)")
_STATIC = "../priv/static"
# How code names a directory that it reads: "assets/…" and "../assets", not the "/assets/…" of a URL, nor a comment.
_LINE = rb"(?m)^(?![ \t]*#).*"
_READS = {
    "assets": re.compile(_LINE + rb'(?:"assets\b|[.}]/assets\b)'),
    "static": re.compile(_LINE + rb'(?:priv/static|"static\b)'),
    "repo": re.compile(_LINE + rb'(?:priv/repo|"repo\b)'),
}


@dataclass(frozen=True, slots=True)
class RuntimeConfiguration:
    """config/runtime.exs, which is put into the release of this version without assembling it again."""

    path: str
    version: str


@dataclass(frozen=True, slots=True)
class StepOrder:
    """Files by the step that is the first to read them, directories with a ``/``; `build` is the compiler's step.

    With `beside` the assets are built beside the release, which has none of them: they are a layer of the image.
    `static` are the project's applications with the directories that the assets are built into. `runtime` is read by no
    step.
    """

    build: tuple[str, ...]
    assets: tuple[str, ...]
    release: tuple[str, ...]
    beside: bool = False
    static: tuple[tuple[str, str], ...] = ()
    runtime: RuntimeConfiguration | None = None


def plan_order(
    tree: Tree, project: Project, release: Release, sources: Sources, assets: Assets, links: Iterable[Link]
) -> StepOrder:
    """Return which step reads what of the project's directories.

    Where it isn't certain that the compiler can do without a directory, the compiler's step reads it.
    """
    runtime = _runtime(project, release, sources)
    everything = StepOrder((*sources.directories, *sources.beside), (), (), runtime=runtime)
    if project.umbrella or project.path_deps or not _knows_compilers(tree):
        return everything
    code = tuple(_code(tree, project))
    reads = {name for name, pattern in _READS.items() if any(map(pattern.search, code))}
    named = isinstance(project.app, Known)
    beside = bool(assets.commands) and named and "static" not in reads and _is_confined(tree, project, assets)
    late: dict[str, str] = {}
    if assets.commands and "assets" not in reads and not _links_packages(tree, assets):
        late["assets/"] = "assets"
    if beside:
        late["priv/static/"] = "assets"
    if "repo" not in reads:
        late["priv/repo/"] = "release"
    paths = list(sources.directories)
    inside = _inside(tree, sources, assets, links)
    if "priv/" in paths and not late.keys().isdisjoint(inside):
        at = paths.index("priv/")
        paths[at : at + 1] = inside

    def of(step: str) -> tuple[str, ...]:
        return tuple(path for path in paths if late.get(path, "build") == step)

    static = ((project.app.value, "priv/static"),) if beside and isinstance(project.app, Known) else ()
    return StepOrder((*of("build"), *sources.beside), of("assets"), of("release"), beside, static, runtime)


def _inside(tree: Tree, sources: Sources, assets: Assets, links: Iterable[Link]) -> tuple[str, ...]:
    """Return what is in priv/, by the names that COPY takes; () where one of them is a link."""
    if any(posixpath.dirname(link.name) == "priv" for link in links):
        return ()
    patterns = (*LITTER.patterns, *assets.made, *sources.ignored)
    paths = (f"priv/{name}" for name in tree.list("priv"))
    return tuple(path for path in paths if not is_excluded(patterns, path.rstrip("/")))


def _runtime(project: Project, release: Release, sources: Sources) -> RuntimeConfiguration | None:
    """Return config/runtime.exs where Mix only copies it (Mix.Tasks.Release) and no step of the release sees it."""
    config = project.config_path.value if isinstance(project.config_path, Known) else "config/config.exs"
    path = posixpath.join(posixpath.dirname(config), "runtime.exs")
    assembled = release.steps is None or (isinstance(release.steps, Known) and release.steps.value == ("assemble",))
    plain = release.runtime_config_path is None and not release.unknown and assembled
    if path not in sources.late or not plain or not isinstance(release.version, Known):
        return None
    return RuntimeConfiguration(path, release.version.value)


def _knows_compilers(tree: Tree) -> bool:
    """Return whether mix.exs has no compiler but those that are known to read only sources."""
    text = (tree.read("mix.exs") or b"").decode("utf-8", "replace")
    options = [match["value"].partition("#")[0] for match in _COMPILERS_OPTION.finditer(text)]
    return "Mix.Task.Compiler" not in text and all(
        _PLAIN_COMPILERS.fullmatch(option) and set(_ATOM.findall(option)) <= _COMPILERS for option in options
    )


def _links_packages(tree: Tree, assets: Assets) -> bool:
    """Return whether a compiler looks for assets/node_modules, as LiveView's does for colocated hooks."""
    packages = assets.node is not None and bool(assets.node.installs)
    return packages and b":phoenix_live_view]" in (tree.read("mix.exs") or b"")


def _code(tree: Tree, project: Project) -> Iterator[bytes]:
    for directory in elixir_files.source_directories(project):
        for path in elixir_files.files_below(tree, directory):
            yield tree.read(path) or b""


def _is_confined(tree: Tree, project: Project, assets: Assets) -> bool:
    """Return whether the commands that build the assets write to priv/static alone."""
    aliases = {each.name: each.tasks for each in project.aliases}
    commands = [command.line for command in assets.commands]
    if assets.node is not None or not all(line.startswith("mix ") for line in commands):
        return False
    tasks: list[str] = []
    for line in commands:
        name = line.removeprefix("mix ")
        known = aliases.get(name)
        tasks += known.value if isinstance(known, Known) else [name] if known is None else ["?"]
    if not {task.split()[0] for task in tasks if task} <= _ASSET_TASKS:
        return False
    return all(_is_static(path) for path in _outputs(elixir_files.configuration_files(tree, project)))


def _outputs(files: Iterable[tuple[str, str]]) -> Iterator[str]:
    for _, text in files:
        yield from (match["path"] for match in _OUTPUT.finditer(text))


def _is_static(path: str) -> bool:
    normal = posixpath.normpath(path)
    return f"{normal}/".startswith((f"{_STATIC}/", "priv/static/"))


# From so many on, what changes is cut into parts by name. An image has room for 127 layers, its base's among them, and
# each takes some ten milliseconds of every build.
MANY_DEPENDENCIES = 12
DEPENDENCY_PARTS = 8
MODULE_PARTS = {1024: 16, 32: 4}


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers' names: those of the dependencies, of the project's static files, of its modules.

    Without parts of their own, the modules are in the last layer, as all the rest of the project is.
    """

    dependencies: tuple[str, ...]
    static: tuple[str, ...]
    modules: tuple[str, ...]

    def numbered(self, applications: tuple[str, ...], runtime: str | None) -> tuple[str, ...]:
        """Return what is in which layer, for people; `runtime` is the file that is a layer of its own."""
        project = ", ".join(applications) or "the project"
        parts = (
            (1, "ERTS, OTP and Elixir"),
            (len(self.dependencies), "the dependencies"),
            (len(self.static), "static files"),
            (len(self.modules), f"the modules of {project}"),
            (1, f"the rest of {project}" if self.all[len(self.dependencies) :] else project),
            (1 if runtime else 0, runtime or ""),
        )
        counted: list[str] = []
        first = 1
        for count, what in parts:
            if count:
                counted.append(f"{first}-{first + count - 1} {what}" if count > 1 else f"{first} {what}")
            first += count
        return tuple(counted)

    @property
    def all(self) -> tuple[str, ...]:
        """Every layer between Erlang/OTP's and the last."""
        return (*self.dependencies, *self.static, *self.modules)


def plan_layers(tree: Tree, project: Project, dependencies: Dependencies, assets: Assets) -> Layers:
    """Return the layers for a project of this size."""
    many = len(dependencies.resolved) >= MANY_DEPENDENCIES
    has_static = bool(assets.commands) or any("static/" in tree.list(_path_in(part, "priv")) for part in project.parts)
    sources = (path for part in project.parts for path in _elixir_files(tree, part))
    count = sum(1 for _ in islice(sources, max(MODULE_PARTS)))
    parts = next((parts for many, parts in MODULE_PARTS.items() if count >= many), 0)
    return Layers(
        dependencies=_numbered_parts("deps", DEPENDENCY_PARTS if many else int(dependencies.any)),
        static=("static",) if has_static else (),
        modules=_numbered_parts("app", parts),
    )


def _numbered_parts(name: str, count: int) -> tuple[str, ...]:
    return tuple(f"{name}-{number}" for number in range(count))


def _path_in(part: Project, name: str) -> str:
    return f"{part.path}/{name}" if part.path else name


def _elixir_files(tree: Tree, part: Project) -> Iterator[str]:
    """Yield the Elixir files that are compiled."""
    waiting = list(part.elixirc_paths.value if isinstance(part.elixirc_paths, Known) else (_path_in(part, "lib"),))
    while waiting:
        directory = waiting.pop()
        for name in tree.list(directory):
            if name.endswith("/"):
                waiting.append(f"{directory}/{name.removesuffix('/')}")
            elif name.endswith(".ex"):
                yield f"{directory}/{name}"
