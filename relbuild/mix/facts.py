"""The words every reader of a Mix project speaks: a tree to read from, and facts that are known or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from relbuild.errors import Mark

T = TypeVar("T")


class Tree(Protocol):
    """A project's files, read on demand; every path is relative to the project, with ``/`` between its parts."""

    def read(self, path: str) -> bytes | None:
        """Return the file's content, or None when there is no such file; raise ProjectError when it can't be read."""

    def list(self, directory: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted, a directory's with a ``/`` at its end; () when there is none."""


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A value the project states, and where."""

    value: T
    at: Mark


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that can't be read without running Elixir: what it is of, why, and where."""

    what: str
    reason: str
    at: Mark


Fact = Known[T] | Unknown
