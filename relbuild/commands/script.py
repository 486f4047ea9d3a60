"""What ``eval`` and ``rpc`` are given: an expression, or a script of any length from a file or from stdin."""

from __future__ import annotations

import base64
import sys
from pathlib import Path

from relbuild.errors import UsageError

# Linux takes no argument of 128 KiB or more (MAX_ARG_STRLEN, execve(2)), and kubectl writes it into a URL.
LONGEST = 100_000


def read(path: str) -> str:
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
    """Return the expression to evaluate, and what stdin must begin with for it.

    A long script goes ahead of the rest of stdin on a line of its own; the expression reads that line and no more.
    """
    if not script.strip():
        raise UsageError(f"there is nothing to evaluate in {name}", hint="the release would refuse it")
    encoded = script.encode(errors="surrogateescape")
    if len(encoded) <= LONGEST:
        return script, b""
    loader = "Code.eval_string(Base.decode64!(String.trim(IO.read(:stdio, :line))))"
    return loader, base64.b64encode(encoded) + b"\n"
