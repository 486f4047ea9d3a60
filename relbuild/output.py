"""The one place that prints: results to stdout, everything else to stderr, for people or as one JSON envelope."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from relbuild import __version__
from relbuild.errors import Problem, RelbuildError
from relbuild.result import Content, Result, TextTable

if TYPE_CHECKING:
    from relbuild.progress import Display

# What a GitHub workflow command escapes, % first.
MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY = {**MESSAGE, ":": "%3A", ",": "%2C"}
# GitHub shows this many annotations of a step.
GITHUB_MOST = 10
# The columns of a pipe or a file, which have no width: tables are as wide as their cells.
WIDEST = 10_000


class Unwritable(Exception):
    """stdout can't be written: its reader has gone (then the message is empty), or its disk is full."""


def note(message: str) -> None:
    """Print a line on stderr."""
    _write(f"{message}\n")


def note_command(command: str) -> None:
    """Print a command that is about to run on stderr."""
    note(f"+ {command}")


def warn(message: str, hint: str | None = None) -> None:
    """Print a warning on stderr, and the fix below it."""
    note(_styled("warning", "33") + f": {message}")
    if hint:
        note(f"  {hint}")


def interactive() -> bool:
    """Return whether a person at a terminal can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> bool:
    """Ask on the terminal, and return whether the answer is yes."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def show_diff(diff: str) -> None:
    """Print a unified diff on stderr, on a terminal in its usual colours."""
    colours = {"+": "32", "-": "31", "@": "36"}
    for line in diff.splitlines():
        colour = None if line.startswith(("+++", "---")) else colours.get(line[:1])
        note(_styled(line, colour) if colour else line)


def show_version() -> None:
    """Print relbuild's own version on stdout."""
    _print(f"relbuild {__version__}")


def progress(*, verbose: bool) -> Display:
    """Return the display of a build on stderr: live steps on a terminal, plain lines elsewhere."""
    from relbuild.progress import LiveSteps, PlainLines

    if not sys.stderr.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return PlainLines(_write, verbose=verbose)
    from rich.console import Console

    # The terminal's size counts, not the one it had when a program before this one set COLUMNS and LINES.
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return LiveSteps(Console(stderr=True, _environ=environment), verbose=verbose)


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def show(command: str, result: Result, *, as_json: bool) -> None:
    """Print a command's result on stdout."""
    if as_json:
        status = "ok" if result.exit_code == 0 else "failed"
        _print(_envelope(command, status, result.exit_code, result.data(), _failure(command, result)))
        return
    text = laid_out(result.text(), _width())
    if text:
        _print(text)


def _failure(command: str, result: Result) -> list[dict[str, Any]]:
    """Return the errors of a result: none if it succeeded, else one with the exit code and the reason if known."""
    if result.exit_code == 0:
        return []
    reason = getattr(result, "reason", "")
    message = f"{command} ended with exit code {result.exit_code}"
    return [_problem_data("failed", Problem(f"{message}: {reason}" if reason else message))]


def laid_out(content: Content, width: int | None) -> str:
    """Return the lines and tables as text; tables are at most ``width`` columns wide, or as wide as they need.

    Tables of as many columns are aligned with each other, where there is room for it.
    """
    if isinstance(content, str):
        return content
    blocks = (content,) if isinstance(content, TextTable) else content
    tables = [block for block in blocks if isinstance(block, TextTable) and block.rows]
    return "\n".join(block if isinstance(block, str) else _table(block, tables, width) for block in blocks)


def _table(table: TextTable, others: Iterable[TextTable], width: int | None) -> str:
    from io import StringIO

    from rich.cells import cell_len
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    columns = range(len(table.rows[0]) if table.rows else 0)
    alike = [each for each in others if (len(each.rows[0]), each.indent) == (len(columns), table.indent)]
    widths = [max(cell_len(row[column]) for each in alike for row in each.rows) for column in columns]
    aligned = width is None or table.indent + sum(widths) + 2 * len(widths) <= width
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(table.header), header_style="")
    used = [column for column in columns if any(row[column] for row in table.rows)]
    for column in used:
        grid.add_column(
            Text(table.header[column] if table.header else ""),
            justify="right" if column in table.right else "left",
            min_width=widths[column] if aligned else None,
            overflow="fold",
        )
    for row in table.rows:
        grid.add_row(*(Text(row[column]) for column in used))
    text = StringIO()
    Console(file=text, width=width or WIDEST, color_system=None).print(Padding(grid, (0, 0, 0, table.indent)))
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _width() -> int | None:
    """Return how many columns a table may have: the terminal's, or fewer as COLUMNS says; None for a pipe or a file.

    There only a narrow COLUMNS counts: GNU readline sets it to 80 in the environment of programs without a terminal.
    """
    columns = os.environ.get("COLUMNS", "")
    wanted = int(columns) if columns.isdecimal() and int(columns) else WIDEST
    if sys.stdout.isatty():
        return min(os.get_terminal_size(sys.stdout.fileno()).columns or WIDEST, wanted)
    return wanted if wanted < 80 else None


def show_error(command: str, error: RelbuildError, *, as_json: bool, directory: str = ".") -> None:
    """Print an error: on stderr for people, as the envelope on stdout for programs.

    In a GitHub workflow a problem with a place is also annotated; places are relative to the project's directory.
    """
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for problem in error.problems[:GITHUB_MOST]:
            _annotate(problem, directory)
    if as_json:
        errors = [_problem_data(error.code, problem) for problem in error.problems]
        _print(_envelope(command, "error", error.exit_code, None, errors))
        return
    for problem in error.problems:
        note(_styled("error", "31") + f": {problem}")
        if problem.hint:
            for line in problem.hint.splitlines():
                note(f"  {line}")


def _annotate(problem: Problem, directory: str) -> None:
    """Print GitHub's workflow command for a problem that has a place.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions; its paths are the repository's.
    """
    if problem.at is None:
        return
    path = os.path.relpath(Path(directory) / problem.at.file, os.environ.get("GITHUB_WORKSPACE", "."))
    if path.startswith(".."):  # a generated file, which GitHub can't show
        return
    place = f"file={_escaped(path, PROPERTY)},line={problem.at.line},col={problem.at.column}"
    message = f"{problem.message}\n{problem.hint}" if problem.hint else problem.message
    note(f"::error {place},title=relbuild::{_escaped(message, MESSAGE)}")


def _escaped(text: str, escapes: dict[str, str]) -> str:
    for character, escape in escapes.items():
        text = text.replace(character, escape)
    return text


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
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR"):
        return f"\033[1;{colour}m{word}\033[0m"
    return word
