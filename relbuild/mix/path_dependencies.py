"""The dependencies of a project that are directories of their own, in it or beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from relbuild.mix.dependencies import Dependency

if TYPE_CHECKING:
    from relbuild.mix.project import Project


def find(root: Project, read: Callable[[str], Project | None]) -> Iterator[tuple[Dependency, Project | None]]:
    """Yield the path dependencies of the project and its applications, then theirs: each directory once.

    ``read`` gives the project in a directory, None where there is none.
    """
    own = {project.path for project in (root, *root.apps)}
    seen = set(own)
    pending = deque((project, dep) for project in (root, *root.apps) for dep in project.deps)
    while pending:
        project, dep = pending.popleft()
        # An optional one is only there when the project itself asks for it.
        passed_over = dep.in_release() is False or (dep.optional is True and project.path not in own)
        if dep.path is None or dep.path in seen or passed_over:
            continue
        seen.add(dep.path)
        found = None if dep.path.startswith("/") else read(dep.path)
        yield dep, found
        for part in (found, *found.apps) if found is not None else ():
            pending += [(part, each) for each in part.deps]
