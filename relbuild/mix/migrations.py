"""How a release migrates its databases: the applications with Ecto repositories, and the functions that migrate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from tree_sitter import Node

from relbuild.elixir.modules import Module, aliases, callable_with
from relbuild.elixir.syntax import Source, arguments, operands, parts, walk
from relbuild.elixir.values import Atom, List, Term
from relbuild.errors import Mark
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix import elixir_files
from relbuild.mix.elixir_files import ModuleUse, modules_with
from relbuild.mix.project import Project


@dataclass(frozen=True, slots=True)
class Databases:
    """An application with Ecto repositories: its project, its modules with `use Ecto.Repo`, and whether its
    configuration names its repositories under `ecto_repos`, which is where Ecto's own tasks look.

    `beside` are those of its modules that `ecto_repos` doesn't name: adapters to choose from, replicas."""

    part: Project
    app: str
    repos: tuple[ModuleUse, ...]
    configured: bool
    beside: tuple[ModuleUse, ...] = ()


def find_databases(tree: Tree, project: Project, parts: tuple[Project, ...]) -> tuple[Databases, ...]:
    """Return those of the project's applications that have repositories and ecto_sql, which migrates them."""
    found = []
    for part in parts:
        if not isinstance(part.app, Known) or not _has_ecto_sql(tree, part):
            continue
        app = part.app.value
        repos = elixir_files.find_uses(tree, part, "Ecto.Repo")
        set_to = elixir_files.find_setting(tree, project, app, "ecto_repos")
        # A value that can't be read is one all the same.
        configured = isinstance(set_to, Unknown) or (
            set_to is not None and isinstance(set_to.value, List) and bool(set_to.value.items)
        )
        if repos or configured:
            named = _named_modules(set_to)
            own = tuple(repo for repo in repos if not named or repo.module in named)
            beside = tuple(repo for repo in repos if repo not in own)
            found.append(Databases(part, app, own, configured, beside))
    return tuple(found)


def _named_modules(term: Term | None) -> frozenset[str]:
    """Return the modules that a list names; none where not all of it is known."""
    items = term.value.items if isinstance(term, Known) and isinstance(term.value, List) else ()
    names = [each.value.module if isinstance(each, Known) and isinstance(each.value, Atom) else None for each in items]
    return frozenset(name for name in names if name is not None) if None not in names else frozenset()


def _has_ecto_sql(tree: Tree, part: Project) -> bool:
    """Return whether the application has ecto_sql, by itself or through what it depends on."""
    if any(dependency.app == "ecto_sql" for dependency in part.deps):
        return True
    lockfile = part.lockfile.value if isinstance(part.lockfile, Known) else "mix.lock"
    return b'"ecto_sql":' in (tree.read(lockfile) or b"") if not lockfile.startswith(("..", "/")) else False


VERSION = "VERSION"
"""The placeholder in a rollback call for the version to go back to, a number."""
# The placeholder in a rollback call for the only repository of an application.
_REPO = re.compile(r"REPO\[(?P<app>\w+)\]")
OVERLAY = "bin/migrate"
"""Where `mix phx.gen.release` puts its migrate command, below each directory of overlays."""

_MIGRATE = "migrate"
_NAMES = ("Release", "ReleaseTasks")
# Names of functions that print the pending migrations.
_PENDING = ("pending", "pending_migrations", "status", "migration_status", "migrations_status")
# https://hexdocs.pm/ecto_sql/Ecto.Migrator.html: with_repo/3 starts a repository for any work, run/3 migrates.
_MIGRATOR, _RUN = "Ecto.Migrator", "run"


@dataclass(frozen=True, slots=True)
class Migrate:
    """An expression that migrates, such as `Shop.Release.migrate()`, and where the function is defined.

    `rollback` reverts the migrations down to the version put for VERSION; `pending` prints those that aren't applied.
    Each is None where the module has no function that is known to do so. `app` is the application whose repositories it
    migrates, None where that isn't known.
    """

    expression: str
    at: Mark
    rollback: str | None = None
    pending: str | None = None
    app: str | None = None


@dataclass(frozen=True, slots=True)
class Migrations:
    """How a release is migrated.

    `found` are the functions with the best names, in the order of the files. `unsure` are functions that migrate and,
    by their names, may do more than that, or only a part of it; there are none where `found` has any. `at_start` is
    where a supervision tree has Ecto.Migrator, which migrates when the application starts.
    """

    found: tuple[Migrate, ...] = ()
    unsure: tuple[Migrate, ...] = ()
    at_start: Mark | None = None


class _Rank(IntEnum):
    """How well the names of a function and its module tell that it migrates a release."""

    NAMED = 0
    """`migrate` of a module that is named as Phoenix and Distillery name it; its body doesn't matter."""
    RELEASE = 1
    """`migrate` of another module for releases, which calls the migrator."""
    MIGRATE = 2
    """`migrate` of any module, which calls the migrator."""
    OTHER = 3
    """Another name, with "migrat" in it or in its module's."""
    UNSURE = 4


