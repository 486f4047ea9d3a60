"""The text of a project's files, which is UTF-8 for Elixir, for Mix and for every tool around them."""

from __future__ import annotations

from relbuild.errors import Mark, ProjectError
from relbuild.mix.facts import Tree

_BOM = b"\xef\xbb\xbf"


def decode(file: str, content: bytes, hint: str = "save it as UTF-8") -> str:
    """Return a file's text without a byte order mark; raise ProjectError at the first byte that is no UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts behind the mark that it has left out.
        at = place(file, content.removeprefix(_BOM), error.start)
        raise ProjectError(f"{file}: is not UTF-8", at=at, hint=hint) from error


def place(file: str, content: bytes, offset: int) -> Mark:
    """Return the place of a byte, its column in characters."""
    before = content[:offset]
    column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
    return Mark(file, before.count(b"\n") + 1, column)


def read(tree: Tree, file: str) -> str | None:
    """Return a file's text, None when there is none; raise ProjectError when it isn't UTF-8."""
    content = tree.read(file)
    return None if content is None else decode(file, content)


def lines(tree: Tree, file: str) -> list[str]:
    """Return a text file's lines, [""] when there is none; raise ProjectError when it isn't UTF-8."""
    # Not splitlines: it also breaks at form feeds and the like, and the line numbers would be no editor's.
    return (read(tree, file) or "").replace("\r\n", "\n").split("\n")
