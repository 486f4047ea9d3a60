"""The applications that have a database of their own, through Ecto."""

from __future__ import annotations

from dataclasses import dataclass

from relbuild.elixir.values import Atom, List, Term
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix import configuration, uses
from relbuild.mix.project import Project
from relbuild.mix.uses import Use


@dataclass(frozen=True, slots=True)
class Databases:
    """An application with Ecto repositories: its project, its modules with `use Ecto.Repo`, and whether its
    configuration names its repositories under `ecto_repos`, which is where Ecto's own tasks look.

    `beside` are those of its modules that `ecto_repos` doesn't name: adapters to choose from, replicas."""

    part: Project
    app: str
    repos: tuple[Use, ...]
    configured: bool
    beside: tuple[Use, ...] = ()


def find(tree: Tree, project: Project, parts: tuple[Project, ...]) -> tuple[Databases, ...]:
    """Return those of the project's applications that have repositories and ecto_sql, which migrates them."""
    found = []
    for part in parts:
        if not isinstance(part.app, Known) or not _migrates(tree, part):
            continue
        app = part.app.value
        repos = uses.find(tree, part, "Ecto.Repo")
        set_to = configuration.find(tree, project, app, "ecto_repos")
        # A value that can't be read is one all the same.
        configured = isinstance(set_to, Unknown) or (
            set_to is not None and isinstance(set_to.value, List) and bool(set_to.value.items)
        )
        if repos or configured:
            named = _modules(set_to)
            own = tuple(repo for repo in repos if not named or repo.module in named)
            beside = tuple(repo for repo in repos if repo not in own)
            found.append(Databases(part, app, own, configured, beside))
    return tuple(found)


def _modules(term: Term | None) -> frozenset[str]:
    """Return the modules that a list names; none where not all of it is known."""
    items = term.value.items if isinstance(term, Known) and isinstance(term.value, List) else ()
    names = [each.value.module if isinstance(each, Known) and isinstance(each.value, Atom) else None for each in items]
    return frozenset(name for name in names if name is not None) if None not in names else frozenset()


def _migrates(tree: Tree, part: Project) -> bool:
    """Say whether the application has ecto_sql, by itself or through what it depends on."""
    if any(dependency.app == "ecto_sql" for dependency in part.deps):
        return True
    lockfile = part.lockfile.value if isinstance(part.lockfile, Known) else "mix.lock"
    return b'"ecto_sql":' in (tree.read(lockfile) or b"") if not lockfile.startswith(("..", "/")) else False
