"""relbuild logs: the log of this project's container, also of one that has ended, or of all that a target runs."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from functools import partial

from relbuild.commands.call import refusal, result, run
from relbuild.commands.places import logged, open_named
from relbuild.commands.session import Session
from relbuild.engine.runner import Handling
from relbuild.release.place import TARGET, Place
from relbuild.result import Ran


@dataclass(frozen=True, slots=True)
class Lines:
    """Which lines: docker's and kubectl's options have the same names."""

    follow: bool = False
    tail: int | None = None
    since: str | None = None
    timestamps: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the client."""
        argv: list[str] = []
        if self.follow:
            argv.append("--follow")
        if self.tail is not None:
            argv += ["--tail", str(self.tail)]
        if self.since is not None:
            argv += ["--since", self.since]
        if self.timestamps:
            argv.append("--timestamps")
        return tuple(argv)


def logs(session: Session, on: str | None, lines: Lines) -> Ran:
    """Show the lines of a place's log as docker or kubectl prints them; Ctrl-C ends following without an error."""
    place, argv = _log_of(session, on, lines.options)
    refused = partial(refusal, place)
    outcome = run(session, argv, {}, Handling(stdin=False, ends_by_signal=True), refused)
    if outcome.signal == signal.SIGINT:
        return Ran(0, argv, outcome.stdout if session.as_json else None)
    if error := refused(outcome.exit_code, outcome.tail):
        raise error
    return result(session, argv, outcome)


def _log_of(session: Session, on: str | None, options: tuple[str, ...]) -> tuple[Place, tuple[str, ...]]:
    """Return a place and the argv that shows its log: of what relbuild deployed to a target, that of all copies."""
    named = Place.parse(on) if on is not None else None
    if named is not None and named.kind == TARGET:
        opened = open_named(session, named.name)
        place = opened.engine.place()
        if place is not None and not place.is_cluster:
            return place, opened.engine.logs(options)
    place = logged(session, on)
    return place, place.logs(options)
