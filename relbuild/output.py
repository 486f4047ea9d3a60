"""The one place that prints: results to stdout, everything else to stderr, for people or as one JSON envelope."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from relbuild import __version__
from relbuild.errors import Problem, RelbuildError
from relbuild.result import Result


class Unwritable(Exception):
    """stdout takes no more: whoever read it has gone (then there is nothing to say), or its disk is full."""


def note(message: str) -> None:
    """Print one line of news on stderr."""
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


def note_command(command: str) -> None:
    """Print a command that is about to run on stderr."""
    note(f"+ {command}")


def warn(message: str, hint: str | None = None) -> None:
    """Print a warning and what to do about it on stderr."""
    note(_styled("warning", "33") + f": {message}")
    if hint:
        note(f"  {hint}")


def interactive() -> bool:
    """Tell whether someone sits at a terminal whom one can ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """Ask on the terminal; everything but a yes means no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def show_diff(diff: str) -> None:
    """Print a unified diff on stderr, on a terminal in its usual colours."""
    colours = {"+": "32", "-": "31", "@": "36"}
    for line in diff.splitlines():
        heading = line.startswith(("+++", "---"))
        colour = "1" if heading else colours.get(line[:1])
        note(_styled(line, colour) if colour and not heading else line)


def show_version() -> None:
    """Print relbuild's own version on stdout."""
    _print(f"relbuild {__version__}")


def show(command: str, result: Result, *, as_json: bool) -> None:
    """Print a command's result on stdout."""
    if as_json:
        status = "ok" if result.exit_code == 0 else "failed"
        _print(_envelope(command, status, result.exit_code, result.data(), []))
        return
    text = result.text()
    if text:
        _print(text)


def show_error(command: str, error: RelbuildError, *, as_json: bool) -> None:
    """Print what went wrong: on stderr for people, as the envelope on stdout for programs."""
    if as_json:
        errors = [_problem_data(error.code, problem) for problem in error.problems]
        _print(_envelope(command, "error", error.exit_code, None, errors))
        return
    for problem in error.problems:
        place = f"{problem.at}: " if problem.at else ""
        note(_styled("error", "31") + f": {place}{problem.message}")
        if problem.hint:
            for line in problem.hint.splitlines():
                note(f"  {line}")


def _problem_data(code: str, problem: Problem) -> dict[str, Any]:
    at = problem.at
    return {
        "code": code,
        "message": problem.message,
        "hint": problem.hint,
        "file": at.file if at else None,
        "line": at.line if at else None,
        "column": at.column if at else None,
    }


def _envelope(
    command: str, status: str, exit_code: int, data: dict[str, Any] | None, errors: list[dict[str, Any]]
) -> str:
    envelope = {
        "relbuild": __version__,
        "command": command,
        "status": status,
        "exit_code": exit_code,
        "data": data,
        "errors": errors,
    }
    return json.dumps(envelope, indent=2, ensure_ascii=False)


def _print(document: str) -> None:
    try:
        sys.stdout.write(f"{document}\n")
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise Unwritable("") from error
    except OSError as error:
        raise Unwritable(f"can't write the result: {error.strerror}") from error


def _styled(word: str, colour: str) -> str:
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        return f"\033[1;{colour}m{word}\033[0m"
    return word
