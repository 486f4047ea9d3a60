"""What a conversion has come to so far: files as they will be, and what a person has to look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from relbuild.errors import Mark, Problem, ProjectError
from relbuild.mix.facts import Tree
from relbuild.scaffold.change import Change, text
from relbuild.values import dataclass


@dataclass(slots=True)
class Outcome:
    """The files that change, None for one that goes, and what is left to look at."""

    tree: Tree
    files: dict[str, str | None] = field(default_factory=dict)
    look: list[Problem] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)
    """The files that hold a secret, and are not shown."""

    def read(self, path: str) -> str | None:
        """Return a file's text, None when it isn't there or outside of the project; note one that is no text."""
        if path.startswith(("/", "..")):
            return None
        try:
            return text(self.tree, path)
        except ProjectError as error:
            self.look += error.problems
            return None

    def add(self, path: str, content: str, lack: str) -> None:
        """Write a file that isn't there yet; where it is, note what it lacks."""
        before = self.read(path)
        if before is None or before == content:
            self.files[path] = content
            return
        message = f"{path} is there already, and stays as it is"
        self.look.append(Problem(message, Mark(path, 1), f"{lack}:\n{content.rstrip()}"))

    def remove(self, path: str) -> None:
        """Let a file go."""
        self.files[path] = None

    def notes(self, found: Iterable[Problem]) -> None:
        """Add what has to be looked at."""
        self.look += found

    def changes(self) -> tuple[Change, ...]:
        """Return what differs from the project as it is, what goes at the end."""
        made = [Change(path, text(self.tree, path), after, path in self.secrets) for path, after in self.files.items()]
        differing = [change for change in made if change.before != change.after]
        return tuple(sorted(differing, key=lambda change: (change.after is None, change.path)))
