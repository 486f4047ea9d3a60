"""Running a release's command in a place: its streams, its end, and why it failed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from relbuild.commands.places import lost
from relbuild.commands.session import Session
from relbuild.engine.runner import Handling, Outcome
from relbuild.engine.streams import attended
from relbuild.errors import CommandFailed, PassingFault, RelbuildError, UsageError
from relbuild.release import advice
from relbuild.release.place import IMAGE, VERBS, Call, Place, terminal_in
from relbuild.result import Ran


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A verb with its arguments, what its stdin begins with, and its time limit in seconds."""

    verb: str
    args: tuple[str, ...] = ()
    feed: bytes = b""
    timeout: float | None = None


def call(session: Session, place: Place, request: CallRequest, env: Mapping[str, str]) -> Ran:
    """Run a release's command in a place with relbuild's own streams, or keep its output for JSON.

    ``env`` goes to the client through its environment. Raises UsageError for what can't be an argument, TimedOut, and
    CommandFailed where the place or its running system doesn't answer.
    """
    verb = VERBS[request.verb]
    _check(request)
    if request.verb == "remote" and not attended():
        # At the end of its input IEx halts the node it runs on: the running system.
        raise UsageError(
            "remote needs a terminal: at the end of its input IEx would stop the running system",
            hint="relbuild rpc EXPR, rpc - or rpc --file FILE evaluate in it",
        )
    handed_over = verb.terminal and attended() and not session.as_json
    how = Call(verb.stdin, terminal_in(os.environ.get("TERM", "")) if handed_over else None, session.runner.mark())
    argv = place.argv(verb.script, request.args, how)
    handling = Handling(verb.stdin, request.feed, handed_over, request.timeout, place.undo(how))
    refused = partial(refusal, place)
    outcome = run(session, argv, env, handling, refused)
    if error := refused(outcome.exit_code, outcome.tail):
        raise error
    if outcome.exit_code and request.verb in advice.NODE_VERBS:
        _require_answer(session, place, request.verb, outcome if not handed_over else _ping(session, place))
    return result(session, argv, outcome)


def run(
    session: Session,
    argv: tuple[str, ...],
    env: Mapping[str, str],
    handling: Handling,
    explained: Callable[[int, tuple[str, ...]], object] | None = None,
) -> Outcome:
    """Run it with relbuild's own streams, or keep its output for JSON.

    ``explained`` returns something for the exit code and last lines of a docker or kubectl that started nothing: its
    message is not printed then, as relbuild's own error has it.
    """
    act = session.runner.captured if session.as_json else session.runner.attached
    return act(argv, env=env, handling=replace(handling, hold=advice.GIVES_UP, explained=explained))


def refusal(place: Place, exit_code: int, tail: tuple[str, ...]) -> RelbuildError | None:
    """Return the error for a docker or kubectl that started nothing in a place; None where it did.

    The exit code is the client's then, not the release's.
    """
    if not exit_code:
        return None
    if place.kind == IMAGE:
        return refused_start(exit_code, tail)
    if place.is_cluster:
        message = advice.no_cluster(tail)
        hint = "kubectl cluster-info names the cluster; --context selects another"
        return PassingFault(f"no cluster answers: {message}", hint=hint) if message else None
    status = advice.exec_refused(place.container, tail) if place.container else None
    return lost(place, status) if status is not None else None


def refused_start(exit_code: int, tail: tuple[str, ...]) -> CommandFailed | None:
    """Return the error for a docker run that did not start its container; None where it did."""
    problem = advice.not_started(exit_code, tail)
    return CommandFailed.of([problem]) if problem is not None else None


def _ping(session: Session, place: Place) -> Outcome:
    """Return what an rpc gives, after a command that had the terminal, whose output relbuild doesn't know."""
    return session.runner.lines(place.argv("rpc", ("nil",), Call(stdin=False)), _ignore)


def _require_answer(session: Session, place: Place, verb: str, outcome: Outcome) -> None:
    """Raise CommandFailed when a verb got no answer from the running system."""
    if outcome.exit_code and advice.no_answer(outcome.tail):
        shown = session.runner.lines(place.shell(advice.NODE_VARIABLES), _ignore)
        node = advice.node_of("\n".join(shown.tail))
        raise CommandFailed.of([advice.unanswered(place.label, verb, node, place.env)])


def _ignore(_line: str) -> None:
    return


def result(session: Session, argv: tuple[str, ...], outcome: Outcome) -> Ran:
    """Return the result of a command whose output was passed through, or kept for JSON."""
    raised = [line for line in outcome.tail if line.startswith("** (")]
    reason = (raised or outcome.tail)[-1].strip() if outcome.exit_code and outcome.tail else ""
    if not session.as_json:
        return Ran(outcome.exit_code, argv, reason=reason)
    try:
        return Ran(outcome.exit_code, argv, outcome.raw.decode() or outcome.stdout, reason=reason)
    except UnicodeDecodeError:
        return Ran(outcome.exit_code, argv, raw=outcome.raw, reason=reason)


def _check(request: CallRequest) -> None:
    """Raise UsageError for an argument that no program can get, or that would change on its way."""
    for each in request.args:
        if "\0" in each:
            raise UsageError("an argument has a NUL, at which the system ends it", hint="pass it on stdin")
        try:
            each.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"an argument isn't UTF-8: {each!r}", hint="pass it on stdin, or encoded") from error
