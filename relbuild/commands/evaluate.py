"""relbuild eval and rpc: an expression or a script, evaluated with the release's code."""

from __future__ import annotations

from dataclasses import dataclass

from relbuild.commands import script
from relbuild.commands.around import Around
from relbuild.commands.call import Asked, call
from relbuild.commands.place import find
from relbuild.commands.session import Session
from relbuild.errors import UsageError
from relbuild.result import Ran


@dataclass(frozen=True, slots=True)
class Script:
    """What is to be evaluated: an expression (``-`` for stdin), or a file (then the expression is an argument, too)."""

    expression: str | None
    file: str | None = None
    args: tuple[str, ...] = ()


def evaluate(
    session: Session,
    verb: str,
    on: str | None,
    asked: Script,
    around: Around,
    release: str | None,
    timeout: float | None,
) -> Ran:
    """Evaluate it where ``--on`` says."""
    text, args, name = _text(verb, asked)
    expression, feed = script.as_argument(text, name)
    found = find(session, on, verb, around, release)
    return call(session, found, Asked(verb, (expression, *args), feed, timeout), around.values)


def _text(verb: str, asked: Script) -> tuple[str, tuple[str, ...], str]:
    """Return the script, its arguments, and what it is called in a message."""
    if asked.file is not None:
        first = () if asked.expression is None else (asked.expression,)
        if first and verb == "rpc":
            raise UsageError("an expression and --file both say what to evaluate", hint="give one of them")
        return script.read(asked.file), (*first, *asked.args), asked.file
    if asked.expression is None:
        raise UsageError(
            "there is no expression", hint=f"relbuild {verb} EXPR, {verb} - for stdin, or {verb} --file FILE"
        )
    if asked.expression == "-":
        return script.read("-"), asked.args, "stdin"
    return asked.expression, asked.args, "EXPR"
