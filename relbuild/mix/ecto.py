"""The applications that have a database of their own, through Ecto."""

from __future__ import annotations

from relbuild.mix import configuration, uses
from relbuild.mix.facts import Known, Tree, Unknown
from relbuild.mix.project import Project
from relbuild.mix.terms import List
from relbuild.mix.uses import Use
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Databases:
    """An application with Ecto repositories: its project, its modules with `use Ecto.Repo`, and whether its
    configuration names its repositories under `ecto_repos`, which is where Ecto's own tasks look."""

    part: Project
    app: str
    repos: tuple[Use, ...]
    configured: bool


def find(tree: Tree, project: Project) -> tuple[Databases, ...]:
    """Return the applications that have repositories and can migrate them, which takes ecto_sql."""
    found = []
    for part in (project, *project.apps):
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
            found.append(Databases(part, app, repos, configured))
    return tuple(found)


def _migrates(tree: Tree, part: Project) -> bool:
    """Say whether the application has ecto_sql, by itself or through what it depends on."""
    if any(dependency.app == "ecto_sql" for dependency in part.deps):
        return True
    lockfile = part.lockfile.value if isinstance(part.lockfile, Known) else "mix.lock"
    return b'"ecto_sql":' in (tree.read(lockfile) or b"") if not lockfile.startswith(("..", "/")) else False
