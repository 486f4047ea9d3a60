"""What a conversion has come to so far: files as they will be, and what a person has to look at."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field

from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Tree
from relbuild.init.change import Change, text


def outside(path: str) -> bool:
    """Return whether a path leads out of the project, where nothing is read, written or removed."""
    return posixpath.normpath(path).startswith(("/", "../")) or posixpath.normpath(path) == ".."


def _says(before: str, content: str) -> bool:
    """Return whether a text has the lines of another one together, comments and empty lines aside."""
    there, wanted = ("".join(f"{line}\n" for line in _lines(each)) for each in (before, content))
    return f"\n{wanted}" in f"\n{there}"


def _lines(text: str) -> list[str]:
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


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
        if outside(path):
            return None
        try:
            return text(self.tree, path)
        except ProjectError as error:
            self.look += _placed(path, error)
            return None

    def absent(self, path: str) -> bool:
        """Return whether there is nothing at a path; note a directory, as what can't be read else is by `read`."""
        if outside(path):
            return True
        try:
            if self.tree.read(path) is not None:
                return False
            if not self.tree.list(path):
                return True
        except ProjectError:
            return False
        self.look.append(Problem("a directory, where a file should be", Mark(path, 1), "name a file in it"))
        return False

    def add(self, path: str, content: str, lack: str) -> None:
        """Write a file that isn't there yet; where it is, or outside of the project, note what it lacks."""
        if outside(path):
            self.look.append(Problem(f"{path} is outside of the project", None, f"write there:\n{content.rstrip()}"))
            return
        before = self.read(path)
        if before is None or before == content:
            self.files[path] = content
            return
        if _says(before, content):
            return
        message = f"{path} is there already, and stays as it is"
        self.look.append(Problem(message, Mark(path, 1), f"{lack}:\n{content.rstrip()}"))

    def keep(self) -> None:
        """Let no file go: each that was to go stays as it is."""
        self.files = {path: content for path, content in self.files.items() if content is not None}

    def remove(self, path: str) -> None:
        """Let a file go; note one outside of the project, which stays."""
        if outside(path):
            message = f"{path} is outside of the project, and stays"
            self.look.append(Problem(message, None, "remove it where nothing else needs it"))
        else:
            self.files[path] = None

    def notes(self, found: Iterable[Problem]) -> None:
        """Add what has to be looked at."""
        self.look += found

    def changes(self) -> tuple[Change, ...]:
        """Return what differs from the project as it is, what goes at the end."""
        inside = {path: after for path, after in self.files.items() if not outside(path)}
        made = [Change(path, text(self.tree, path), after, path in self.secrets) for path, after in inside.items()]
        differing = [change for change in made if change.before != change.after]
        return tuple(sorted(differing, key=lambda change: (change.after is None, change.path)))


def _placed(path: str, error: ProjectError) -> list[Problem]:
    """Return an error's problems, without the path that their place says, and with the line of what is no text."""
    cause = error.__cause__
    found = []
    for each in error.problems:
        at = each.at
        if isinstance(cause, UnicodeDecodeError):
            at = Mark(path, cause.object.count(b"\n", 0, cause.start) + 1)
        message = each.message.removeprefix(f"{path}: ") if at is not None else each.message
        found.append(Problem(message, at, each.hint))
    return found
