"""The Elixir files that a release needs and a project may lack: its Release module and its configuration at boot."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from relbuild import templates
from relbuild.elixir.versions import Version
from relbuild.facts import Known, Tree
from relbuild.mix import elixir_files
from relbuild.mix.elixir_files import ModuleUse, modules_with
from relbuild.mix.migrations import Databases, find_migrations
from relbuild.mix.project import Project, Release

# The first Elixir that has config/runtime.exs and config_env/0; before, a release reads config/releases.exs.
_RUNTIME_CONFIG = Version(1, 11, 0)
# The first that has Application.ensure_loaded/1.
_ENSURE_LOADED = Version(1, 10, 0)

# Ecto's adapters for a database that is a file.
_FILE_ADAPTERS = ("Ecto.Adapters.SQLite3", "Ecto.Adapters.Exqlite")


@dataclass(frozen=True, slots=True)
class ElixirFile:
    """A file that the project lacks, and what to say when it is written; or why it gets none."""

    path: str
    content: str | None
    note: str | None = None


def release_modules(
    tree: Tree,
    project: Project,
    apps: tuple[Project, ...],
    databases: tuple[Databases, ...],
    release: str,
    elixir: Version | None,
) -> list[ElixirFile]:
    """Return a Release module for each application with repositories; none where the project migrates in its own way.

    A file that exists at the path of such a module counts as the module that init writes: it is in the list.
    """
    migrations = find_migrations(tree, project, apps)
    own = {each.at.file for each in migrations.found}
    written = {_path(each): each for each in databases}
    if own - set(written) or (migrations.at_start is not None and not own):
        return []
    if migrations.unsure:
        functions = " and ".join(f"{each.expression} ({each.at.brief})" for each in migrations.unsure)
        reason = f"{functions} may migrate already: set `migrate:` in relbuild.yml"
        return [ElixirFile(path, None, f"init doesn't write {path}: {reason}") for path in written]
    return [_release_module(tree, path, each, release, elixir) for path, each in written.items()]


def migrate_expressions(tree: Tree, project: Project, apps: tuple[Project, ...], paths: list[str]) -> list[str]:
    """Return the expressions that migrate with the modules in these files."""
    return [each.expression for each in find_migrations(tree, project, apps).found if each.at.file in paths]


def _release_module(tree: Tree, path: str, database: Databases, release: str, elixir: Version | None) -> ElixirFile:
    module = f"{_namespace(database.part, database.app)}.Release"
    for source, defined in modules_with(tree, (database.part,), (b"defmodule", b"Release")):
        if defined.name == module and source.file != path:
            at = source.mark(defined.node)
            note = f"init doesn't write {path}: {at.brief} defines {module}, without a migrate/0"
            return ElixirFile(path, None, note)
    repos = [each.module for each in database.repos]
    content = templates.render(
        "init/release.ex.j2",
        module=module,
        app=database.app,
        release=release,
        repos=repos,
        configured=database.configured,
        ensures=elixir is None or elixir >= _ENSURE_LOADED,
    )
    return ElixirFile(path, content)


def _path(database: Databases) -> str:
    return posixpath.join(database.part.path, "lib", database.app, "release.ex")


def _namespace(part: Project, app: str) -> str:
    """Return the module that an application's modules are named after."""
    root, _, last = part.mod.value.rpartition(".") if isinstance(part.mod, Known) else ("", "", "")
    return root if root and last == "Application" else "".join(word.capitalize() for word in app.split("_"))


def runtime_config(
    tree: Tree, project: Project, release: Release, databases: tuple[Databases, ...], elixir: Version | None
) -> ElixirFile | None:
    """Return config/runtime.exs, or what an older Elixir has in its place.

    None for a release that reads its configuration from another file.
    """
    if release.runtime_config_path is not None or not isinstance(project.config_path, Known):
        return None
    directory = posixpath.dirname(project.config_path.value)
    older = releases_only(elixir)
    if not older and tree.read(posixpath.join(directory, "releases.exs")) is not None:
        # A release has one such file (Mix.Release), and the project has decided which.
        return None
    endpoints = [
        (each, part.app.value)
        for part in (project, *project.apps)
        if isinstance(part.app, Known)
        for each in elixir_files.find_uses(tree, part, "Phoenix.Endpoint")
    ]
    repos = [(each, database.app) for database in databases for each in database.repos]
    content = templates.render(
        "init/runtime.exs.j2",
        app=release.name,
        repos=[_repo(each, app, len(repos)) for each, app in repos],
        endpoints=[_endpoint(each, app, number) for number, (each, app) in enumerate(endpoints)],
        releases_only=older,
    )
    path = posixpath.join(directory, "releases.exs" if older else "runtime.exs")
    beside = ", ".join(f"{each.module} ({each.at.brief})" for database in databases for each in database.beside)
    note = f"{path} doesn't configure {beside}, which ecto_repos doesn't name" if beside else None
    return ElixirFile(path, content, note)


def releases_only(elixir: Version | None) -> bool:
    """Return whether an Elixir reads config/releases.exs and knows no config/runtime.exs."""
    return elixir is not None and elixir < _RUNTIME_CONFIG


def _repo(use: ModuleUse, app: str, count: int) -> dict[str, object]:
    is_file = use.option("adapter") in _FILE_ADAPTERS
    variable = "DATABASE_PATH" if is_file else "DATABASE_URL"
    if count > 1:
        variable = f"{use.module.replace('.', '_').upper()}_{variable}"
    return {"app": use.option("otp_app") or app, "module": use.module, "file": is_file, "variable": variable}


def _endpoint(use: ModuleUse, app: str, number: int) -> dict[str, object]:
    """Return what an endpoint is configured with; each has a port of its own, from 4000 on, as Phoenix begins."""
    variable = "PORT" if number == 0 else f"{use.module.replace('.', '_').upper()}_PORT"
    port = 4000 + number
    return {"app": use.option("otp_app") or app, "module": use.module, "port_variable": variable, "port": port}
