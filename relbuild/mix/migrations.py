"""The functions that migrate the database: a public `migrate` in a module named Release or ReleaseTasks in lib/.

Beside it stands what takes migrations back, and what lists those that are pending.
"""

from __future__ import annotations

from tree_sitter import Node

from relbuild.errors import Mark
from relbuild.mix.elixir_files import modules_with
from relbuild.mix.facts import Known, Tree
from relbuild.mix.modules import Module, callable_with
from relbuild.mix.project import Project
from relbuild.values import dataclass

# Stands in a rollback expression for the version to go back to, a number.
VERSION = "VERSION"
# Where `mix phx.gen.release` puts its own command, below each directory of overlays.
OVERLAY = "bin/migrate"

_NAMES = ("Release", "ReleaseTasks")
# What functions are called that print which migrations are pending.
_PENDING = ("pending", "pending_migrations", "status", "migration_status", "migrations_status")


@dataclass(frozen=True, slots=True)
class Migrate:
    """An expression that migrates, such as `Shop.Release.migrate()`, and where the function is defined.

    `rollback` takes back the migrations down to the one with the number that is put for VERSION; `pending` prints those
    that have not been applied. Each is None where the module has no function that is known to do so.
    """

    expression: str
    at: Mark
    rollback: str | None = None
    pending: str | None = None


def find(tree: Tree, project: Project) -> tuple[Migrate, ...]:
    """Return every expression that migrates, in the order of the files; () when there is none."""
    found: list[Migrate] = []
    for source, module in modules_with(tree, (project, *project.apps), (b"migrate", b"Release")):
        if module.name.rpartition(".")[2] not in _NAMES or not _named_in_full(module):
            continue
        definition = callable_with(module, "migrate", 0)
        if definition is not None:
            at = source.mark(definition)
            rollback = _rollback(module, _application(project, at.file))
            found.append(Migrate(f"{module.name}.migrate()", at, rollback, _pending(module)))
    return tuple(found)


def overlay(tree: Tree, project: Project) -> str | None:
    """Return where the release's own migrate command lies, from the release's root; None when there is none.

    An overlay is copied into the release as it is: https://hexdocs.pm/mix/Mix.Tasks.Release.html#module-overlays
    """
    directories = ["rel/overlays"]
    for release in project.releases:
        if isinstance(release.overlays, Known):
            directories.extend(release.overlays.value)
    return OVERLAY if any(tree.read(f"{directory}/{OVERLAY}") is not None for directory in directories) else None


def ecto_pending(project: Project) -> str | None:
    """Return an expression that prints Ecto's pending migrations, for projects with ecto_sql; else None.

    https://hexdocs.pm/ecto_sql/Ecto.Migrator.html: with_repo/2, migrations/1.
    """
    parts = (project, *project.apps)
    if not any(dep.app == "ecto_sql" and dep.in_release() for part in parts for dep in part.deps):
        return None
    apps = ", ".join(f":{part.app.value}" for part in parts if isinstance(part.app, Known))
    return (
        f"Application.ensure_all_started(:ssl); for app <- [{apps}], Application.load(app), "
        "repo <- Application.get_env(app, :ecto_repos, []), do: {:ok, _, _} = Ecto.Migrator.with_repo(repo, "
        "fn repo -> for {:down, version, name} <- Ecto.Migrator.migrations(repo), "
        'do: IO.puts("pending #{version} #{name}") end)'
    )


def _rollback(module: Module, app: str | None) -> str | None:
    """Return the expression that takes migrations back to a version.

    `rollback(version)`, or Phoenix's `rollback(repo, version)` with the application's only repo. By a parameter's name
    alone a version is told from a number of steps, which would take back everything.
    """
    if _takes(module, "rollback", "version"):
        return f"{module.name}.rollback({VERSION})"
    if app is None or not _takes(module, "rollback", "repo", "version"):
        return None
    return (
        f"Application.load(:{app}); case Application.fetch_env!(:{app}, :ecto_repos) do "
        f"[repo] -> {module.name}.rollback(repo, {VERSION}); "
        f'repos -> raise "which of #{{inspect(repos)}}? {module.name}.rollback/2 takes one of them" end'
    )


def _pending(module: Module) -> str | None:
    names = [name for name in _PENDING if callable_with(module, name, 0) is not None]
    return f"{module.name}.{names[0]}()" if names else None


def _application(project: Project, path: str) -> str | None:
    """Return the application of the project, or of the umbrella's part, that a file belongs to."""
    inside = [part for part in (project, *project.apps) if not part.path or path.startswith(f"{part.path}/")]
    app = max(inside, key=lambda part: len(part.path)).app if inside else None
    return app.value if isinstance(app, Known) else None


def _takes(module: Module, function: str, *names: str) -> bool:
    """Say whether the module has a public function whose parameters are called so in one of its clauses."""
    return any(
        clause.public and clause.name == function and tuple(map(_parameter, clause.parameters)) == names
        for clause in module.clauses
    )


def _parameter(node: Node) -> str | None:
    """Return a parameter's name; None for a pattern."""
    return node.text.decode() if node.type == "identifier" and node.text else None


def _named_in_full(module: Module) -> bool:
    """Say whether the name can be typed as it is: `__MODULE__` and computed names can't."""
    return all(part.isidentifier() and part[0].isupper() for part in module.name.split("."))
