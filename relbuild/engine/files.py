"""Reading a project's files, and writing what relbuild generates."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import posixpath
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from relbuild import cache
from relbuild.errors import CommandFailed, ConfigError, Mark, ProjectError, UsageError

# No file that relbuild parses is larger; a larger one is a mistake, and reading it would only cost time.
MAX_FILE = 16 * 1024 * 1024


class ProjectTree:
    """The files of a directory, as the readers of a project see them; each is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents: dict[str, bytes | None] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def read(self, path: str) -> bytes | None:
        """Return the file's content, or None when there is no such file."""
        if path not in self._contents:
            self._contents[path] = self._read(path)
        return self._contents[path]

    def _read(self, path: str) -> bytes | None:
        try:
            with (self._root / path).open("rb") as file:
                content = file.read(MAX_FILE + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _circular(self._looping(path)) from error
            raise ProjectError(f"{path}: {reason(error)}", at=Mark(path, 1), hint="make it readable") from error
        if len(content) > MAX_FILE:
            raise ProjectError(
                f"{path}: larger than {MAX_FILE >> 20} MiB", at=Mark(path, 1), hint="is it the right file?"
            )
        return content

    def list(self, directory: str) -> tuple[str, ...]:
        """Return the names in a directory, sorted, a directory's with a ``/`` at its end; () when there is none.

        A link to nothing isn't there. Raises ProjectError for one that leads around in a circle, as nobody who follows
        it would come to an end: not Mix, whose `**` does, either.
        """
        if directory not in self._names:
            self._names[directory] = self._list(directory)
        return self._names[directory]

    def _list(self, directory: str) -> tuple[str, ...]:
        try:
            with os.scandir(self._root / directory) as entries:
                names = [self._name(directory, entry) for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            at = Mark(directory or ".", 1)
            raise ProjectError(f"{directory or '.'}: {reason(error)}", at=at, hint="make it readable") from error
        return tuple(sorted(name for name in names if name is not None))

    def _name(self, directory: str, entry: os.DirEntry[str]) -> str | None:
        if entry.is_symlink() and not self._leads_somewhere(directory, entry):
            return None
        try:
            return f"{entry.name}/" if entry.is_dir() else entry.name
        except OSError:
            return entry.name

    def _looping(self, path: str) -> str:
        """Return the first part of a path that is a circular link: the file itself, or a directory above it."""
        parts = path.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return next((each for each in above if not (self._root / each).exists()), path)

    def _leads_somewhere(self, directory: str, link: os.DirEntry[str]) -> bool:
        """Return whether a link leads to anything; raise ProjectError for one that leads back to itself."""
        try:
            link.stat()
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _circular(posixpath.join(directory, link.name)) from error
            return True
        target = Path(link.path).resolve()
        parts = posixpath.normpath(directory).split("/")
        above = ["/".join(parts[:count]) for count in range(len(parts) + 1) if count or parts[0] != ".."]
        if any((self._root / each).resolve().is_relative_to(target) for each in above):
            raise _circular(posixpath.join(directory, link.name))
        return True


def _circular(path: str) -> ProjectError:
    return ProjectError(
        f"{path}: a circular symbolic link", at=Mark(path, 1), hint="remove it: who follows it comes to no end"
    )


def reason(error: OSError) -> str:
    """Return the system's message for a sentence."""
    return (error.strerror or str(error)).lower()


def digest(text: str) -> str:
    """Return the SHA-256 of a text, which may have what is no UTF-8 in a path."""
    import hashlib  # it loads OpenSSL, which a verb that builds nothing has no use for

    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def short_hash(text: str) -> str:
    """Return enough of a text's digest to name a file of the cache by."""
    return digest(text)[:16]


def build_directory(generated: Mapping[str, str]) -> Path:
    """Write generated files, by their paths, to a directory of the user's cache and return it.

    The directory is named by their content: equal input gives an equal command line, and two builds at once don't
    disturb each other. Raises CommandFailed when the cache can't be written.
    """
    directory = cache.directory() / "builds" / short_hash(json.dumps(sorted(generated.items())))
    try:
        for name, content in generated.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, content)
    except OSError as error:
        raise _no_cache(directory, error) from error
    return directory


def _no_cache(directory: Path, error: OSError) -> CommandFailed:
    return CommandFailed(
        f"can't write to {directory}: {reason(error)}", hint="XDG_CACHE_HOME names another cache directory"
    )


def empty_directory(kind: str, name: str) -> Path:
    """Return a directory of the user's cache for what is brought from an engine, emptied of an earlier call's files.

    Equal names give equal directories. Raises CommandFailed when the cache can't be written.
    """
    directory = cache.directory() / kind / short_hash(name)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for file in directory.iterdir():
            file.unlink()
    except OSError as error:
        raise _no_cache(directory, error) from error
    return directory


def remember(path: Path, content: str) -> None:
    """Write a file to the user's cache; where that can't be written nothing is remembered."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(path, content)


def write(path: Path, content: str, *, parent: bool = False) -> None:
    """Replace a file's content in one step: a reader sees the old or the new, never a part.

    What a link leads to is replaced, not the link; a fifo or a device is written to. A new file gets the mode that the
    umask leaves, another keeps its own. With `parent` its directory is made. Raises CommandFailed when it can't be
    written.
    """
    try:
        if parent:
            path.parent.mkdir(exist_ok=True)
        _replace(path, content)
    except OSError as error:
        raise _unwritable(path, error) from error


def require_writable(option: str, file: str) -> None:
    """Raise CommandFailed where a file can't be written, before what takes long; UsageError where none is named."""
    if not file:
        raise UsageError.empty(option)
    path = Path(file)
    target = Path(os.path.realpath(path))
    try:
        through = path.exists() and not target.is_file()
        if path.is_dir():
            raise _failure(errno.EISDIR)
        if not through and not target.parent.is_dir():
            raise _failure(errno.ENOTDIR if target.parent.exists() else errno.ENOENT)
        if not os.access(path if through else target.parent, os.W_OK):
            raise _failure(errno.EACCES)
    except OSError as error:
        raise _unwritable(path, error) from error


def _failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _unwritable(path: Path, error: OSError) -> CommandFailed:
    return CommandFailed(
        f"can't write {path}: {reason(error)}", hint="name a file in a directory that is there and can be written to"
    )


def _replace(path: Path, content: str) -> None:
    target = Path(os.path.realpath(path))
    # Of /dev/stdout that is no path: what the link says of a pipe is a description of it.
    if path.exists() and not target.is_file():
        with path.open("w", encoding="utf-8") as stream:
            stream.write(content)
        return
    new = target.with_name(f".relbuild-{os.urandom(6).hex()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "w", encoding="utf-8") as file:
        try:
            file.write(content)
            file.flush()
            with contextlib.suppress(FileNotFoundError):
                os.fchmod(file.fileno(), stat.S_IMODE(target.stat().st_mode))
            new.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                new.unlink()
            raise


def free(directory: str) -> int:
    """Return the bytes that a user's program can still write to the disk that a directory is on."""
    disk = os.statvfs(directory)
    return disk.f_bavail * disk.f_frsize


def read_text(path: Path) -> str | None:
    """Return a generated file's text, or None when it isn't there; raise CommandFailed when it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandFailed(f"can't read {path}: {reason(error)}", at=Mark(str(path), 1)) from error


def take_text(path: Path) -> str | None:
    """Return a file's text and remove the file; None when it isn't there."""
    text = read_text(path)
    path.unlink(missing_ok=True)
    return text


def read_bytes(path: Path) -> bytes | None:
    """Return a file's content, or None when it isn't there.

    Raises ConfigError when it can't be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"can't read {path}: {reason(error)}", at=Mark(str(path), 1)) from error


def write_all(root: Path, changes: Mapping[str, tuple[str | None, str | None]]) -> None:
    """Write all files or none: each is given as it was (None: it didn't exist) and as it becomes (None: it is removed).

    A directory that is empty then is removed, too, as with git. Raises CommandFailed when one can't be written or
    removed, and when one has changed meanwhile.
    """
    done = _Done([], [], [])
    path = root
    try:
        # Removals come last: a file is put aside only when all others are written.
        for name, (before, after) in sorted(changes.items(), key=lambda change: change[1][1] is None):
            path = root / name
            if before is not None and path.read_bytes() != before.encode():
                raise CommandFailed(f"{name} has changed meanwhile: nothing was written", hint="run it again")
            _write_one(path, before, after, done)
    except BaseException as error:
        _undo(done)
        if isinstance(error, OSError):
            place = path.relative_to(root)
            raise CommandFailed(f"can't write {place}: {reason(error)}; nothing was written") from error
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
        # "x": never over a file that someone else has made meanwhile.
        with path.open("x", encoding="utf-8", newline="") as file:
            done.made.append(path)
            file.write(after)
    else:
        write(path, after)
        done.changed.append((path, before))


def _make_directories(directory: Path, made: list[Path]) -> None:
    """Make a directory and those above it that are missing, and record them."""
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
            write(path, before)
    for path in reversed(done.made):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()
