"""relbuild logs: the log of this project's container, also of one that has ended."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from relbuild.commands.call import cluster_refusal, require_cluster, result, run
from relbuild.commands.place import logged
from relbuild.commands.session import Session
from relbuild.engine.runner import Handling
from relbuild.release.target import Pod
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
    """Show the lines of the place's log as docker or kubectl gives them; Ctrl-C ends following without an error."""
    place = logged(session, on)
    argv = place.logs(lines.options)
    handling = Handling(stdin=False, ends_by_signal=True)
    outcome = run(session, argv, {}, handling, cluster_refusal if isinstance(place, Pod) else None)
    if isinstance(place, Pod):
        require_cluster(outcome)
    if outcome.signal == signal.SIGINT:
        return Ran(0, argv, outcome.stdout if session.as_json else None)
    return result(session, argv, outcome)
