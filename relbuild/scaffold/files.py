"""Every file that init writes: those a project lacks, and with `force` those that differ."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import Literal, TypeAlias

from relbuild import __version__
from relbuild.config import Config
from relbuild.errors import Mark
from relbuild.image.location import Location, leaves
from relbuild.image.plan import Plan, make_plan
from relbuild.mix import distillery, ecto, toolchain
from relbuild.mix import project as mix_project
from relbuild.mix import umbrella as mix_umbrella
from relbuild.mix.build_environment import BuildEnvironment
from relbuild.mix.environment import boot
from relbuild.mix.facts import Known, Tree
from relbuild.mix.project import Project
from relbuild.mix.selection import select_release
from relbuild.mix.versions import Version
from relbuild.scaffold import elixir, rel_templates, settings, umbrella, workflow
from relbuild.scaffold.change import Change, text
from relbuild.scaffold.elixir import ElixirFile
from relbuild.scaffold.overlay import Overlay
from relbuild.values import dataclass

Toolchain: TypeAlias = Literal["hexpm", "official", "debian", "source"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asks of init: the release and the toolchain to settle on, a CI service, whether to overwrite."""

    release: str | None = None
    toolchain: Toolchain | None = None
    ci: str | None = None
    force: bool = False
    settings: bool = True
    """Whether a relbuild.yml is wanted; not when the user keeps it elsewhere."""
    config: str | None = None
    """Where it is then, from the project."""
    requirement: str | None = None
    """What pip installs elsewhere to have this relbuild; None where only this machine has it."""
    branch: str = "main"
    """The branch that a workflow builds."""


@dataclass(frozen=True, slots=True)
class Scaffold:
    """What init would change, what it leaves as it is, and what the user should know of it."""

    changes: tuple[Change, ...]
    unchanged: tuple[str, ...]
    notes: tuple[str, ...]
    base: str = ""
    """The project's path from where the diff applies: no tool that applies one takes paths with `..`."""

    @property
    def diff(self) -> str:
        """All changes, one after the other."""
        changes = (
            replace(each, path=posixpath.normpath(posixpath.join(self.base, each.path))) for each in self.changes
        )
        return "".join(change.diff for change in changes)


def make(tree: Tree, config: Config, wish: Wish, location: Location | None = None) -> Scaffold:
    """Return what init would change in the project; ``location`` says where it lies, for what it needs from above.

    Raises ProjectError and ConfigError where the project or relbuild.yml doesn't allow an image.
    """
    return _Making(tree, config, wish, location).scaffold()


