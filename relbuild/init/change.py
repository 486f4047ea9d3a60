"""Changes of a project's files: each as a diff that `git apply` accepts, all of them as the tree with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import unified_diff

from relbuild.errors import Mark, ProjectError
from relbuild.facts import Tree


@dataclass(frozen=True, slots=True)
class Change:
    """One file as it is (None: it doesn't exist) and as it will be (None: it is deleted).

    The diff of a `secret` file, which is deleted, doesn't show its content.
    """

    path: str
    before: str | None
    after: str | None
    secret: bool = False

    @property
    def what(self) -> str:
        """Whether the file is added, changed or removed."""
        return "removed" if self.after is None else "added" if self.before is None else "changed"

    @property
    def git_diff(self) -> str:
        """The change with git's own header; its paths are relative to the repository's root."""
        mode = {"added": "new file mode 100644\n", "removed": "deleted file mode 100644\n"}.get(self.what, "")
        shown = _unseen(self.before or "") if self.after is None and self.secret else self.diff
        return f"diff --git a/{self.path} b/{self.path}\n{mode}{shown}"

    @property
    def diff(self) -> str:
        """The change for `git apply` and `patch -p1` in the directory that the path is relative to."""
        old = f"a/{self.path}" if self.before is not None else "/dev/null"
        new = f"b/{self.path}" if self.after is not None else "/dev/null"
        lines = unified_diff(_lines(self.before or ""), _lines(self.after or ""), old, new)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _unseen(before: str) -> str:
    """Return git's patch for deleting a binary file: it names the content by its hash alone."""
    import hashlib  # it loads OpenSSL, which hardly any diff has a use for

    content = before.encode()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return f"index {blob}..{'0' * 40}\nGIT binary patch\nliteral 0\nHcmV?d00001\n\n"


def text(tree: Tree, path: str) -> str | None:
    """Return a file's text, None when it doesn't exist; raise ProjectError where it isn't UTF-8."""
    content = tree.read(path)
    try:
        return content.decode() if content is not None else None
    except UnicodeDecodeError as error:
        hint = "save it as UTF-8, or delete it"
        raise ProjectError(f"{path}: is not UTF-8", at=Mark(path, 1), hint=hint) from error


def _lines(text: str) -> list[str]:
    # Not splitlines, which also breaks at form feeds and the like, as no other reader of a diff does.
    return re.findall(r"[^\n]*\n|[^\n]+", text)


class Overlay:
    """A project's tree with files that aren't written yet."""

    def __init__(self, tree: Tree, files: Mapping[str, str]) -> None:
        self._tree = tree
        self._files = files

    def read(self, path: str) -> bytes | None:
        """Return the file's content, or None when there is no such file."""
        content = self._files.get(path)
        return content.encode() if content is not None else self._tree.read(path)

    def list(self, directory: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted, a directory's with a ``/`` at its end; () when there is none."""
        inside = f"{directory}/" if directory else ""
        own = (path.removeprefix(inside).partition("/") for path in self._files if path.startswith(inside))
        return tuple(sorted({*self._tree.list(directory), *(name + slash for name, slash, _ in own)}))
