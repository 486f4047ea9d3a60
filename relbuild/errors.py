"""The errors, each with its place, its next action and its exit code.

Everything raises a ``RelbuildError``; only ``relbuild.__main__.main`` catches, renders and exits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file; line and column count from 1, column in characters."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.brief}:{self.column}"

    @property
    def brief(self) -> str:
        """The file and the line, as they are named in a sentence."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: what it is, its place if it has one, and what to do next."""

    message: str
    at: Mark | None = None
    hint: str | None = None

    def __str__(self) -> str:
        return self.message if self.at is None else f"{self.at}: {self.message}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Return the first names for a sentence, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


class RelbuildError(Exception):
    """A failure the user can act on, made of one or more problems."""

    code: ClassVar[str] = "failed"
    exit_code: int = 1

    def __init__(self, message: str, *, at: Mark | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.problems: tuple[Problem, ...] = (Problem(message, at, hint),)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> Self:
        """Return one error that carries all of the problems; there must be at least one."""
        found = tuple(problems)
        error = cls(found[0].message)
        error.problems = found
        return error


class CommandFailed(RelbuildError):
    """A build, a check or a release's command failed."""

    code = "failed"
    exit_code = 1


class UsageError(RelbuildError):
    """The command line is wrong, or the environment lacks something that it names."""

    code = "usage"
    exit_code = 2

    @classmethod
    def empty(cls, option: str, what: str = "a file") -> Self:
        """Return the error for an option with an empty value, as from a shell variable that isn't set."""
        return cls(f"{option} is empty", hint=f"name {what}, or leave {option} out")


class ConfigError(RelbuildError):
    """relbuild.yml has errors."""

    code = "config"
    exit_code = 3


class ProjectError(RelbuildError):
    """The Mix project has errors."""

    code = "project"
    exit_code = 3


class EngineError(RelbuildError):
    """There is no engine, or it can't do what the command needs."""

    code = "engine"
    exit_code = 4


class DeployError(RelbuildError):
    """A deployment failed and the old version goes on serving."""

    code = "deploy"
    exit_code = 5


class LockedError(RelbuildError):
    """Another deployment or migration holds the lock."""

    code = "locked"
    exit_code = 6


class PassingFault(RelbuildError):
    """A network or a server doesn't answer; the same call may work later."""

    code = "try_again"
    exit_code = 75


class TimedOut(RelbuildError):
    """A command exceeded its time limit; the exit code is that of timeout(1)."""

    code = "timeout"
    exit_code = 124

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the error for a command that --timeout has ended."""
        return cls(f"it was stopped after {seconds:g} s, the time limit", hint="--timeout SECONDS sets a longer one")


class Interrupted(RelbuildError):
    """Ctrl-C or SIGTERM ended the command."""

    code = "interrupted"
    exit_code = 130
