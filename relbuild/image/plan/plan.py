"""What will be built and why: a project's facts and relbuild.yml become a plan, which everything else only renders."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, replace

from relbuild.config import Config, Healthcheck
from relbuild.errors import ConfigError, Mark, Problem, listed
from relbuild.facts import Fact, Known, Tree, Unknown
from relbuild.image.plan.assets import Assets, plan_assets
from relbuild.image.plan.base_images import ImageLock, resolve_locked_toolchain
from relbuild.image.plan.container import ContainerPlan, find_container
from relbuild.image.plan.contract import image_labels, plan_migration, start_notes
from relbuild.image.plan.dependencies import Dependencies, Manifests, plan_dependencies, plan_manifests
from relbuild.image.plan.location import Location, NeededPath, leaves_project
from relbuild.image.plan.notes import ApplicationNames, build_time_notes, hook_notes, missing_application_notes
from relbuild.image.plan.packages import (
    Need,
    builder_packages,
    package_needs,
    package_notes,
    plan_rust,
    runner_packages,
)
from relbuild.image.plan.platforms import Platforms, plan_platforms
from relbuild.image.plan.sources import Sources, find_sources
from relbuild.image.plan.stages import BuilderStages, RunnerStage, make_builder, make_runner
from relbuild.image.plan.steps import Layers, StepOrder, plan_layers, plan_order
from relbuild.mix import distillery, environment, umbrella
from relbuild.mix.elixir_files import Code
from relbuild.mix.environment import Contract
from relbuild.mix.project import Project, Release, select_release
from relbuild.mix.toolchain import Toolchain


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is decided about an image before anything is built."""

    project: Project
    release: Release
    toolchain: Toolchain
    builder: BuilderStages
    runner: RunnerStage
    sources: Sources
    assets: Assets
    dependencies: Dependencies
    needs: tuple[Need, ...]
    platforms: Platforms | None
    applications: tuple[str, ...]
    released: tuple[str, ...]
    """Those of them that the release has."""
    manifests: Manifests
    order: StepOrder
    layers: Layers
    image: str
    migrate: Known[str] | None
    migrates_at_start: Mark | None
    """Where a supervision tree has Ecto.Migrator."""
    environment: Contract
    container: ContainerPlan
    healthcheck: Healthcheck | None
    labels: Mapping[str, str]
    lock: ImageLock | None
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    """What keeps the release from working in its container, as far as relbuild knows; `notes` has none of it."""
    unknown: tuple[Unknown, ...]
    marks: Mapping[str, Mark]
    """Where relbuild.yml says what."""
    named: bool
    """Whether the command line chose the release, whatever relbuild.yml and mix.exs say."""

    @property
    def has_dependencies(self) -> bool:
        """Whether there is anything to fetch and compile before the project's own code."""
        return self.dependencies.any

    @property
    def version(self) -> Fact[str]:
        """The release's version."""
        return self.release.version


