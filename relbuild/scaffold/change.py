"""One file's change, as a diff that `git apply` takes."""

from __future__ import annotations

import re
from difflib import unified_diff

from relbuild.errors import Mark, ProjectError
from relbuild.mix.facts import Tree
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One file as it is (None: it isn't there) and as it will be (None: it goes).

    What holds a secret can only go, and its diff doesn't show it.
    """

    path: str
    before: str | None
    after: str | None
    secret: bool = False

    @property
    def what(self) -> str:
        """What becomes of the file."""
        return "removed" if self.after is None else "added" if self.before is None else "changed"

    @property
    def git_diff(self) -> str:
        """The change with git's own header, whose paths are from the repository's root wherever it is applied."""
        mode = {"added": "new file mode 100644\n", "removed": "deleted file mode 100644\n"}.get(self.what, "")
        shown = _unseen(self.before or "") if self.after is None and self.secret else self.diff
        return f"diff --git a/{self.path} b/{self.path}\n{mode}{shown}"

    @property
    def diff(self) -> str:
        """The change as `git apply` takes it below the directory that the path is from, and `patch -p1`."""
        old = f"a/{self.path}" if self.before is not None else "/dev/null"
        new = f"b/{self.path}" if self.after is not None else "/dev/null"
        lines = unified_diff(_lines(self.before or ""), _lines(self.after or ""), old, new)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _unseen(before: str) -> str:
    """Return what git's patch of a binary file that goes says: it names the content by its hash alone."""
    import hashlib  # it loads OpenSSL, which hardly any diff has a use for

    content = before.encode()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return f"index {blob}..{'0' * 40}\nGIT binary patch\nliteral 0\nHcmV?d00001\n\n"


def text(tree: Tree, path: str) -> str | None:
    """Return a file's text, None when it isn't there; raise ProjectError where it is no UTF-8."""
    content = tree.read(path)
    try:
        return content.decode() if content is not None else None
    except UnicodeDecodeError as error:
        hint = "save it as UTF-8, or take it away"
        raise ProjectError(f"{path}: not UTF-8", at=Mark(path, 1), hint=hint) from error


def _lines(text: str) -> list[str]:
    # Not splitlines, which also breaks at form feeds and the like, as no other reader of a diff does.
    return re.findall(r"[^\n]*\n|[^\n]+", text)
