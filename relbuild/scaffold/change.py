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
    def diff(self) -> str:
        """The change as `git apply` takes it, and `patch -p1` where nothing is hidden or empty."""
        if self.after is None and self.secret:
            return _unseen_removal(self.path, self.before or "")
        if not (self.before or self.after):
            mode = "deleted" if self.after is None else "new"
            return f"diff --git a/{self.path} b/{self.path}\n{mode} file mode 100644\n"
        old = f"a/{self.path}" if self.before is not None else "/dev/null"
        new = f"b/{self.path}" if self.after is not None else "/dev/null"
        lines = unified_diff(_lines(self.before or ""), _lines(self.after or ""), old, new)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _unseen_removal(path: str, before: str) -> str:
    """Return git's patch of a binary file that goes: it names the content by its hash alone."""
    import hashlib  # it loads OpenSSL, which hardly any diff has a use for

    content = before.encode()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return (
        f"diff --git a/{path} b/{path}\ndeleted file mode 100644\nindex {blob}..{'0' * 40}\n"
        "GIT binary patch\nliteral 0\nHcmV?d00001\n\n"
    )


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
