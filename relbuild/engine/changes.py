"""Changes of a project's files, all of them or none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relbuild.engine import files
from relbuild.errors import CommandFailed


def write_all(root: Path, changes: Mapping[str, tuple[str | None, str | None]]) -> None:
    """Write every file, given as it was (None: it wasn't there) and as it is to be (None: it goes), or leave all alone.

    A directory that is empty then goes, too, as with git. Raises CommandFailed when one can't be written or removed,
    and when one isn't any more as it was.
    """
    done = _Done([], [], [])
    path = root
    try:
        # What goes comes last: it is put aside only when all the rest is written.
        for name, (before, after) in sorted(changes.items(), key=lambda change: change[1][1] is None):
            path = root / name
            if before is not None and path.read_bytes() != before.encode():
                raise CommandFailed(f"{name} has changed meanwhile: nothing was written", hint="run it again")
            _write_one(path, before, after, done)
    except BaseException as error:
        _undo(done)
        if isinstance(error, OSError):
            place = path.relative_to(root)
            raise CommandFailed(f"can't write {place}: {files.reason(error)}; nothing was written") from error
        raise
    for path, aside in done.aside:
        aside.unlink()
        _remove_empty(path.parent, root)


@dataclass(frozen=True, slots=True)
class _Done:
    """What was made, changed (with the text before) and put aside (with where it is now)."""

    made: list[Path]
    changed: list[tuple[Path, str]]
    aside: list[tuple[Path, Path]]


def _write_one(path: Path, before: str | None, after: str | None, done: _Done) -> None:
    if after is None:
        aside = path.with_name(f".relbuild-{os.urandom(6).hex()}")
        path.rename(aside)
        done.aside.append((path, aside))
    elif before is None:
        _make_directories(path.parent, done.made)
        # "x": a file that someone else has made meanwhile is theirs.
        with path.open("x", encoding="utf-8", newline="") as file:
            done.made.append(path)
            file.write(after)
    else:
        files.write(path, after)
        done.changed.append((path, before))


def _make_directories(directory: Path, made: list[Path]) -> None:
    """Make a directory and those above it that are missing, and note them."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir()
        made.append(each)


def _remove_empty(directory: Path, root: Path) -> None:
    with contextlib.suppress(OSError):
        while directory != root:
            directory.rmdir()
            directory = directory.parent


def _undo(done: _Done) -> None:
    for path, aside in done.aside:
        with contextlib.suppress(OSError):
            aside.rename(path)
    for path, before in done.changed:
        with contextlib.suppress(OSError):
            files.write(path, before)
    for path in reversed(done.made):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
