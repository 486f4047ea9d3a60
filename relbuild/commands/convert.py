"""relbuild convert: a Distillery project becomes one for mix release, shown as a diff or written all at once."""

from __future__ import annotations

from typing import Any

from relbuild.commands.session import Session
from relbuild.convert.conversion import make
from relbuild.engine import changes
from relbuild.errors import Problem
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Converted:
    """What was written and removed; `diff` is what changes, written or not, and `look` what is left to a person."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
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
            "diff": self.diff,
            "look": [_data(each) for each in self.look],
        }


def convert(session: Session, *, write: bool) -> Converted:
    """Return the conversion, written where that is asked for and this is no dry run.

    Raises ProjectError for a project without Distillery, CommandFailed when a file can't be written: then none is.
    """
    conversion = make(session.tree(), session.config())
    for each in conversion.look:
        session.warn(_told(each))
    if session.dry_run or not write:
        count = len(conversion.changes)
        session.warn(
            f"nothing was written: {count} file{'s' * (count != 1)} would change; relbuild convert --write does it"
        )
        return Converted((), (), conversion.diff, conversion.look)
    changes.write_all(session.root, {change.path: (change.before, change.after) for change in conversion.changes})
    written = tuple(change.path for change in conversion.changes if change.after is not None)
    removed = tuple(change.path for change in conversion.changes if change.after is None)
    return Converted(written, removed, conversion.diff, conversion.look)


def _told(problem: Problem) -> str:
    place = f"{problem.at}: " if problem.at is not None else ""
    return "\n  ".join([f"{place}{problem.message}", *(problem.hint or "").splitlines()])


def _data(problem: Problem) -> dict[str, Any]:
    at = problem.at
    return {
        "message": problem.message,
        "file": at.file if at is not None else None,
        "line": at.line if at is not None else None,
        "column": at.column if at is not None else None,
        "hint": problem.hint,
    }
