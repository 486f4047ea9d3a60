"""relbuild eval and rpc: an expression or a script of any length, evaluated with the release's code."""

from __future__ import annotations

import base64
import sys
from dataclasses import dataclass
from pathlib import Path

from relbuild.commands.call import CallRequest, call
from relbuild.commands.places import find
from relbuild.commands.session import Session
from relbuild.commands.variables import Environment
from relbuild.errors import UsageError
from relbuild.result import Ran

# Linux takes no argument of 128 KiB or more (MAX_ARG_STRLEN, execve(2)), and kubectl writes it into a URL.
LONGEST = 100_000


@dataclass(frozen=True, slots=True)
class Script:
    """The code to evaluate: an expression (``-`` for stdin), or a file (then the expression is an argument, too)."""

    expression: str | None
    file: str | None = None
    args: tuple[str, ...] = ()


def evaluate(
    session: Session,
    verb: str,
    on: str | None,
    script: Script,
    environment: Environment,
    release: str | None,
    timeout: float | None,
) -> Ran:
    """Evaluate a script in a place; ``timeout`` is in seconds."""
    text, args, name = _text_of(verb, script)
    expression, feed = as_argument(text, name)
    place = find(session, on, verb, environment, release)
    return call(session, place, CallRequest(verb, (expression, *args), feed, timeout), environment.values)


def _text_of(verb: str, script: Script) -> tuple[str, tuple[str, ...], str]:
    """Return the code, its arguments, and its name in a message."""
    if script.file is not None:
        first = () if script.expression is None else (script.expression,)
        if first and verb == "rpc":
            raise UsageError("an expression and --file exclude each other", hint="give one of them")
        return read_script(script.file), (*first, *script.args), script.file
    if script.expression is None:
        raise UsageError(
            "there is no expression", hint=f"relbuild {verb} EXPR, {verb} - for stdin, or {verb} --file FILE"
        )
    if script.expression == "-":
        return read_script("-"), script.args, "stdin"
    return script.expression, script.args, "EXPR"


def read_script(path: str) -> str:
    """Return a script's text, that of stdin for ``-``; raise UsageError where it can't be read or is no UTF-8."""
    if not path:
        raise UsageError.empty("--file")
    name = "stdin" if path == "-" else path
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {name}: {(error.strerror or str(error)).lower()}") from error
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name} isn't UTF-8, at line {line}", hint="Elixir's sources are UTF-8") from error


def as_argument(script: str, name: str) -> tuple[str, bytes]:
    """Return the expression to evaluate, and the bytes that its stdin begins with.

    A long script is sent before the rest of stdin on a line of its own; the expression reads that line and no more.
    """
    if not script.strip():
        raise UsageError(f"there is nothing to evaluate in {name}", hint="the release would refuse it")
    encoded = script.encode(errors="surrogateescape")
    if len(encoded) <= LONGEST:
        return script, b""
    loader = "Code.eval_string(Base.decode64!(String.trim(IO.read(:stdio, :line))))"
    return loader, base64.b64encode(encoded) + b"\n"
