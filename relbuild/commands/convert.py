"""relbuild convert: a Distillery project becomes one for mix release, shown as a diff or written all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relbuild.commands.session import Session
from relbuild.distillery.conversion import make
from relbuild.engine.checkout import location
from relbuild.engine.files import write_all
from relbuild.errors import Problem
from relbuild.mix import umbrella


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written and removed, and what is left to a person.

    `changes` are the files that change, written or not, each with what becomes of it, and `diff` shows them.
    """

    written: tuple[str, ...]
    removed: tuple[str, ...]
    changes: tuple[tuple[str, str], ...]
    diff: str
    look: tuple[Problem, ...]
    exit_code: int = 0

    def text(self) -> str:
        if not self.written and not self.removed:
            return self.diff.removesuffix("\n")
        return "\n".join([*(f"wrote {path}" for path in self.written), *(f"removed {path}" for path in self.removed)])

    def data(self) -> dict[str, Any]:
        return {
            "written": list(self.written),
            "removed": list(self.removed),
            "changes": [{"path": path, "change": what} for path, what in self.changes],
            "diff": self.diff,
            "look": [_data(each) for each in self.look],
        }


def convert(session: Session, *, write: bool) -> Converted:
    """Return the conversion, written where that is requested and this is no dry run.

    Raises ProjectError for a project without Distillery and for an application of an umbrella, CommandFailed when a
    file can't be written: then none is.
    """
    tree, place = session.tree(), location(session.root)
    umbrella.refuse_to_convert_child(tree, session.project(), place.names, place.here)
    conversion = make(tree, session.config())
    diff = conversion.diff("/".join(place.names) if place.git else "")
    made = tuple((change.path, change.what) for change in conversion.changes)
    for each in conversion.look:
        session.warn(_told(each))
    for note in conversion.notes:
        session.note(note)
    if session.dry_run or not write:
        count = len(conversion.changes)
        files = f"{count} file{'s' * (count > 1)}"
        session.warn(f"no file written: {f'relbuild convert --write changes {files}' if count else 'none differs'}")
        return Converted((), (), made, diff, conversion.look)
    write_all(session.root, {change.path: (change.before, change.after) for change in conversion.changes})
    written = tuple(change.path for change in conversion.changes if change.after is not None)
    removed = tuple(change.path for change in conversion.changes if change.after is None)
    return Converted(written, removed, made, diff, conversion.look)


def _told(problem: Problem) -> str:
    return "\n  ".join([str(problem), *(problem.hint or "").splitlines()])


def _data(problem: Problem) -> dict[str, Any]:
    at = problem.at
    return {
        "message": problem.message,
        "file": at.file if at is not None else None,
        "line": at.line if at is not None else None,
        "column": at.column if at is not None else None,
        "hint": problem.hint,
    }
