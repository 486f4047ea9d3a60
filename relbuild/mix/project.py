"""The dependencies of a project that are directories of their own, in it or beside it."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.elixir.values import Atom, List, entries, show
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Fact, Known, Tree, Unknown
from relbuild.mix import dependencies, fields, releases
from relbuild.mix.dependencies import Dependency
from relbuild.mix.fields import Fields
from relbuild.mix.mixfile import MixDefinition, MixFile
from relbuild.mix.releases import Release, Versions


def find_path_dependencies(
    root: Project, read: Callable[[str], Project | None]
) -> Iterator[tuple[Dependency, Project | None]]:
    """Yield the path dependencies of the project and its applications, then theirs: each directory once.

    ``read`` gives the project in a directory, None where there is none.
    """
    own = {project.path for project in (root, *root.apps)}
    seen = set(own)
    pending = deque((project, dep) for project in (root, *root.apps) for dep in project.deps)
    while pending:
        project, dep = pending.popleft()
        # An optional one is only there when the project itself asks for it.
        passed_over = dep.in_release() is False or (dep.optional is True and project.path not in own)
        if dep.path is None or dep.path in seen or passed_over:
            continue
        seen.add(dep.path)
        found = None if dep.path.startswith("/") else read(dep.path)
        yield dep, found
        for part in (found, *found.apps) if found is not None else ():
            pending += [(part, each) for each in part.deps]


__all__ = [
    "Alias",
    "Dependency",
    "PathDependency",
    "Project",
    "Release",
    "children",
    "project_of",
    "read_project",
    "with_path_deps",
]

_NOT_SOURCES = {"_build", "deps", "node_modules"}


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias of mix.exs: its name and its tasks, Unknown where one of them is a function."""

    name: str
    at: Mark
    tasks: Fact[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class PathDependency:
    """A dependency that is a directory of its own, also one that another of them has; `project` is its mix.exs.

    `path` is relative to the tree's root and may leave it, or absolute. `at` is where a mix.exs names it.
    """

    app: str
    path: str
    at: Mark
    project: Project | None


@dataclass(frozen=True, slots=True)
class Project:
    """What one mix.exs says. A fact that it doesn't state is None unless Mix has a default for it.

    `path` is the project's directory, "" for the tree's root; every path is relative to that root and may leave it.
    `reads` are the files that mix.exs reads, which Mix needs beside it. `unknown` is what could not be read.
    `path_deps` are the path dependencies of the whole project, an umbrella's own applications not among them.
    """

    path: str
    module: str
    at: Mark
    app: Fact[str] | None
    version: Fact[str] | None
    elixir: Fact[str] | None
    apps_path: Fact[str] | None
    apps: tuple[Project, ...]
    releases: tuple[Release, ...]
    default_release: Fact[str] | None
    deps: tuple[Dependency, ...]
    aliases: tuple[Alias, ...]
    deps_path: Fact[str]
    lockfile: Fact[str]
    config_path: Fact[str]
    elixirc_paths: Fact[tuple[str, ...]]
    start_permanent: Fact[bool] | None
    mod: Fact[str] | None
    extra_applications: Fact[tuple[str, ...]] | None
    reads: tuple[str, ...]
    unknown: tuple[Unknown, ...]
    build_path: Fact[str] | None = None
    git: tuple[Mark, ...] = ()
    """The places in mix.exs that need a git repository, which the build doesn't have."""
    path_deps: tuple[PathDependency, ...] = ()

    @property
    def parts(self) -> tuple[Project, ...]:
        """Every mix.exs that is read for it: its own, its applications', its path dependencies'."""
        beside = [each.project for each in self.path_deps if each.project is not None]
        return (self, *self.apps, *(part for project in beside for part in (project, *project.apps)))

    @property
    def required_elixir(self) -> tuple[Fact[str], ...]:
        """The requirements that the project and each of its applications make, each once; Mix holds to every one."""
        found: dict[str | Unknown, Fact[str]] = {}
        for fact in (part.elixir for part in (self, *self.apps) if part.elixir is not None):
            found.setdefault(fact.value if isinstance(fact, Known) else fact, fact)
        return tuple(found.values())

    @property
    def umbrella(self) -> bool:
        """Whether it holds other projects in its apps_path."""
        return self.apps_path is not None


def read_project(tree: Tree, environment: BuildEnvironment | None = None) -> Project:
    """Return the project at the tree's root, with the applications of an umbrella, as the build evaluates it.

    Without an environment every variable is unset. Raises ProjectError when there is no mix.exs, when it can't be read
    and for what Mix itself refuses.
    """
    content = tree.read("mix.exs")
    if content is None:
        raise _no_project(tree)
    environment = environment or BuildEnvironment()
    definition = MixFile.of(tree, "", content, environment).definition()
    project = project_of(definition, lambda root: children(tree, root, environment))
    require_applications(definition, project)
    return with_path_deps(tree, project, environment)


def project_of(root: MixDefinition, children: Callable[[MixDefinition], Iterable[MixDefinition]]) -> Project:
    """Return the project that the mix.exs at the tree's root makes, and for an umbrella its children's.

    Raises ProjectError for what Mix itself refuses.
    """
    project = _with_children(root, children)
    found, unknown = _releases(root, project)
    return replace(project, releases=found, unknown=tuple(dict.fromkeys((*project.unknown, *unknown))))


def require_applications(root: MixDefinition, project: Project) -> None:
    """Raise ProjectError for an umbrella without applications, where it is known that there are none.

    Mix takes it (Mix.Project.apps_paths/1), and has nothing to compile.
    """
    above = project.apps_path
    if isinstance(above, Known) and not project.apps and not isinstance(root.given.fact("apps", fields.names), Unknown):
        raise ProjectError(
            f"apps_path: the umbrella project has no application in {above.value or '.'}: each is a directory there, "
            "with a mix.exs",
            at=above.at,
            hint='name the directory that has them, such as apps_path: "apps"',
        )


def _with_children(root: MixDefinition, children: Callable[[MixDefinition], Iterable[MixDefinition]]) -> Project:
    project = _project(root, ())
    return _project(root, tuple(_project(child, ()) for child in children(root))) if project.umbrella else project


def with_path_deps(tree: Tree, root: Project, environment: BuildEnvironment) -> Project:
    """Return the project with the path dependencies that it and its applications name, and those that these name.

    Raises ProjectError for one whose mix.exs can't be read.
    """

    def read_one(path: str) -> Project | None:
        content = tree.read(posixpath.join(path, "mix.exs"))
        if content is None:
            return None
        definition = MixFile.of(tree, path, content, environment).definition()
        return _with_children(definition, lambda above: children(tree, above, environment))

    found = tuple(
        PathDependency(dep.app, dep.path or "", dep.at, project)
        for dep, project in find_path_dependencies(root, read_one)
    )
    unfetched = [each for dep in found if dep.project for each in dep.project.unknown if each.what.startswith("dep")]
    return replace(root, path_deps=found, unknown=tuple(dict.fromkeys((*root.unknown, *unfetched))))


def _no_project(tree: Tree) -> ProjectError:
    where = next((f"; there is one in {directory}" for directory in _near(tree)), "")
    return ProjectError(
        f"no mix.exs here: not a Mix project{where}", hint="go to the project, or name it with `-C DIR`"
    )


def _near(tree: Tree) -> list[str]:
    found = []
    for above in ("..", "../.."):
        try:
            if tree.read(f"{above}/mix.exs") is not None:
                found.append(above)
        except ProjectError:
            break
    inside = [name.rstrip("/") for name in tree.list("") if name.endswith("/") and not name.startswith(".")]
    for directory in [name for name in inside if name not in _NOT_SOURCES][:100]:
        if "mix.exs" in tree.list(directory):
            found.append(directory)
    return found


def children(tree: Tree, root: MixDefinition, environment: BuildEnvironment) -> Iterator[MixDefinition]:
    """Yield an umbrella's applications: the directories of apps_path with a mix.exs (Mix.Project.apps_paths/1)."""
    apps_path, chosen = root.given.fact("apps_path", root.given.path), root.given.fact("apps", fields.names)
    if not isinstance(apps_path, Known) or isinstance(chosen, Unknown):
        return
    directories = [name.rstrip("/") for name in tree.list(apps_path.value) if name.endswith("/")]
    for directory in directories if chosen is None else chosen.value:
        path = posixpath.join(apps_path.value, directory)
        content = tree.read(f"{path}/mix.exs")
        if content is not None:
            yield MixFile.of(tree, path, content, environment).definition()


def _releases(definition: MixDefinition, project: Project) -> tuple[tuple[Release, ...], tuple[Unknown, ...]]:
    apps = [(app.app.value, app.version) for app in (project, *project.apps) if isinstance(app.app, Known)]
    versions = Versions(project.version, tuple(apps))
    term = definition.given.term("releases")
    if term is not None and not (isinstance(term, Known) and term.value == List(())):
        return releases.read_releases(term, versions, "", definition.run)
    if isinstance(project.app, Known) and not project.umbrella:
        return (releases.implicit_release(project.app.value, project.app.at, versions),), ()
    return (), ()


def _project(definition: MixDefinition, apps: tuple[Project, ...]) -> Project:
    """Return what the mix.exs says, without its releases."""
    # What is not known is noted in them, and the root is read twice where it is an umbrella's.
    given, application = replace(definition.given, unknown=[]), definition.application
    directory = definition.directory
    deps, unknown_deps = _deps(given, directory)
    aliases, unknown_aliases = _aliases(given)
    project = Project(
        path=directory,
        module=definition.module,
        at=definition.at,
        app=_app(given),
        version=_version(given),
        elixir=given.fact("elixir", fields.string),
        apps_path=given.fact("apps_path", given.path),
        apps=apps,
        releases=(),
        default_release=given.fact("default_release", fields.name),
        deps=deps,
        aliases=aliases,
        deps_path=_path(definition, given, "deps_path", "deps"),
        lockfile=_path(definition, given, "lockfile", "mix.lock"),
        config_path=_path(definition, given, "config_path", "config/config.exs"),
        elixirc_paths=given.fact("elixirc_paths", given.paths, note=False)
        or Known((given.path("lib"),), definition.at),
        start_permanent=given.fact("start_permanent", fields.boolean, note=False),
        mod=application.fact("mod", fields.application_module, note=False),
        extra_applications=application.fact("extra_applications", fields.applications, note=False),
        reads=tuple(sorted({*definition.reads}.union(*(app.reads for app in apps)))),
        unknown=(),
        build_path=given.fact("build_path", given.path, note=False),
        git=tuple(dict.fromkeys((*definition.git, *(mark for app in apps for mark in app.git)))),
    )
    below = [unknown for app in apps for unknown in app.unknown]
    return replace(project, unknown=tuple(dict.fromkeys((*given.unknown, *unknown_deps, *unknown_aliases, *below))))


def _path(definition: MixDefinition, given: Fields, key: str, default: str) -> Fact[str]:
    return given.fact(key, given.path) or Known(given.path(default), definition.at)


def _app(given: Fields) -> Fact[str] | None:
    term = given.term("app")
    if isinstance(term, Known) and not isinstance(term.value, Atom):
        raise ProjectError(f"app: should be an atom, is {show(term.value)}", at=term.at, hint="write app: :my_app")
    return given.fact("app", fields.name)


def _version(given: Fields) -> Fact[str] | None:
    term = given.term("version")
    # Only an application has to have a version of that form; an umbrella's root is none.
    is_allowed = fields.is_version if given.term("apps_path") is None else bool
    if isinstance(term, Known) and not (isinstance(term.value, str) and is_allowed(term.value)):
        raise ProjectError(
            f"version: {show(term.value)} is not a version as Mix wants it",
            at=term.at,
            hint='write three numbers, such as version: "1.0.0"',
        )
    return given.fact("version", fields.string)


def _deps(given: Fields, directory: str) -> tuple[tuple[Dependency, ...], tuple[Unknown, ...]]:
    term = given.term("deps")
    return dependencies.read_dependencies(term, directory) if term is not None else ((), ())


def _aliases(given: Fields) -> tuple[tuple[Alias, ...], tuple[Unknown, ...]]:
    """Return the aliases, and what of them isn't known."""
    term = given.term("aliases")
    if isinstance(term, Unknown):
        return (), (fields.named(term, "aliases"),)
    found = list(entries(term.value)) if term is not None and isinstance(term.value, List) else []
    return (
        tuple(
            Alias(name, at, fields.fact_of(tasks, f"alias {name}", fields.strings))
            for name, tasks, at in (entry for entry in found if not isinstance(entry, Unknown))
        ),
        tuple(fields.named(entry, "aliases") for entry in found if isinstance(entry, Unknown)),
    )


def select_release(project: Project, name: str | None = None) -> Release:
    """Return the release of that name; without one, the default release or the only one; else raise ProjectError."""
    if name is None and isinstance(project.default_release, Known):
        name = project.default_release.value
    open_end = next((unknown for unknown in project.unknown if unknown.what in ("releases", "app", "apps_path")), None)
    release = next((release for release in project.releases if release.name == name), None)
    if release is None and name is not None and open_end is not None:
        return releases.unread_release(name, open_end)
    if name is None and len(project.releases) == 1 and open_end is None:
        release = project.releases[0]
    if release is None:
        raise _no_release(project, name, open_end)
    if project.umbrella and (
        release.applications is None or (isinstance(release.applications, Known) and not release.applications.value)
    ):
        raise _no_applications(project, release)
    return release


def _no_release(project: Project, name: str | None, open_end: Unknown | None) -> ProjectError:
    names = ", ".join(release.name for release in project.releases)
    hint = "say which: `--release NAME`, or `release: NAME` in relbuild.yml"
    if open_end is not None:
        known = f"mix.exs defines {names}, and what else" if names else "which releases mix.exs defines"
        lists = "`relbuild plan --evaluate` asks Mix, and lists them"
        return ProjectError(f"{known} can't be read: {open_end.reason}", at=open_end.at, hint=f"{hint}; {lists}")
    if name is not None and names:
        return ProjectError(f"there is no release {name}: mix.exs defines {names}", at=project.at, hint=hint)
    if names:
        return ProjectError(f"mix.exs defines several releases: {names}", at=project.releases[0].at, hint=hint)
    if not project.umbrella:
        return ProjectError("the project has no app, so nothing to release", at=project.at, hint="add app: :my_app")
    return ProjectError(
        "an umbrella project has to define its releases, and this one has none",
        at=project.at,
        hint=f'add to `project` in mix.exs: releases: [my_release: [version: "0.1.0", {_example(project)}]]',
    )


def _no_applications(project: Project, release: Release) -> ProjectError:
    return ProjectError(
        f"release {release.name} has no applications, which it needs in an umbrella project",
        at=release.at,
        hint=f"add to it: {_example(project)}",
    )


def _example(project: Project) -> str:
    apps = [app.app.value for app in project.apps if isinstance(app.app, Known)] or ["my_app"]
    return f"applications: [{', '.join(f'{app}: :permanent' for app in apps)}]"
