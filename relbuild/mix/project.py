"""What a mix.exs says of the project, its releases and its dependencies, as far as it can be read statically."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field, replace

from relbuild.errors import Mark, ProjectError
from relbuild.mix import calls, dependencies, fields, releases
from relbuild.mix.dependencies import Dependency
from relbuild.mix.evaluate import Evaluator
from relbuild.mix.facts import Fact, Known, Tree, Unknown
from relbuild.mix.fields import Fields
from relbuild.mix.modules import Module
from relbuild.mix.releases import Release, Versions
from relbuild.mix.source import parse
from relbuild.mix.terms import Atom, Function, Gap, List, Term, entries, show

__all__ = ["Alias", "Dependency", "Project", "Release", "read", "select_release"]

_NOT_SOURCES = {"_build", "deps", "node_modules"}


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias of mix.exs: its name and its tasks, Unknown where one of them is a function."""

    name: str
    at: Mark
    tasks: Fact[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Project:
    """What one mix.exs says. A fact that it doesn't state is None unless Mix has a default for it.

    `path` is the project's directory, "" for the tree's root; every path is relative to that root and may leave it.
    `reads` are the files that mix.exs reads, which Mix needs beside it. `unknown` is what could not be read.
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

    @property
    def umbrella(self) -> bool:
        """Whether it holds other projects in its apps_path."""
        return self.apps_path is not None


def read(tree: Tree) -> Project:
    """Return the project at the tree's root, with the applications of an umbrella.

    Raises ProjectError when there is no mix.exs, when it can't be read and for what Mix itself refuses.
    """
    content = tree.read("mix.exs")
    if content is None:
        raise _no_project(tree)
    reading = _Reading.of(tree, "", content)
    umbrella = reading.given.term("apps_path") is not None
    project = reading.project(_children(tree, reading) if umbrella else ())
    found, unknown = _releases(reading, project)
    return replace(project, releases=found, unknown=tuple(dict.fromkeys((*project.unknown, *unknown))))


def select_release(project: Project, name: str | None = None) -> Release:
    """Return the release of that name; without one, the default release or the only one; else raise ProjectError."""
    names = [release.name for release in project.releases]
    if name is None and isinstance(project.default_release, Known):
        name = project.default_release.value
    if name is not None:
        for release in project.releases:
            if release.name == name:
                return release
        listed = f"mix.exs defines {', '.join(names)}" if names else "mix.exs defines none that can be read"
        raise ProjectError(
            f"there is no release {name}: {listed}", at=project.at, hint="`--release NAME` names another"
        )
    if len(project.releases) == 1 and not any(unknown.what == "releases" for unknown in project.unknown):
        return project.releases[0]
    if not names:
        raise _no_release(project)
    raise ProjectError(
        f"mix.exs defines several releases: {', '.join(names)}",
        at=project.releases[0].at,
        hint="say which: `--release NAME`, or `release: NAME` in relbuild.yml",
    )


def _no_release(project: Project) -> ProjectError:
    for unknown in project.unknown:
        if unknown.what in ("releases", "app"):
            return ProjectError(
                f"which releases there are can't be read: {unknown.reason}",
                at=unknown.at,
                hint="name it: `--release NAME`, or `release: NAME` in relbuild.yml",
            )
    apps = [app.app.value for app in project.apps if isinstance(app.app, Known)]
    example = ", ".join(f"{app}: :permanent" for app in apps) or "my_app: :permanent"
    return ProjectError(
        "an umbrella project has to define its releases, and this one has none",
        at=project.at,
        hint=f'add to `project` in mix.exs: releases: [my_release: [version: "0.1.0", applications: [{example}]]]',
    )


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


def _children(tree: Tree, root: _Reading) -> tuple[Project, ...]:
    """Return an umbrella's applications: the directories of apps_path with a mix.exs (Mix.Project.apps_paths/1)."""
    apps_path, chosen = root.given.fact("apps_path", root.given.path), root.given.fact("apps", fields.names)
    if not isinstance(apps_path, Known) or isinstance(chosen, Unknown):
        return ()
    directories = [name.rstrip("/") for name in tree.list(apps_path.value) if name.endswith("/")]
    found: list[Project] = []
    for directory in directories if chosen is None else chosen.value:
        path = posixpath.join(apps_path.value, directory)
        content = tree.read(f"{path}/mix.exs")
        if content is not None:
            found.append(_Reading.of(tree, path, content).project(()))
    return tuple(found)


def _releases(reading: _Reading, project: Project) -> tuple[tuple[Release, ...], tuple[Unknown, ...]]:
    apps = [(app.app.value, app.version) for app in (project, *project.apps) if isinstance(app.app, Known)]
    versions = Versions(project.version, tuple(apps))
    term = reading.given.term("releases")
    if term is not None and not (isinstance(term, Known) and term.value == List(())):
        return releases.read(term, versions, "", reading.run)
    if isinstance(project.app, Known) and not project.umbrella:
        return (releases.implicit(project.app.value, project.app.at, versions),), ()
    return (), ()


@dataclass(slots=True)
class _Reading:
    """One mix.exs being read: its Mix project's module, and the keyword list that `project/0` gives."""

    evaluator: Evaluator
    module: Module
    given: Fields
    at: Mark
    unknown: list[Unknown] = field(default_factory=list)

    @classmethod
    def of(cls, tree: Tree, path: str, content: bytes) -> _Reading:
        file = posixpath.join(path, "mix.exs")
        if not content.strip(b"\xef\xbb\xbf \t\r\n"):
            raise ProjectError(f"{file} is empty", at=Mark(file, 1), hint="`mix new` shows what belongs into it")
        evaluator = Evaluator(parse(file, content), tree, path)
        module = _project_module(evaluator, file)
        definition = next((c for c in module.clauses if c.name == "project" and not c.parameters), None)
        if definition is None and not module.hidden_functions:
            raise ProjectError(
                f"{module.name} has no `project` function",
                at=evaluator.source.mark(module.node),
                hint="add `def project, do: [app: …, version: …]`",
            )
        node = definition.node if definition is not None else module.node
        term = evaluator.guarded(node, lambda: calls.local(evaluator, module, "project", [], node))
        if isinstance(term, Known) and not isinstance(term.value, List):
            raise ProjectError(f"`project` should give a keyword list, gives {show(term.value)}", at=term.at)
        keywords = term.value if isinstance(term, Known) and isinstance(term.value, List) else _open(term)
        return cls(evaluator, module, Fields(keywords, "", path), evaluator.source.mark(node))

    def run(self, term: Term) -> Term:
        """Return the value of a function without arguments; anything else as it is."""
        if isinstance(term, Known) and isinstance(term.value, Function):
            node = term.value.node
            return self.evaluator.guarded(node, lambda: calls.apply(self.evaluator, term, [], node))
        return term

    def project(self, apps: tuple[Project, ...]) -> Project:
        """Return what the mix.exs says, without its releases."""
        given, directory = self.given, self.evaluator.directory
        application = self._application()
        self.evaluator.note_reads()
        deps, unknown_deps = _deps(given, directory)
        project = Project(
            path=directory,
            module=self.module.name,
            at=self.at,
            app=_app(given),
            version=_version(given),
            elixir=given.fact("elixir", fields.string),
            apps_path=given.fact("apps_path", given.path),
            apps=apps,
            releases=(),
            default_release=given.fact("default_release", fields.name),
            deps=deps,
            aliases=_aliases(given),
            deps_path=self._path("deps_path", "deps"),
            lockfile=self._path("lockfile", "mix.lock"),
            config_path=self._path("config_path", "config/config.exs"),
            elixirc_paths=given.fact("elixirc_paths", given.paths, note=False) or Known((given.path("lib"),), self.at),
            start_permanent=given.fact("start_permanent", fields.boolean, note=False),
            mod=application.fact("mod", fields.application_module, note=False),
            extra_applications=application.fact("extra_applications", fields.applications, note=False),
            reads=tuple(sorted({*self.evaluator.reads}.union(*(app.reads for app in apps)))),
            unknown=(),
        )
        below = [unknown for app in apps for unknown in app.unknown]
        return replace(project, unknown=tuple(dict.fromkeys((*given.unknown, *unknown_deps, *below))))

    def _path(self, key: str, default: str) -> Fact[str]:
        return self.given.fact(key, self.given.path) or Known(self.given.path(default), self.at)

    def _application(self) -> Fields:
        node = self.module.node
        if not any(clause.name == "application" for clause in self.module.clauses):
            return Fields(List(()))
        term = self.evaluator.guarded(node, lambda: calls.local(self.evaluator, self.module, "application", [], node))
        return Fields(term.value if isinstance(term, Known) and isinstance(term.value, List) else _open(term))


def _open(term: Term) -> List:
    unknown = term if isinstance(term, Unknown) else Unknown("project", "it is no keyword list", term.at)
    return List((Gap(unknown),))


def _project_module(evaluator: Evaluator, file: str) -> Module:
    """Return the module that Mix takes for the project: the one with `use Mix.Project` that is compiled last."""
    found = [module for module in evaluator.modules if "Mix.Project" in module.uses]
    if not found:
        raise ProjectError(
            f"{file}: no module in it has `use Mix.Project`",
            at=Mark(file, 1),
            hint="`mix new` shows what a mix.exs looks like",
        )
    return found[-1]


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
    return dependencies.read(term, directory) if term is not None else ((), ())


def _aliases(given: Fields) -> tuple[Alias, ...]:
    term = given.term("aliases")
    if not isinstance(term, Known) or not isinstance(term.value, List):
        return ()
    found = [entry for entry in entries(term.value) if not isinstance(entry, Unknown)]
    return tuple(Alias(name, at, fields.fact_of(tasks, f"alias {name}", fields.strings)) for name, tasks, at in found)
