"""The functions that migrate the database: by their names, as Phoenix has them, or by what they do.

Beside one stands what takes migrations back, and what lists those that are pending.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from tree_sitter import Node

from relbuild.errors import Mark
from relbuild.mix import migrator
from relbuild.mix.elixir_files import modules_with
from relbuild.mix.facts import Known, Tree
from relbuild.mix.modules import Module, callable_with
from relbuild.mix.project import Project
from relbuild.mix.source import Source
from relbuild.values import dataclass

# Stands in a rollback expression for the version to go back to, a number.
VERSION = "VERSION"
# Where `mix phx.gen.release` puts its own command, below each directory of overlays.
OVERLAY = "bin/migrate"

_MIGRATE = "migrate"
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
    """Return every expression that migrates, of those with the best names, in the order of the files.

    It is () when there is none, and when there are several functions of other names that migrate: see `unsure`.
    """
    best, found = _best(tree, project)
    return found if best < _Rank.OTHER or (best == _Rank.OTHER and len(found) == 1) else ()


def unsure(tree: Tree, project: Project) -> tuple[Migrate, ...]:
    """Return what migrates where `find` gives nothing: by their names they may do more than that, or not all of it."""
    best, found = _best(tree, project)
    return found if best > _Rank.OTHER or (best == _Rank.OTHER and len(found) > 1) else ()


class _Rank(IntEnum):
    """How well the names of a function and its module say that it is what migrates a release."""

    NAMED = 0
    """`migrate` of a module that is named as Phoenix and Distillery do: nobody has to look what it does."""
    RELEASE = 1
    """`migrate` of another module for releases, that does so."""
    MIGRATE = 2
    """`migrate` of any module, that does so."""
    OTHER = 3
    """Another name, with the word in it or in its module's."""
    UNSURE = 4
    NONE = 5


def _best(tree: Tree, project: Project) -> tuple[_Rank, tuple[Migrate, ...]]:
    """Return the best rank there is and what has it."""
    found: dict[_Rank, list[Migrate]] = {}
    for source, module in modules_with(tree, (project, *project.apps), (b"migrate", b"Release"), (b"Migrator",)):
        if _named_in_full(module):
            for rank, function, node in _functions(source, module):
                at = source.mark(node)
                rollback = _rollback(module, _application(project, at.file))
                expression = f"{module.name}.{function}()"
                found.setdefault(rank, []).append(Migrate(expression, at, rollback, _pending(module)))
    best = min(found, default=_Rank.NONE)
    return best, tuple(found.get(best, ()))


def _functions(source: Source, module: Module) -> Iterator[tuple[_Rank, str, Node]]:
    """Yield the functions of a module that migrate; where one is called so, that one alone."""
    *outer, last = module.name.split(".")
    named = callable_with(module, _MIGRATE, 0) if last in _NAMES else None
    if named is not None:
        yield _Rank.NAMED, _MIGRATE, named
        return
    running = migrator.running(source, module, _MIGRATE)
    for function, node in running.items():
        if function == _MIGRATE:
            rank = _Rank.RELEASE if any(name in _NAMES for name in (*outer, last)) else _Rank.MIGRATE
        else:
            says = len(running) == 1 and "migrat" in f"{last}.{function}".lower()
            rank = _Rank.OTHER if says else _Rank.UNSURE
        yield rank, function, node


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
