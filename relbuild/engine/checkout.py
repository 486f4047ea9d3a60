"""A project's checkout: its git repository, its commit, and the links in it that lead out of it."""

from __future__ import annotations

import os
import posixpath
import re
import subprocess
from pathlib import Path

from relbuild.image.plan.location import Link, Location

# Where a project keeps its code, and what may lie there in any number: those are never looked through.
_CODE = frozenset({"lib", "src", "include", "c_src", "native", "config", "rel", "apps"})
_OTHERS = frozenset({"_build", "deps", "node_modules", "assets", "priv"})


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


def location(root: Path) -> Location:
    """Return where a project lies: below the root of its git repository, or without one below the file system's."""
    own = root.resolve()
    above = (own, *own.parents)
    repository = next((directory for directory in above if (directory / ".git").exists()), None)
    # The whole disk is never a build context.
    outermost = repository or above[max(0, len(above) - 2)]
    return Location(
        own.relative_to(outermost).parts,
        git=repository is not None,
        links=_links(own, outermost),
        here=os.path.relpath(own),
    )


def _links(own: Path, outermost: Path) -> tuple[Link, ...]:
    """Return the links in the project that lead out of it: those in its directory, and at any depth of its code."""
    found, directories = [], [str(own)]
    while directories:
        here = directories.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.is_symlink():
                        found.append(_link(Path(entry.path), own, outermost))
                    elif entry.is_dir() and (entry.name in _CODE if here == str(own) else _is_code(entry.name)):
                        directories.append(entry.path)
        except OSError:
            # The project's reader reports what is wrong.
            continue
    return tuple(sorted((link for link in found if link is not None), key=lambda link: link.name))


def _is_code(name: str) -> bool:
    return name not in _OTHERS and not name.startswith(".")


def _link(path: Path, own: Path, outermost: Path) -> Link | None:
    try:
        target, end = str(path.readlink()), path.resolve()
    except (OSError, RuntimeError):
        # A circular one, of which the project's reading tells.
        return None
    name = path.relative_to(own).as_posix()
    if posixpath.isabs(target) or not end.is_relative_to(outermost):
        return Link(name, target, None)
    up = os.path.relpath(end, own).split("/").count("..")
    return Link(name, target, up) if up else None