def find_migrations(tree: Tree, project: Project, apps: tuple[Project, ...]) -> Migrations:
    """Return how the release is migrated that has these applications of an umbrella; () for any other project.

    Of several functions with equally good names, those count whose application has Ecto repositories.
    """
    compiled = apps if project.umbrella else (project,)
    released = {part.app.value for part in compiled if isinstance(part.app, Known)}
    all_apps = {part.app.value for part in (project, *project.apps) if isinstance(part.app, Known)}
    ranked: dict[_Rank, list[Migrate]] = {}
    at_start = None
    for source, module in modules_with(tree, compiled, (b"migrate", b"Release"), (b"Ecto", b"Migrator")):
        at_start = at_start or _supervised(source, module)
        functions = tuple(_functions(source, module)) if _is_named_in_full(module) else ()
        if not functions:
            continue
        own = _application_of(compiled, source.file)
        named = {each for each in _atoms(source, module) if each in all_apps}
        if named and named.isdisjoint(released):
            continue
        app = next(iter(named)) if len(named) == 1 else own
        for rank, function, node in functions:
            expression = f"{module.name}.{function}()"
            migrate = Migrate(expression, source.mark(node), _rollback(module, app), _pending(module), app)
            ranked.setdefault(rank, []).append(migrate)
    best = min(ranked, default=_Rank.UNSURE)
    candidates = tuple(ranked.get(best, ()))
    if len(candidates) > 1:
        databases = {each.app for each in find_databases(tree, project, compiled)}
        candidates = tuple(each for each in candidates if each.app in databases) or candidates
    if best < _Rank.OTHER or (best == _Rank.OTHER and len(candidates) == 1):
        return Migrations(candidates, (), at_start)
    return Migrations((), candidates, at_start)


def overlay(tree: Tree, project: Project) -> str | None:
    """Return the path of the release's own migrate command in the release; None when it has none.

    An overlay is copied into the release as it is: https://hexdocs.pm/mix/Mix.Tasks.Release.html#module-overlays
    """
    directories = ["rel/overlays"]
    for release in project.releases:
        if isinstance(release.overlays, Known):
            directories.extend(release.overlays.value)
    return OVERLAY if any(tree.read(f"{directory}/{OVERLAY}") is not None for directory in directories) else None


def ecto_applications(project: Project, apps: tuple[Project, ...]) -> tuple[str, ...]:
    """Return the applications whose repositories Ecto migrates; () where none of them depends on ecto_sql."""
    compiled = apps if project.umbrella else (project,)
    if not any(dep.app == "ecto_sql" and dep.in_release() for part in compiled for dep in part.deps):
        return ()
    return tuple(part.app.value for part in compiled if isinstance(part.app, Known))


def pending_expression(applications: Iterable[str]) -> str:
    """Return an expression that prints the pending migrations of the applications' repositories.

    https://hexdocs.pm/ecto_sql/Ecto.Migrator.html: with_repo/2, migrations/1.
    """
    names = ", ".join(f":{each}" for each in applications)
    return (
        f"Application.ensure_all_started(:ssl); for app <- [{names}], Application.load(app), "
        "repo <- Application.get_env(app, :ecto_repos, []), do: {:ok, _, _} = Ecto.Migrator.with_repo(repo, "
        "fn repo -> for {:down, version, name} <- Ecto.Migrator.migrations(repo), "
        'do: IO.puts("pending #{version} #{name}") end)'
    )


def rollback_expression(call: str, version: str) -> str:
    """Return the expression of a rollback call with the version, and the only repository of its application."""
    call = call.replace(VERSION, version)
    found = _REPO.search(call)
    if found is None:
        return call
    app, function = found["app"], call.partition("(")[0]
    return (
        f"Application.load(:{app}); case Application.fetch_env!(:{app}, :ecto_repos) do "
        f"[repo] -> {call.replace(found[0], 'repo')}; "
        f'repos -> raise "which of #{{inspect(repos)}}? {function}/2 takes one of them" end'
    )


def _functions(source: Source, module: Module) -> Iterator[tuple[_Rank, str, Node]]:
    """Yield the functions of a module that migrate; only `migrate` where one has this name."""
    *outer, last = module.name.split(".")
    named = callable_with(module, _MIGRATE, 0) if last in _NAMES else None
    if named is not None:
        yield _Rank.NAMED, _MIGRATE, named
        return
    running = _running(source, module)
    for function, node in running.items():
        if function == _MIGRATE:
            rank = _Rank.RELEASE if any(name in _NAMES for name in (*outer, last)) else _Rank.MIGRATE
        else:
            tells = len(running) == 1 and "migrat" in f"{last}.{function}".lower()
            rank = _Rank.OTHER if tells else _Rank.UNSURE
        yield rank, function, node


