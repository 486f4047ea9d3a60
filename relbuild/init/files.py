"""Every file that init writes: those a project lacks, and with `force` those that differ."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from relbuild import __version__
from relbuild.config import Config
from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.elixir.versions import Version
from relbuild.errors import Mark
from relbuild.facts import Known, Tree
from relbuild.image.plan.location import Location, leaves_project
from relbuild.image.plan.plan import Plan, make_plan
from relbuild.init import elixir, mix_exs, rel_templates, settings, workflow
from relbuild.init.change import Change, Overlay, text
from relbuild.init.elixir import ElixirFile
from relbuild.mix import distillery, migrations
from relbuild.mix import project as mix_project
from relbuild.mix import umbrella as mix_umbrella
from relbuild.mix.environment import boot
from relbuild.mix.project import Project, select_release
from relbuild.mix.toolchain import resolve_toolchain

Toolchain: TypeAlias = Literal["hexpm", "official", "debian", "source"]


@dataclass(frozen=True, slots=True)
class InitOptions:
    """The options of init: the release and the toolchain to set, a CI service, a target's engine."""

    release: str | None = None
    toolchain: Toolchain | None = None
    ci: str | None = None
    target: settings.TargetEngine | None = None
    force: bool = False
    settings: bool = True
    """Whether to write relbuild.yml; not when --config names another file."""
    config: str | None = None
    """The path of that file, relative to the project."""
    requirement: str | None = None
    """The requirement by which pip installs this relbuild elsewhere; None where only this machine has it."""
    branch: str = "main"
    """The branch that a workflow builds."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """The changes that init makes, the files that it leaves unchanged, and its warnings."""

    changes: tuple[Change, ...]
    unchanged: tuple[str, ...]
    notes: tuple[str, ...]
    base: str = ""
    """The project's path from the directory where the diff applies: a diff can't have paths with `..`."""

    @property
    def diff(self) -> str:
        """All changes, one after the other."""
        changes = (
            replace(each, path=posixpath.normpath(posixpath.join(self.base, each.path))) for each in self.changes
        )
        return "".join(change.diff for change in changes)


def make(tree: Tree, config: Config, options: InitOptions, location: Location | None = None) -> Scaffold:
    """Return what init changes in the project; ``location`` is the project's place in its repository.

    Raises ProjectError and ConfigError where the project or relbuild.yml doesn't allow an image.
    """
    return _Making(tree, config, options, location).scaffold()


class _Making:
    """The files so far; each later one is made for the project with those before it."""

    def __init__(self, tree: Tree, config: Config, options: InitOptions, location: Location | None) -> None:
        self.tree, self.options, self.location = tree, options, location
        # relbuild.yml as it is, and as it will be.
        self.present, self.config = config, _config(config, options)
        self.files: dict[str, str] = {}
        self.changes: list[Change] = []
        self.unchanged: list[str] = []
        self.notes: list[str] = []
        self.overlay = Overlay(tree, self.files)

    def scaffold(self) -> Scaffold:
        project = self.project()
        release = select_release(project, self.options.release or self.config.release)
        apps = mix_umbrella.released_apps(project, release)
        databases = migrations.find_databases(self.overlay, project, apps if project.umbrella else (project,))
        version = self.elixir(project)
        runtime = elixir.runtime_config(self.overlay, project, release, databases, version)
        modules = elixir.release_modules(self.overlay, project, apps, databases, release.name, version)
        self.add_templates(project, posixpath.normpath(_known(release.rel_templates_path, "rel")))
        for file in ([runtime] if runtime is not None else []) + modules:
            self.add_elixir(file)
        # Raises for a project that no image can be built of.
        plan = self.plan()
        self.add_settings(plan, modules)
        if self.options.ci is not None:
            self.add_workflow(plan, self.options.ci)
        self.notes.extend(distillery.distillery_notes(self.tree))
        outside = any(leaves_project(change.path) for change in self.changes)
        base = "/".join(self.location.names) if self.location is not None and outside else ""
        return Scaffold(tuple(self.changes), tuple(self.unchanged), tuple(self.notes), base)

    def project(self) -> Project:
        """Return the project, with a release where it is an umbrella that lacks one."""
        project = mix_project.read_project(self.tree, BuildEnvironment.of(self.config))
        if not mix_exs.lacks_release(project):
            return project
        before = text(self.tree, "mix.exs")
        after = mix_exs.with_release(self.tree, project)
        self.files["mix.exs"] = after
        self.changes.append(Change("mix.exs", before, after))
        return mix_project.read_project(self.overlay, BuildEnvironment.of(self.config))

    def elixir(self, project: Project) -> Version | None:
        """Return the version of Elixir that the files are for, None where only the builder image has it."""
        choice = resolve_toolchain(self.overlay, self.config, project.required_elixir).elixir
        return Version.parse(choice.value) if choice is not None else None

    def plan(self) -> Plan:
        """Return the plan of the project with the new files."""
        project = mix_project.read_project(self.overlay, BuildEnvironment.of(self.config))
        return make_plan(project, self.config, self.overlay, self.options.release, location=self.location)

    def add_templates(self, project: Project, directory: str) -> None:
        for name in rel_templates.NAMES:
            self.add(posixpath.join(directory, name), rel_templates.render(name, project))

    def add_elixir(self, file: ElixirFile) -> None:
        if file.content is not None:
            self.add(file.path, file.content)
        if file.note is not None and file.path not in self.unchanged:
            self.notes.append(file.note)

    def add_settings(self, plan: Plan, modules: list[ElixirFile]) -> None:
        target = self.target(plan)
        if not self.options.settings:
            if target is not None:
                self.notes.append(
                    f"add the target to {self.options.config}:\n{settings.render_target(target)}".rstrip()
                )
            return
        if self.tree.read("relbuild.yml") is not None and not self.options.force:
            for key, value in (("toolchain", self.options.toolchain), ("release", self.options.release)):
                if value is not None and (key not in self.present.marks or getattr(self.present, key) != value):
                    self.notes.append(f"relbuild.yml exists: add {key}: {value} to it")
            if target is not None:
                self.notes.append(f"relbuild.yml exists: add to it\n{settings.render_target(target)}".rstrip())
        # The plan has only one of several migrate functions.
        migrating = [file.path for file in modules if file.content is not None]
        migrate = None
        if len(migrating) > 1:
            migrate = "; ".join(
                elixir.migrate_expressions(
                    self.overlay, plan.project, mix_umbrella.released_apps(plan.project, plan.release), migrating
                )
            )
        options = self.options
        content = settings.render(
            plan, release=options.release, toolchain=options.toolchain, migrate=migrate, target=target
        )
        self.add("relbuild.yml", content)

    def target(self, plan: Plan) -> settings.TargetSettings | None:
        """Return the target to write, with what the release requires."""
        if self.options.target is None:
            return None
        contract = boot.read_contract(self.overlay, plan.project, plan.release)
        return settings.TargetSettings.of(self.options.target, contract)

    def add_workflow(self, plan: Plan, service: str) -> None:
        options = self.options
        # A migration reads the whole configuration: it needs what the release needs to boot.
        required = boot.read_contract(self.overlay, plan.project, plan.release).of("required") if plan.migrate else ()
        requirement = options.requirement or f"relbuild=={__version__}"
        decided = "relbuild.yml" in self.files or self.config.release == options.release
        path = workflow.path(service, self.location)
        content = workflow.render(
            service,
            plan,
            self.location,
            release=None if decided else options.release,
            config=options.config,
            variables=tuple(variable.name for variable in required),
            requirement=requirement,
            branch=options.branch,
        )
        if self.add_there(path, content) and leaves_project(path):
            self.notes.append(
                f"{path} is in the repository's root, where {service} reads it: the diff's paths are relative to "
                "the root"
            )
        if options.requirement is None:
            self.notes.append(
                f"{path} installs {requirement}, but this relbuild was installed from a directory: if no package "
                "index has that version, set RELBUILD there to a URL such as git+https://…"
            )

    def add(self, path: str, after: str) -> None:
        """Add a file of the project where it is missing, or with --force where it differs."""
        if path.startswith(("..", "/")):
            self.notes.append(f"init doesn't write {path}: it is outside the project")
        else:
            self.add_there(path, after)

    def add_there(self, path: str, after: str) -> bool:
        """Add a file at any path, as `add` does, and return whether it changes."""
        before = text(self.tree, path)
        if before is not None and not self.options.force:
            self.unchanged.append(path)
            return False
        self.files[path] = after
        if after == before:
            self.unchanged.append(path)
            return False
        self.changes.append(Change(path, before, after))
        return True


def _config(config: Config, options: InitOptions) -> Config:
    """Return the configuration with the new relbuild.yml; --force replaces the present one."""
    if options.force and options.settings:
        config = Config()
    if options.toolchain is None or config.marks:
        return config
    # A new relbuild.yml sets only the toolchain; an error about it quotes the option.
    return replace(config, toolchain=options.toolchain, marks={"toolchain": Mark("--toolchain", 1)})


def _known(fact: object, default: str) -> str:
    return fact.value if isinstance(fact, Known) and isinstance(fact.value, str) else default
