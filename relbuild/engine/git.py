"""What git knows of a project."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path


def commit_time(root: Path) -> int | None:
    """Return when the commit that is checked out was made, in seconds since 1970; None outside of a repository."""
    said = _ask(root, "log", "-1", "--format=%ct")
    return int(said) if said is not None and said.isdigit() else None


def head(root: Path) -> str | None:
    """Return the commit that is checked out; None outside of a repository."""
    return _ask(root, "rev-parse", "--verify", "--quiet", "HEAD")


def dirty(root: Path) -> bool:
    """Return whether the directory has changes that are not committed; False outside of a repository."""
    return bool(_ask(root, "status", "--porcelain", "--", "."))


def default_branch(root: Path) -> str | None:
    """Return the branch that work goes to: the one origin had as its own when it was cloned, else the current one.

    None outside of a repository, and where neither is known.
    """
    origin = _ask(root, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    if origin:
        return origin.removeprefix("origin/")
    return _ask(root, "symbolic-ref", "--quiet", "--short", "HEAD") or None


def tracked(root: Path) -> frozenset[str] | None:
    """Return the files at or below the directory that git has, by their paths from it; None outside of a repository."""
    said = _ask(root, "ls-files", "-z")
    return frozenset(said.split("\0")) if said is not None else None


def project_name(root: Path) -> str:
    """Return what a project is called wherever it is checked out: its repository's address and its directory there.

    Without a repository that has an address, it is the project's path on this machine.
    """
    remote = _ask(root, "config", "--get", "remote.origin.url")
    prefix = _ask(root, "rev-parse", "--show-prefix") if remote else None
    if not remote or prefix is None:
        return str(root.resolve())
    # One repository by https, ssh and scp's form: without a scheme, a login and .git.
    address = re.sub(r"^(?:\w+://)?(?:[^/@]*@)?", "", remote).replace(":", "/").rstrip("/").removesuffix(".git")
    return f"{address}/{prefix}"


def _ask(root: Path, *question: str) -> str | None:
    """Return what git says, None where it can't answer."""
    try:
        asked = subprocess.run(("git", "-C", str(root), *question), capture_output=True, text=True)
    except OSError:  # no git here
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
