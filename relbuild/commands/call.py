"""Running a release's command in a place: its streams, its end, and why it failed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from relbuild.commands.place import Found, lost
from relbuild.commands.session import Session
from relbuild.engine import terminal
from relbuild.engine.runner import Handling, Outcome
from relbuild.errors import CommandFailed, PassingFault, UsageError
from relbuild.release import advice
from relbuild.release.command import ReleaseCommand
from relbuild.release.target import Call, Image, Pod
from relbuild.release.terminal import term
from relbuild.release.verbs import VERBS
from relbuild.result import Ran


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to run: a verb with its arguments, what its stdin begins with, and its time limit in seconds."""

    verb: str
    args: tuple[str, ...] = ()
    feed: bytes = b""
    timeout: float | None = None


def call(session: Session, found: Found, asked: Asked, env: Mapping[str, str]) -> Ran:
    """Run a release's command in a place with relbuild's own streams, or keep its output for JSON.

    ``env`` goes to the client through its environment. Raises UsageError for what can't be an argument, TimedOut, and
    CommandFailed where the place or its running system doesn't answer.
    """
    verb = VERBS[asked.verb]
    _check(asked)
    if asked.verb == "remote" and not terminal.attended():
        # At the end of its input IEx halts the node it runs on: the running system.
        raise UsageError(
            "remote needs a terminal: at the end of its input IEx would stop the running system",
            hint="relbuild rpc EXPR, rpc - or rpc --file FILE evaluate in it",
        )
    handed_over = verb.terminal and terminal.attended() and not session.as_json
    how = Call(verb.stdin, term(os.environ.get("TERM", "")) if handed_over else None, session.runner.mark())
    command = ReleaseCommand(found.release, verb.script, asked.args, found.root)
    argv = found.place.argv(command, how)
    handling = Handling(verb.stdin, asked.feed, handed_over, asked.timeout, found.place.undo(how))
    outcome = run(session, argv, env, handling, _explained(found))
    if outcome.exit_code:
        _require_started(session, found, outcome)
        if asked.verb in advice.NODE_VERBS:
            _require_answer(session, found, asked.verb, outcome if not handed_over else _ping(session, found))
    return result(session, argv, outcome)


def run(
    session: Session,
    argv: tuple[str, ...],
    env: Mapping[str, str],
    handling: Handling,
    explained: Callable[[int, tuple[str, ...]], object] | None = None,
) -> Outcome:
    """Run it with relbuild's own streams, or keep its output where the result is to be JSON.

    ``explained`` returns something for the exit code and last lines of a docker or kubectl that started nothing: its
    message is not printed then, as relbuild's own error has it.
    """
    act = session.runner.captured if session.as_json else session.runner.attached
    return act(argv, env=env, handling=replace(handling, hold=advice.GIVES_UP, explained=explained))


def _explained(found: Found) -> Callable[[int, tuple[str, ...]], object]:
    """Return the function that knows the messages of the client that runs a command in a place."""
    if isinstance(found.place, Image):
        return advice.not_started
    if isinstance(found.place, Pod):
        return cluster_refusal
    container = found.container.id if found.container is not None else ""
    return lambda exit_code, tail: exit_code and advice.exec_refused(container, tail)


def cluster_refusal(exit_code: int, tail: tuple[str, ...]) -> str | None:
    """Return kubectl's message when it reached no cluster; None where it did."""
    return advice.no_cluster(tail) if exit_code else None


def require_started(outcome: Outcome) -> None:
    """Raise CommandFailed when docker run did not start its container: the code is docker's, not the release's."""
    if refused := advice.not_started(outcome.exit_code, outcome.tail):
        raise CommandFailed.of([refused])


def require_cluster(outcome: Outcome) -> None:
    """Raise PassingFault when kubectl reached no cluster: the code is kubectl's, not the release's."""
    if message := cluster_refusal(outcome.exit_code, outcome.tail):
        hint = "kubectl cluster-info names the cluster; --context selects another"
        raise PassingFault(f"no cluster answers: {message}", hint=hint)


def _require_started(session: Session, found: Found, outcome: Outcome) -> None:
    """Raise the error for a docker or kubectl that did not start the command."""
    if isinstance(found.place, Image):
        require_started(outcome)
    elif isinstance(found.place, Pod):
        require_cluster(outcome)
    elif found.container is not None and (status := advice.exec_refused(found.container.id, outcome.tail)) is not None:
        raise lost(found, status)


def _ping(session: Session, found: Found) -> Outcome:
    """Return what an rpc gives, after a command that had the terminal, whose output relbuild doesn't know."""
    return session.runner.lines(
        found.place.argv(ReleaseCommand(found.release, "rpc", ("nil",), found.root), Call(stdin=False)), _ignore
    )


def _require_answer(session: Session, found: Found, verb: str, outcome: Outcome) -> None:
    """Raise CommandFailed when a verb got no answer from the running system."""
    if isinstance(found.place, Image) or not (outcome.exit_code and advice.no_answer(outcome.tail)):
        return
    shown = session.runner.lines(found.place.shell(advice.NODE_VARIABLES), _ignore)
    given = (found.container.env if found.container is not None else None) or {}
    raise CommandFailed.of([advice.unanswered(found.name, verb, advice.node_of("\n".join(shown.tail)), given)])


def _ignore(_line: str) -> None:
    return


def result(session: Session, argv: tuple[str, ...], outcome: Outcome) -> Ran:
    """Return the result of a command whose output went by, or was kept for JSON."""
    reason = outcome.tail[-1].strip() if outcome.exit_code and outcome.tail else ""
    if not session.as_json:
        return Ran(outcome.exit_code, argv, reason=reason)
    try:
        return Ran(outcome.exit_code, argv, outcome.raw.decode() or outcome.stdout, reason=reason)
    except UnicodeDecodeError:
        return Ran(outcome.exit_code, argv, raw=outcome.raw, reason=reason)


def _check(asked: Asked) -> None:
    """Raise UsageError for an argument that no program can be given, or that would arrive as another."""
    for each in asked.args:
        if "\0" in each:
            raise UsageError("an argument holds a NUL, at which the system ends it", hint="pass it on stdin")
        try:
            each.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"an argument isn't UTF-8: {each!r}", hint="pass it on stdin, or encoded") from error
