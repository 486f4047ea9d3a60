"""Asking Mix itself what a project says, on the engine, in the toolchain stage of its image's build."""

from __future__ import annotations

import os
from dataclasses import replace

from relbuild.commands import secrets
from relbuild.commands.build import build_context, run
from relbuild.commands.session import Session
from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.engine import files
from relbuild.errors import EngineError
from relbuild.image.build.buildx import FACTS_FILE, evaluate_project, evaluation_dockerfile
from relbuild.image.dockerfile.dockerignore import render_plain_dockerignore
from relbuild.image.plan.base_images import resolve_locked_toolchain
from relbuild.image.plan.credentials import DependencyAccess
from relbuild.image.plan.dependencies import plan_dependencies
from relbuild.image.plan.packages import builder_packages, package_needs, plan_rust
from relbuild.image.plan.stages import make_builder
from relbuild.mix.evaluation import Difference, fill_in, read_evaluated
from relbuild.mix.project import Project, with_path_deps


def evaluate(session: Session, read: Project) -> tuple[Project, tuple[Difference, ...]]:
    """Return the project as Mix says it is, and where that differs from what was read.

    The code of mix.exs runs on the session's engine alone, with the secrets the build is given and without a network.
    Raises the error that says why it failed, and ProjectError for a mix.exs that Mix can't evaluate.
    """
    config, lock = session.config(), session.lock()
    deps = plan_dependencies(session.tree(), read, config)
    tools = resolve_locked_toolchain(session.tree(), config, read.required_elixir, lock, rebar3=deps.rebar3)
    native = plan_rust(session.tree(), read, deps.resolved, tools.debian.value)
    needs = (*package_needs(deps.resolved, tools.debian.value, config.builder.env, native.cargo), *native.needs)
    # Nothing is fetched, so that nothing is needed for it but what installs the same toolchain.
    builder = replace(make_builder(config, tools, deps, builder_packages(needs), lock), access=DependencyAccess())
    given = secrets.find(builder)
    session.engine.require_builds()
    directory = files.empty_directory("evaluations", os.fspath(session.root.resolve()))
    generated = {"Dockerfile": evaluation_dockerfile(builder), "Dockerfile.dockerignore": render_plain_dockerignore()}
    path = files.build_directory(generated) / "Dockerfile"
    argv = evaluate_project(
        builder,
        session.endpoint,
        secrets=given,
        dockerfile=str(path),
        directory=os.fspath(directory),
        context=build_context(session.root),
    )
    run(session, argv, path, given, read)
    if session.dry_run:
        return read, ()
    # A cookie or a login in a URL may be among them: they are not left lying about.
    said = files.take_text(directory / FACTS_FILE)
    if said is None:
        raise EngineError(
            f"{session.endpoint} built the facts of mix.exs and did not give them back",
            hint="docker buildx build --output type=local should write into this machine's directory",
        )
    project, differences = fill_in(read, read_evaluated(said, read))
    return with_path_deps(session.tree(), project, BuildEnvironment.of(config)), differences
