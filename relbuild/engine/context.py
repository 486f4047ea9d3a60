"""What a build is given of a directory, in a digest: equal digests are equal inputs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from relbuild.image.ignore import Ignored
from relbuild.values import dataclass

# Bytes; a larger context isn't read for what that may save.
MOST = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A context at a moment: `content` is of every path with its mode and content, as the builder compares them.

    `times` is of inodes, sizes and times: where that is another, something was written, whatever is there now.
    """

    content: str
    times: str


def snapshot(root: Path, ignored: Ignored) -> Snapshot | None:
    """Return what a directory holds; None where a part of it can't be read, or is no file, or it is more than MOST."""
    import hashlib  # it loads OpenSSL, which a verb that builds nothing has no use for

    content = hashlib.sha256()
    try:
        found = sorted(_walk(root, ignored))
        if sum(status.st_size for _, status in found if stat.S_ISREG(status.st_mode)) > MOST:
            return None
        for path, status in found:
            content.update(b"%s\0%o\0" % (os.fsencode(path), status.st_mode))
            if stat.S_ISREG(status.st_mode):
                with (root / path).open("rb") as file:
                    content.update(hashlib.file_digest(file, "sha256").digest())
            elif stat.S_ISLNK(status.st_mode):
                content.update(b"%s\0" % os.fsencode((root / path).readlink()))
            elif not stat.S_ISDIR(status.st_mode):
                return None
    except OSError:
        return None
    return Snapshot(content.hexdigest(), _times(found))


def times(root: Path, ignored: Ignored) -> str | None:
    """Return the `times` that a snapshot would have now; None where the directory can't be read."""
    try:
        return _times(sorted(_walk(root, ignored)))
    except OSError:
        return None


def _times(found: list[tuple[str, os.stat_result]]) -> str:
    import hashlib

    told = hashlib.sha256()
    for path, status in found:
        changed = (status.st_ino, status.st_mode, status.st_mtime_ns, status.st_ctime_ns)
        told.update(repr((os.fsencode(path), status.st_size, changed)).encode())
    return told.hexdigest()


def _walk(root: Path, ignored: Ignored) -> Iterator[tuple[str, os.stat_result]]:
    """Yield each path that isn't left out, with what the file system says of it; links aren't followed."""
    directories = [""]
    while directories:
        here = directories.pop()
        with os.scandir(root / here) as entries:
            for entry in entries:
                path = here + entry.name
                if entry.is_dir(follow_symlinks=False):
                    if ignored.directory(path):
                        continue
                    directories.append(f"{path}/")
                if not ignored.path(path):
                    yield path, entry.stat(follow_symlinks=False)
