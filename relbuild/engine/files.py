"""Reading a project's files, and writing what relbuild generates."""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import tempfile
from collections.abc import Mapping
from pathlib import Path

from relbuild import cache
from relbuild.errors import CommandFailed, ConfigError, Mark, ProjectError
from relbuild.image.location import Link, Location

# No file that relbuild parses is larger; a larger one is a mistake, and reading it would only cost time.
MAX_FILE = 16 * 1024 * 1024
# Where a project keeps its code, and what may lie there in any number: those are never looked through.
_CODE = frozenset({"lib", "src", "include", "c_src", "native", "config", "rel", "apps"})
_OTHERS = frozenset({"_build", "deps", "node_modules", "assets", "priv"})


class ProjectTree:
    """The files of a directory, as the readers of a project see them."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str) -> bytes | None:
        """Return the file's content, or None when there is no such file."""
        try:
            with (self._root / path).open("rb") as file:
                content = file.read(MAX_FILE + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except IsADirectoryError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise _circular(path) from error
            raise ProjectError(f"{path}: {_reason(error)}", at=Mark(path, 1), hint="make it readable") from error
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
        try:
            with os.scandir(self._root / directory) as entries:
                names = [self._name(directory, entry) for entry in entries]
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            at = Mark(directory or ".", 1)
            raise ProjectError(f"{directory or '.'}: {_reason(error)}", at=at, hint="make it readable") from error
        return tuple(sorted(name for name in names if name is not None))

    def _name(self, directory: str, entry: os.DirEntry[str]) -> str | None:
        if entry.is_symlink() and not self._leads_somewhere(directory, entry):
            return None
        try:
            return f"{entry.name}/" if entry.is_dir() else entry.name
        except OSError:
            return entry.name

    def _leads_somewhere(self, directory: str, link: os.DirEntry[str]) -> bool:
        """Tell whether there is anything behind a link; raise ProjectError when it leads back to where it stands."""
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
            # What is wrong is told where the project is read.
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


def _circular(path: str) -> ProjectError:
    return ProjectError(
        f"{path}: a circular symbolic link", at=Mark(path, 1), hint="remove it: who follows it comes to no end"
    )


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _short_hash(text: str) -> str:
    import hashlib  # it loads OpenSSL, which a verb that builds nothing has no use for

    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def dockerfile_path(dockerfile: str, ignore: str) -> Path:
    """Write the Dockerfile, and its ignore file beside it, to the user's cache and return the Dockerfile's path.

    The directory is named by their content: equal input gives an equal command line, and two builds at once don't
    disturb each other. Raises CommandFailed when the cache can't be written.
    """
    directory = cache.directory() / "builds" / _short_hash(f"{dockerfile}\0{ignore}")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _replace(directory / "Dockerfile", dockerfile)
        _replace(directory / "Dockerfile.dockerignore", ignore)
    except OSError as error:
        raise _no_cache(directory, error) from error
    return directory / "Dockerfile"


def _no_cache(directory: Path, error: OSError) -> CommandFailed:
    return CommandFailed(
        f"can't write to {directory}: {_reason(error)}", hint="XDG_CACHE_HOME names another cache directory"
    )


def empty_directory(kind: str, name: str) -> Path:
    """Return a directory of the user's cache for what is brought from an engine, emptied of an earlier call's files.

    Equal names give equal directories. Raises CommandFailed when the cache can't be written.
    """
    directory = cache.directory() / kind / _short_hash(name)
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
        write(path, content)


def write(path: Path, content: str) -> None:
    """Replace a file's content in one step: a reader sees the old or the new, never a part.

    Raises CommandFailed when it can't be written.
    """
    try:
        _replace(path, content)
    except OSError as error:
        raise CommandFailed(f"can't write {path}: {_reason(error)}", at=Mark(str(path), 1)) from error


def _replace(path: Path, content: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False
    ) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            Path(file.name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(file.name).unlink()
            raise


def write_all(root: Path, changes: Mapping[str, tuple[str | None, str]]) -> None:
    """Write every file, given as it was (None: it wasn't there) and as it is to be, or leave all as they were.

    Raises CommandFailed when one can't be written, and when one isn't any more as it was.
    """
    made: list[Path] = []
    changed: list[tuple[Path, str]] = []
    path = root
    try:
        for name, (before, after) in changes.items():
            path = root / name
            _make_directories(path.parent, made)
            if before is None:
                # "x": a file that someone else has made meanwhile is theirs.
                with path.open("x", encoding="utf-8", newline="") as file:
                    made.append(path)
                    file.write(after)
            elif path.read_bytes() == before.encode():
                write(path, after)
                changed.append((path, before))
            else:
                raise CommandFailed(f"{name} has changed meanwhile: nothing was written", hint="run it again")
    except BaseException as error:
        _undo(made, changed)
        if isinstance(error, OSError):
            place = path.relative_to(root)
            raise CommandFailed(f"can't write {place}: {_reason(error)}; nothing was written") from error
        raise


def _make_directories(directory: Path, made: list[Path]) -> None:
    """Make a directory and those above it that are missing, and note them."""
    missing = [each for each in (directory, *directory.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir()
        made.append(each)


def _undo(made: list[Path], changed: list[tuple[Path, str]]) -> None:
    for path, before in changed:
        with contextlib.suppress(OSError):
            write(path, before)
    for path in reversed(made):
        with contextlib.suppress(OSError):
            path.rmdir() if path.is_dir() else path.unlink()


def read_text(path: Path) -> str | None:
    """Return a generated file's text, or None when it isn't there; raise CommandFailed when it can't be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandFailed(f"can't read {path}: {_reason(error)}", at=Mark(str(path), 1)) from error


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
        raise ConfigError(f"can't read {path}: {_reason(error)}", at=Mark(str(path), 1)) from error
