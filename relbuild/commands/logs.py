"""relbuild logs: what this project's container has written."""

from __future__ import annotations

from relbuild.commands.around import Around
from relbuild.commands.call import require_cluster, result, run
from relbuild.commands.place import find
from relbuild.commands.session import Session
from relbuild.engine.runner import Handling
from relbuild.release.target import Logged, Pod
from relbuild.result import Ran
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Lines:
    """Which lines: docker's and kubectl's options have the same names."""

    follow: bool = False
    tail: int | None = None
    since: str | None = None
    timestamps: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The options."""
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
    """Show the lines of the place's log as docker or kubectl gives them."""
    found = find(session, on, "logs", Around())
    assert isinstance(found.place, Logged)  # the table of verbs and places lets no other through
    argv = found.place.logs(lines.options)
    outcome = run(session, argv, {}, Handling(stdin=False))
    if isinstance(found.place, Pod):
        require_cluster(outcome)
    return result(session, argv, outcome)
