"""The directories above a project, in which version managers look, too."""

from __future__ import annotations

from relbuild.errors import ProjectError
from relbuild.facts import Tree

# No project lies deeper in its repository; without a repository nobody knows where to stop.
_DEEPEST = 32


def directories(tree: Tree) -> tuple[str, ...]:
    """Return the way to the project's own directory, "", and to those above it, ``../``, as far as git reaches.

    Without a repository, and where those above can't be read, there is but its own.
    """
    try:
        for levels in range(_DEEPEST):
            # A worktree's and a submodule's .git is a file.
            here = "../" * levels
            if tree.read(f"{here}.git/HEAD") is not None or tree.read(f"{here}.git") is not None:
                return tuple("../" * level for level in range(levels + 1))
    except ProjectError:
        pass
    return ("",)
