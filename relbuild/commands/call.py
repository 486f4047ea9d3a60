"""Running a release's command in a place: its streams, its end, and what is to be said of its failure."""

from __future__ import annotations

import os
from collections.abc import Mapping

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
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to run: a verb with its arguments, what its stdin begins with, and the seconds it is given."""

    verb: str
    args: tuple[str, ...] = ()
    feed: bytes = b""
    timeout: float | None = None


def call(session: Session, found: Found, asked: Asked, env: Mapping[str, str]) -> Ran:
    """Run a release's command in a place with relbuild's own streams, or keep its output for JSON.

    ``env`` goes to the client through its environment. Raises UsageError for what can't be an argument, and TimedOut.
    """
    verb = VERBS[asked.verb]
    _check(asked)
    if asked.verb == "remote" and not terminal.attended():
        # IEx takes the end of its input for the wish to halt the node it runs on: the running system.
        raise UsageError(
            "remote needs a terminal: at the end of its input IEx would stop the running system",
            hint="relbuild rpc EXPR, rpc - or rpc --file FILE evaluate in it",
        )
    handed_over = verb.terminal and terminal.attended() and not session.as_json
    how = Call(verb.stdin, term(os.environ.get("TERM", "")) if handed_over else None, session.runner.mark())
    command = ReleaseCommand(found.release, verb.script, asked.args, found.root)
    argv = found.place.argv(command, how)
    handling = Handling(verb.stdin, asked.feed, handed_over, asked.timeout, found.place.undo(how))
    outcome = run(session, argv, env, handling)
    if isinstance(found.place, Image):
        require_started(outcome)
    if isinstance(found.place, Pod):
        require_cluster(outcome)
    if outcome.exit_code and found.container is not None:
        if (status := advice.left(found.container.id, outcome.tail)) is not None:
            raise lost(found, status)
        said = advice.on_failure(found.name, asked.verb, found.container.env or {}, outcome.tail)
        if said is not None:
            session.warn(said)
    return result(session, argv, outcome)


def run(session: Session, argv: tuple[str, ...], env: Mapping[str, str], handling: Handling) -> Outcome:
    """Run it with relbuild's own streams, or keep its output where the result is to be JSON."""
    act = session.runner.captured if session.as_json else session.runner.attached
    return act(argv, env=env, handling=handling)


def require_started(outcome: Outcome) -> None:
    """Raise CommandFailed when docker run could not start its container: the code is docker's, not the release's."""
    if refused := advice.refusal(outcome.exit_code, outcome.tail):
        reason, hint = refused
        raise CommandFailed(f"docker can't start the container: {reason}", hint=hint)


def require_cluster(outcome: Outcome) -> None:
    """Raise PassingFault when kubectl reached no cluster: the code is kubectl's, not the release's."""
    if outcome.exit_code and (said := advice.no_cluster(outcome.tail)):
        hint = "kubectl cluster-info says which cluster is asked; --context names another"
        raise PassingFault(f"no cluster answers: {said}", hint=hint)


def result(session: Session, argv: tuple[str, ...], outcome: Outcome) -> Ran:
    """Return what came of it; its output went by, or was kept for JSON."""
    if not session.as_json:
        return Ran(outcome.exit_code, argv)
    try:
        return Ran(outcome.exit_code, argv, outcome.raw.decode() or outcome.stdout)
    except UnicodeDecodeError:
        return Ran(outcome.exit_code, argv, raw=outcome.raw)


def _check(asked: Asked) -> None:
    """Raise UsageError for an argument that no program can be given, or that would arrive as another."""
    for each in asked.args:
        if "\0" in each:
            raise UsageError("an argument holds a NUL, at which the system ends it", hint="pass it on stdin")
        try:
            each.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"an argument isn't UTF-8: {each!r}", hint="pass it on stdin, or encoded") from error
