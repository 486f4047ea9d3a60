"""relbuild init: write the files that a project lacks, after showing the diff; it overwrites no file unasked."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from relbuild.commands.session import Session
from relbuild.engine import checkout, files, installed
from relbuild.engine.checkout import location
from relbuild.init.files import InitOptions, Scaffold, make

__all__ = ["InitOptions", "Initialised", "init"]


@dataclass(frozen=True, slots=True)
class Initialised:
    """The files that were written and those left unchanged; `diff` is what would be written, where nothing was."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    diff: str
    shown: bool
    """Whether the user has seen the diff already."""
    exit_code: int = 0

    def text(self) -> str:
        if not self.written and not self.shown:
            return self.diff.removesuffix("\n")
        lines = [f"wrote {path}" for path in self.written]
        return "\n".join([*lines, *(f"unchanged {path}" for path in self.unchanged)])

    def data(self) -> dict[str, Any]:
        return {"written": list(self.written), "unchanged": list(self.unchanged), "diff": self.diff}


def init(
    session: Session,
    options: InitOptions,
    *,
    yes: bool,
    show: Callable[[str], None],
    confirm: Callable[[str], bool] | None,
) -> Initialised:
    """Write what the project lacks, after the diff was shown and confirmed.

    Without a terminal to confirm on (None), and without `yes`, nothing is written: the diff is the result.
    """
    scaffold = _scaffold(session, options)
    for note in scaffold.notes:
        session.warn(note)
    changes = {change.path: change for change in scaffold.changes}
    if not changes:
        return Initialised((), scaffold.unchanged, "", shown=True)
    if session.dry_run or (not yes and confirm is None):
        session.warn(f"no file written: relbuild init --yes writes {_count(scaffold)}")
        return Initialised((), scaffold.unchanged, scaffold.diff, shown=False)
    show(scaffold.diff)
    if not yes and confirm is not None and not confirm(f"Write {_count(scaffold)}?"):
        session.note("no file written")
        return Initialised((), scaffold.unchanged, scaffold.diff, shown=True)
    files.write_all(session.root, {path: (change.before, change.after) for path, change in changes.items()})
    return Initialised(tuple(changes), scaffold.unchanged, scaffold.diff, shown=True)


def _scaffold(session: Session, options: InitOptions) -> Scaffold:
    if session.config_file is not None:
        config = os.path.relpath(session.config_file.resolve(), session.root.resolve())
        options = replace(options, config=config)
    if options.ci is not None:
        branch = checkout.default_branch(session.root) or options.branch
        options = replace(options, requirement=installed.requirement(), branch=branch)
    return make(session.tree(), session.config(), options, location(session.root))


def _count(scaffold: Scaffold) -> str:
    new = sum(change.before is None for change in scaffold.changes)
    changed = len(scaffold.changes) - new
    words = [f"{new} new file{'s' * (new != 1)}" * bool(new), f"{changed} changed" * bool(changed)]
    return " and ".join(word for word in words if word)