def _running(source: Source, module: Module) -> dict[str, Node]:
    """Return the public functions without required arguments that call the migrator, also through their module.

    Only `migrate` where it is one of them. A function that calls another of them is left out: it does more, such as
    stopping the VM afterwards.
    """
    if b"Migrator" not in source.content or b"Ecto" not in source.content:
        return {}
    short = aliases(source, [])
    runs = {each.name for each in module.clauses if any(_migrates(source, node, short) for node in walk(each.node))}
    if not runs:
        return {}
    reached = _reached(source, module)
    found = {
        clause.name: clause.node
        for clause in reversed(module.clauses)
        if clause.public and 0 in clause.arities and reached[clause.name] & runs
    }
    if _MIGRATE in found:
        return {_MIGRATE: found[_MIGRATE]}
    return {name: node for name, node in reversed(found.items()) if reached[name] & set(found) == {name}}


def _reached(source: Source, module: Module) -> dict[str, set[str]]:
    """Return for each function the functions of its module that it may call, itself included.

    A variable with the name of a function counts as a call.
    """
    found: dict[str, set[str]] = {clause.name: {clause.name} for clause in module.clauses}
    for clause in module.clauses:
        found[clause.name].update(source.text(node) for node in walk(clause.node) if _is_local(source, node))
    direct = {name: called & set(found) for name, called in found.items()}
    for _ in direct:
        direct = {name: set[str]().union(*(direct[each] for each in called)) for name, called in direct.items()}
    return direct


def _is_local(source: Source, node: Node) -> bool:
    """Return whether a name may be a function of the same module."""
    if node.type != "identifier":
        return False
    above = node.parent
    if above is None or above.type != "dot":
        return True
    # `fun.()` has nothing on the right.
    left, right = above.child_by_field_name("left"), above.child_by_field_name("right")
    return right is None or node.id != right.id or (left is not None and source.text(left) == "__MODULE__")


def _migrates(source: Source, node: Node, short: dict[str, str | None]) -> bool:
    """Return whether a node calls the migrator, other than to roll back."""
    target = node.child_by_field_name("target") if node.type == "call" else None
    if target is None or target.type != "dot" or target.child_by_field_name("right") is None:
        return False
    left, right = (source.text(each) for each in operands(target))
    downwards = any(source.text(each) == ":down" for each in arguments(node))
    return short.get(left, left) == _MIGRATOR and right == _RUN and not downwards


def _supervised(source: Source, module: Module) -> Mark | None:
    """Return where the module has the child specification `{Ecto.Migrator, options}`; None when it has none."""
    if not re.search(rb"Ecto\.(Migrator|\{)", source.content):
        return None
    short: dict[str, str | None] | None = None
    for node in walk(module.node):
        items = parts(node) if node.type == "tuple" else []
        if len(items) == 2 and items[0].type == "alias":
            short = aliases(source, []) if short is None else short
            written = source.text(items[0])
            if short.get(written, written) == _MIGRATOR:
                return source.mark(node)
    return None


def _rollback(module: Module, app: str | None) -> str | None:
    """Return the call that rolls back to a version.

    `rollback(version)`, or Phoenix's `rollback(repo, version)` with the application's only repository. Only the name of
    a parameter tells a version from a number of steps, which would roll back everything.
    """
    if _takes(module, "rollback", "version"):
        return f"{module.name}.rollback({VERSION})"
    if app is None or not _takes(module, "rollback", "repo", "version"):
        return None
    return f"{module.name}.rollback(REPO[{app}], {VERSION})"


def _pending(module: Module) -> str | None:
    names = [name for name in _PENDING if callable_with(module, name, 0) is not None]
    return f"{module.name}.{names[0]}()" if names else None


def _application_of(compiled: tuple[Project, ...], path: str) -> str | None:
    """Return the application that a file belongs to."""
    inside = [part for part in compiled if not part.path or path.startswith(f"{part.path}/")]
    app = max(inside, key=lambda part: len(part.path)).app if inside else None
    return app.value if isinstance(app, Known) else None


def _atoms(source: Source, module: Module) -> Iterator[str]:
    """Yield the names of the atoms in a module."""
    yield from (source.text(node)[1:] for node in walk(module.node) if node.type == "atom")


def _takes(module: Module, function: str, *names: str) -> bool:
    """Return whether the module has a public function with parameters of these names in one of its clauses."""
    return any(
        clause.public and clause.name == function and tuple(map(_parameter, clause.parameters)) == names
        for clause in module.clauses
    )


def _parameter(node: Node) -> str | None:
    """Return a parameter's name; None for a pattern."""
    return node.text.decode() if node.type == "identifier" and node.text else None


def _is_named_in_full(module: Module) -> bool:
    """Return whether the name can be used as it is written: not `__MODULE__` or a computed name."""
    return all(part.isidentifier() and part[0].isupper() for part in module.name.split("."))
