"""What Elixir's functions on paths and on the project's files surely give."""

from __future__ import annotations

import posixpath

from relbuild.errors import ProjectError
from relbuild.mix.coerce import Undecided, exactly, expand, known, limited, place, text
from relbuild.mix.context import Context, Pure, at
from relbuild.mix.terms import Atom, Term, TreePath, Tuple, Value

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


def _content(context: Context, path: Term) -> str:
    where = place(path, context.directory)
    if _NOT_THE_SAME_IN_A_BUILD & set(where.split("/")):
        raise Undecided(f"{where} is not part of the project")
    if where.startswith(".."):
        context.reads.add(where)
        raise Undecided(f"{where} is outside the project's directory")
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
    return Tuple((at(context, Atom("ok")), at(context, _content(context, path))))


def _code(context: Context, path: Term, base: Term | None = None) -> Value:
    _content(context, path if base is None else at(context, _path_expand(context, path, base)))
    raise Undecided("only Elixir can evaluate the file")


def _exists(context: Context, path: Term) -> Value:
    # Its absence proves nothing: a step of the build may write it.
    _content(context, path)
    return True


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
    ("File.exists?", 1): _exists,
    ("File.regular?", 1): _exists,
    ("File.stream!", 1): _code,
    ("Code.require_file", 1): _code,
    ("Code.require_file", 2): _code,
    ("Code.compile_file", 1): _code,
    ("Code.compile_file", 2): _code,
    ("Code.eval_file", 1): _code,
    ("Code.eval_file", 2): _code,
}
