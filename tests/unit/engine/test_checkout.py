"""What git is asked of a project."""

from __future__ import annotations

import subprocess
from pathlib import Path

from relbuild.engine.checkout import commit_time, default_branch


def git(directory: Path, *argv: str) -> None:
    subprocess.run(("git", "-C", directory, *argv), check=True, capture_output=True)


def test_the_default_branch_is_origins_else_the_current_one(tmp_path: Path) -> None:
    assert (default_branch(tmp_path), commit_time(tmp_path)) == (None, None)
    git(tmp_path, "init", "--initial-branch", "team/trunk")
    (tmp_path / "backend").mkdir()
    assert (default_branch(tmp_path / "backend"), commit_time(tmp_path)) == ("team/trunk", None)
    git(tmp_path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/master")
    assert default_branch(tmp_path / "backend") == "master"


def test_a_commit_that_is_checked_out_is_no_branch(tmp_path: Path) -> None:
    git(tmp_path, "init")
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    git(tmp_path, *identity, "commit", "--allow-empty", "--message", "one", "--date", "@1700000000 +0000")
    git(tmp_path, "checkout", "--detach")
    assert default_branch(tmp_path) is None
    assert commit_time(tmp_path) is not None