class _Making:
    """The files so far; each later one sees the project as it is with those before it."""

    def __init__(self, tree: Tree, config: Config, wish: Wish, location: Location | None) -> None:
        self.tree, self.wish, self.location = tree, wish, location
        # relbuild.yml as it is, and as it will be.
        self.present, self.config = config, _config(config, wish)
        self.files: dict[str, str] = {}
        self.changes: list[Change] = []
        self.unchanged: list[str] = []
        self.notes: list[str] = []
        self.overlay = Overlay(tree, self.files)

    def scaffold(self) -> Scaffold:
        project = self.project()
        release = select_release(project, self.wish.release or self.config.release)
        apps = mix_umbrella.released(project, release)
        databases = ecto.find(self.overlay, project, apps if project.umbrella else (project,))
        version = self.elixir(project)
        runtime = elixir.runtime_config(self.overlay, project, release, databases, version)
        modules = elixir.release_modules(self.overlay, project, apps, databases, release.name, version)
        self.add_templates(project, posixpath.normpath(_known(release.rel_templates_path, "rel")))
        for file in ([runtime] if runtime is not None else []) + modules:
            self.add_elixir(file)
        # Before anything of it is asked for: what can't be built isn't to be prepared for it either.
        plan = self.plan()
        self.add_settings(plan, modules)
        if self.wish.ci is not None:
            self.add_workflow(plan, self.wish.ci)
        self.notes.extend(distillery.notes(self.tree))
        outside = any(leaves(change.path) for change in self.changes)
        base = "/".join(self.location.names) if self.location is not None and outside else ""
        return Scaffold(tuple(self.changes), tuple(self.unchanged), tuple(self.notes), base)

    def project(self) -> Project:
        """Return the project, with a release where it is an umbrella that lacks one."""
        project = mix_project.read(self.tree, BuildEnvironment.of(self.config))
        if not umbrella.lacks_release(project):
            return project
        before = text(self.tree, "mix.exs")
        after = umbrella.with_release(self.tree, project)
        self.files["mix.exs"] = after
        self.changes.append(Change("mix.exs", before, after))
        return mix_project.read(self.overlay, BuildEnvironment.of(self.config))

    def elixir(self, project: Project) -> Version | None:
        """Return the Elixir that the files are for, None where only the builder image knows it."""
        choice = toolchain.resolve(self.overlay, self.config, project.required_elixir).elixir
        return Version.parse(choice.value) if choice is not None else None

    def plan(self) -> Plan:
        """Return the plan of the project as it will be."""
        project = mix_project.read(self.overlay, BuildEnvironment.of(self.config))
        return make_plan(project, self.config, self.overlay, self.wish.release, location=self.location)

    def add_templates(self, project: Project, directory: str) -> None:
        for name in rel_templates.NAMES:
            self.add(posixpath.join(directory, name), rel_templates.render(name, project))

    def add_elixir(self, file: ElixirFile) -> None:
        if file.content is not None:
            self.add(file.path, file.content)
        if file.note is not None and file.path not in self.unchanged:
            self.notes.append(file.note)

    def add_settings(self, plan: Plan, modules: list[ElixirFile]) -> None:
        if not self.wish.settings:
            return
        if self.tree.read("relbuild.yml") is not None and not self.wish.force:
            for key, value in (("toolchain", self.wish.toolchain), ("release", self.wish.release)):
                if value is not None and (key not in self.present.marks or getattr(self.present, key) != value):
                    self.notes.append(f"relbuild.yml is there already: write {key}: {value} into it yourself")
        # Only one of several migrate functions would be found.
        migrating = [file.path for file in modules if file.content is not None]
        migrate = None
        if len(migrating) > 1:
            migrate = "; ".join(
                elixir.migrate_expressions(
                    self.overlay, plan.project, mix_umbrella.released(plan.project, plan.release), migrating
                )
            )
        wish = self.wish
        content = settings.render(plan, release=wish.release, toolchain=wish.toolchain, migrate=migrate)
        self.add("relbuild.yml", content)

    def add_workflow(self, plan: Plan, service: str) -> None:
        wish = self.wish
        # A migration reads the whole configuration: it needs what the release needs to boot.
        required = boot.read(self.overlay, plan.project, plan.release).of("required") if plan.migrate else ()
        requirement = wish.requirement or f"relbuild=={__version__}"
        decided = "relbuild.yml" in self.files or self.config.release == wish.release
        path = workflow.path(service, self.location)
        content = workflow.render(
            service,
            plan,
            self.location,
            release=None if decided else wish.release,
            config=wish.config,
            variables=tuple(variable.name for variable in required),
            requirement=requirement,
            branch=wish.branch,
        )
        if self.add_there(path, content) and leaves(path):
            self.notes.append(
                f"{path} lies outside of the project, in the repository's root, where alone it is looked for: the "
                "diff's paths are from there"
            )
        if wish.requirement is None:
            self.notes.append(
                f"{path} installs {requirement}, and this one is a directory's: where no package index has it, "
                "write into RELBUILD there where it is, such as git+https://…"
            )

    def add(self, path: str, after: str) -> None:
        """Add a file of the project where it is missing or, by force, where it differs."""
        if path.startswith(("..", "/")):
            self.notes.append(f"{path} is not written: it is outside the project")
        else:
            self.add_there(path, after)

    def add_there(self, path: str, after: str) -> bool:
        """Add a file wherever it is, as `add` does, and tell whether it is written."""
        before = text(self.tree, path)
        if before is not None and not self.wish.force:
            self.unchanged.append(path)
            return False
        self.files[path] = after
        if after == before:
            self.unchanged.append(path)
            return False
        self.changes.append(Change(path, before, after))
        return True


def _config(config: Config, wish: Wish) -> Config:
    """Return what relbuild.yml will say: by force it is made anew, so that what it says now doesn't count."""
    if wish.force and wish.settings:
        config = Config()
    if wish.toolchain is None or config.marks:
        return config
    # Only the choice of toolchain stands in a relbuild.yml that is made now; whoever quotes it quotes the option.
    return replace(config, toolchain=wish.toolchain, marks={"toolchain": Mark("--toolchain", 1)})


def _known(fact: object, default: str) -> str:
    return fact.value if isinstance(fact, Known) and isinstance(fact.value, str) else default