def make_plan(
    project: Project,
    config: Config,
    tree: Tree,
    release_name: str | None = None,
    lock: ImageLock | None = None,
    location: Location | None = None,
    platform_names: tuple[str, ...] | None = None,
) -> Plan:
    """Decide what will be built, on the images of relbuild.lock where there is one.

    ``location`` says where the project lies, for what it needs from above; the platforms, where they are
    given, take the place of those in relbuild.yml.

    Raises ProjectError or ConfigError where the project, relbuild.yml or relbuild.lock doesn't allow an image.
    """
    _require_supported(config)
    release = select_release(project, release_name or config.release)
    location = location or Location()
    umbrella.refuse_child(tree, project, release, location.names, location.here)
    deps = plan_dependencies(tree, project, config)
    tools = resolve_locked_toolchain(tree, config, project.required_elixir, lock, rebar3=deps.rebar3)
    held = deps.held_by(tools.elixir.value if tools.elixir is not None else None)
    apps = umbrella.released_apps(project, release)
    migrate = plan_migration(tree, project, apps, config)
    required = environment.read_contract(tree, project, release)
    at_build = environment.read_by_build(tree, project)
    native = plan_rust(tree, project, deps.resolved, tools.debian.value)
    code = Code(tree, (project, *apps))
    debian = tools.debian.value
    needs = (*package_needs(deps.resolved, debian, config.builder.env, native.cargo, code), *native.needs)
    asset_plan = plan_assets(tree, (project, *apps), config, tools)
    sources = find_sources(tree, project, location, config.builder.ignore, _packages(asset_plan))
    otp = tools.otp.value if tools.otp is not None else None
    names = config.platforms if platform_names is None else platform_names
    on, platform_notes = plan_platforms(names, config.builder.emulate, deps.resolved, needs, otp)
    wanted = (*asset_plan.debian_packages, *builder_packages(needs))
    required_there = find_container(
        tree, (project, *apps), release, config, debian, deps.resolved, needs, at_build, required, code
    )
    programs = (each.package for each in required_there.programs)
    runner = make_runner(config, tools, (*runner_packages(needs), *programs), lock)
    applications = _applications(project)
    left = plan_manifests(tree, project, sources, has_secrets=bool(config.builder.secrets))
    return Plan(
        project=project,
        release=release,
        toolchain=tools,
        builder=replace(make_builder(config, tools, deps, wanted, lock), asset_secrets=asset_plan.secrets),
        runner=runner,
        sources=sources,
        assets=asset_plan,
        dependencies=deps,
        needs=needs,
        platforms=on,
        applications=applications,
        released=_applications(replace(project, apps=apps)),
        manifests=left,
        order=plan_order(tree, project, release, sources, asset_plan, location.links),
        layers=plan_layers(tree, project, deps, asset_plan),
        image=config.image or release.name,
        migrate=migrate.expression,
        migrates_at_start=migrate.at_start,
        environment=required,
        container=required_there,
        healthcheck=config.healthcheck,
        labels=image_labels(
            release,
            required,
            repositories={name: each.url for name, each in config.builder.repos.items() if name != "hexpm"},
            applications=() if isinstance(project.app, Unknown) else applications,
            base=None if runner.minimal else runner.image,
            more=migrate.labels,
        ),
        lock=lock,
        notes=(
            *tools.notes,
            *migrate.notes,
            *asset_plan.notes,
            *hook_notes(tree, config, (command.line for command in asset_plan.commands)),
            *sources.notes,
            *_git_notes(project),
            *_release_notes(release),
            *build_time_notes(at_build, project, config, required),
            *distillery.distillery_notes(tree),
            *start_notes(tree, release, config),
            *missing_application_notes(project, release, ApplicationNames(deps.names, applications), tools, config),
            *deps.notes,
            *(left.notes if deps.any else ()),
            *held,
            *platform_notes,
            *(native.notes if tools.provider != "image" else ()),
            *(f"{each.at.brief}: {each.message}; {each.hint}" for each in required_there.notes if each.at),
            *package_notes(needs, tools.debian.value, installed=tools.provider != "image"),
        ),
        problems=required_there.problems,
        unknown=project.unknown,
        marks=config.marks,
        named=release_name is not None,
    )


def _require_supported(config: Config) -> None:
    """Raise ConfigError for what relbuild.yml may say and this version can't do."""
    if "MIX_ENV" in config.builder.env:
        message = "builder.env: a release is always built with MIX_ENV=prod"
        raise ConfigError(message, at=config.marks.get("builder.env.MIX_ENV"), hint="leave MIX_ENV out")


def _applications(project: Project) -> tuple[str, ...]:
    """Return the project's own applications; the rest of a release is dependencies, Elixir and OTP."""
    own = {project.app.value} if isinstance(project.app, Known) else set()
    # In an umbrella the directory has the application's name (Mix.Project.apps_paths/1).
    own |= {app.app.value if isinstance(app.app, Known) else posixpath.basename(app.path) for app in project.apps}
    own |= {dep.app for dep in project.path_deps}
    inner = [app for dep in project.path_deps if dep.project for app in dep.project.apps]
    return tuple(sorted(own | {app.app.value for app in inner if isinstance(app.app, Known)}))


def _packages(asset_plan: Assets) -> tuple[NeededPath, ...]:
    """Return the directories outside of the project that npm packages are taken from."""
    installs = asset_plan.node.installs if asset_plan.node is not None else ()
    packages = [install.of.package for install in installs]
    return tuple(
        NeededPath(directory, package.path, Mark(package.path, 1))
        for package in packages
        for directory in package.local
        if leaves_project(directory)
    )


def _git_notes(project: Project) -> tuple[str, ...]:
    places = [mark.brief for part in project.parts for mark in part.git]
    if not places:
        return ()
    return (
        f"{listed(list(dict.fromkeys(places)))} needs a git repository, and the build has none, as .git isn't copied "
        'into it: read a variable instead, such as System.get_env("GIT_SHA"), and set it in builder.env',
    )


def _release_notes(release: Release) -> tuple[str, ...]:
    notes = []
    if isinstance(release.version, Unknown):
        at = release.version.at
        notes.append(f"the version can't be read ({at.brief}): the image's tag is latest; -t names another")
    if isinstance(release.cookie, Known) and release.cookie.value:
        at = release.cookie.at
        notes.append(
            f"the release's cookie ({at.brief}) isn't put into the image, where anyone could read it: "
            "give RELEASE_COOKIE where it runs"
        )
    return tuple(notes)
