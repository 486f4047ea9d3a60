"""What the readers of a project share: its files as a tree, their text, and facts that are known or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from relbuild.errors import Mark, ProjectError

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


_BOM = b"\xef\xbb\xbf"


def decode_text(file: str, content: bytes, hint: str = "save it as UTF-8") -> str:
    """Return a file's text without a byte order mark; raise ProjectError at the first byte that is no UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts behind the mark that it has left out.
        at = place_in_text(file, content.removeprefix(_BOM), error.start)
        raise ProjectError(f"{file}: is not UTF-8", at=at, hint=hint) from error


def place_in_text(file: str, content: bytes, offset: int) -> Mark:
    """Return the place of a byte, its column in characters."""
    before = content[:offset]
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return Mark(file, before.count(b"\n") + 1, column)


def read_text(tree: Tree, file: str) -> str | None:
    """Return a file's text, None when there is none; raise ProjectError when it isn't UTF-8."""
    content = tree.read(file)
    return None if content is None else decode_text(file, content)


def read_lines(tree: Tree, file: str) -> list[str]:
    """Return a text file's lines, [""] when there is none; raise ProjectError when it isn't UTF-8."""
    # Not splitlines: it also breaks at form feeds and the like, and the line numbers would be no editor's.
    return (read_text(tree, file) or "").replace("\r\n", "\n").split("\n")
