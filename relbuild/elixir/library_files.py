"""What Elixir's functions on paths and on the project's files return, and which files they read."""

from __future__ import annotations

import posixpath
import re

from relbuild.elixir.coerce import Context, Pure, Undecided, at_call, exactly, expand, known, limited, place, text
from relbuild.elixir.config_imports import closure, matching
from relbuild.elixir.values import Atom, Term, TreePath, Tuple, Value
from relbuild.errors import ProjectError

# Written by the build or left out of it: what the tree has there is not what the release's build sees.
_NOT_THE_SAME_IN_A_BUILD = {".git", "_build", "deps", "node_modules"}


def _path_join(context: Context, left: Term, right: Term | None = None) -> Value:
    pieces = exactly(left) if right is None else [left, right]
    if len(pieces) < 2:
        raise Undecided("there is nothing to join")
    first, *rest = [known(piece) for piece in pieces]
    for piece in rest:
        if isinstance(first, TreePath) and isinstance(piece, str):
            # Path.join doesn't resolve `..`, but the tree has no links that would make a difference.
            first = expand(piece.lstrip("/") or ".", first.path)
        elif isinstance(first, str) and isinstance(piece, str) and first and piece and "//" not in (first, piece):
            first = f"{first.rstrip('/')}/{piece.strip('/')}"
        else:
            raise Undecided("what the path becomes isn't known")
    return first


def _path_expand(context: Context, path: Term, base: Term | None = None) -> Value:
    value = known(path)
    if isinstance(value, TreePath):
        return value
    return expand(text(path), place(base, context.directory) if base is not None else context.directory)


def _dirname(context: Context, path: Term) -> Value:
    value = known(path)
    if not isinstance(value, TreePath):
        raise Undecided("what the path becomes isn't known")
    return expand("..", value.path)


def _basename(context: Context, path: Term) -> Value:
    value = known(path)
    found = posixpath.basename(value.path if isinstance(value, TreePath) else text(path))
    if not found or found.startswith(".."):
        raise Undecided("what the directory is called isn't known")
    return found


def _place(context: Context, path: Term) -> str:
    """Return the path in the tree; raise Undecided for what the build doesn't have as the tree has it."""
    where = place(path, context.directory)
    parts = set(where.split("/"))
    if ".git" in parts:
        context.git.append(context.at)
    if _NOT_THE_SAME_IN_A_BUILD & parts:
        raise Undecided(f"{where} is not part of the project")
    return where


def _content(context: Context, path: Term) -> str:
    where = _place(context, path)
    try:
        content = context.tree.read(where)
    except ProjectError as error:
        raise Undecided(f"{where} can't be read") from error
    if content is None:
        raise Undecided(f"there is no {where}")
    context.reads.add(where)
    try:
        return limited(content.decode())
    except UnicodeDecodeError as error:
        raise Undecided(f"{where} is not UTF-8") from error


def _read(context: Context, path: Term) -> Value:
    return Tuple((at_call(context, Atom("ok")), at_call(context, _content(context, path))))


def _opened(context: Context, path: Term, *options: Term) -> Value:
    _content(context, path)
    raise Undecided("only Elixir can read it")


def _code(context: Context, path: Term, base: Term | None = None) -> Value:
    named = path if base is None else at_call(context, _path_expand(context, path, base))
    _content(context, named)
    context.required.append(place(named, context.directory))
    raise Undecided("only Elixir can evaluate the file")


def _config(context: Context, path: Term, *options: Term) -> Value:
    """Collect a configuration file and the files that it imports, also by way of one another."""
    _content(context, path)
    context.reads.update(closure(context.tree, [_place(context, path)]))
    raise Undecided("only Elixir can evaluate the file")


def _exists(context: Context, path: Term) -> Value:
    # Its absence proves nothing: a step of the build may write it.
    _content(context, path)
    return True


def _listing(context: Context, path: Term | None = None) -> Value:
    where = _place(context, path) if path is not None else context.directory
    if where and context.tree.list(where):
        context.reads.add(f"{where}/")
    raise Undecided("what the directory has in the build isn't known")


def _wildcard(context: Context, pattern: Term, options: Term | None = None) -> Value:
    where = _place(context, pattern)
    plain = re.split(r"/?[^/]*[*?\[{]", where)[0]
    if re.search(r"\*\*|[\[{]", where):
        return _listing(context, at_call(context, TreePath(plain)))
    context.reads.update(matching(context.tree, where))
    raise Undecided("which files the build has isn't known")


READERS = ("File.", "Code.", "Path.wildcard", ":file.", "EEx.", "Config.Reader.", "Mix.Config.")
"""The functions below that read files begin so."""

FILES: dict[tuple[str, int], Pure] = {
    ("Path.join", 1): _path_join,
    ("Path.join", 2): _path_join,
    ("Path.expand", 1): _path_expand,
    ("Path.expand", 2): _path_expand,
    ("Path.dirname", 1): _dirname,
    ("Path.basename", 1): _basename,
    ("File.cwd!", 0): lambda context: TreePath(context.directory),
    ("File.read!", 1): _content,
    ("File.read", 1): _read,
    (":file.read_file", 1): _read,
    ("File.exists?", 1): _exists,
    ("File.regular?", 1): _exists,
    **{(name, 1): _listing for name in ("File.ls", "File.ls!", "File.dir?", ":file.list_dir")},
    **{(name, 0): _listing for name in ("File.ls", "File.ls!")},
    **{("Path.wildcard", count): _wildcard for count in (1, 2)},
    **{(f"File.{name}", count): _opened for name in ("open", "open!", "stat", "stat!") for count in (1, 2, 3)},
    **{("File.stream!", count): _opened for count in (1, 2, 3)},
    **{(f"EEx.{name}", count): _opened for name in ("eval_file", "compile_file") for count in (1, 2, 3)},
    **{(f":file.{name}", count): _opened for name in ("consult", "script", "eval", "open") for count in (1, 2)},
    **{(f"Code.{name}_file", count): _code for name in ("require", "compile", "eval", "load") for count in (1, 2)},
    **{(f"Config.Reader.{name}!", count): _config for name in ("read", "read_imports") for count in (1, 2)},
    **{(f"Mix.Config.{name}!", count): _config for name in ("read", "eval") for count in (1, 2)},
}
