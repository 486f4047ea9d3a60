"""The functions of Elixir's standard library whose value is surely known from their arguments and the project's files.

Each takes its arguments as terms and returns a value or a term, or raises Undecided where the result isn't sure. What
they do is what hexdocs.pm/elixir says of them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from typing import Protocol, TypeAlias

from relbuild.errors import Mark, ProjectError
from relbuild.mix import literals
from relbuild.mix.coerce import (
    Undecided,
    charlist,
    exactly,
    expand,
    known,
    limited,
    listed,
    make_list,
    number,
    place,
    text,
    to_string,
    whole,
)
from relbuild.mix.facts import Known, Tree, Unknown
from relbuild.mix.terms import Atom, Function, Gap, Item, List, Map, Term, TreePath, Tuple, Value, atom, get, same


class Context(Protocol):
    """What a function may see besides its arguments: where it is called, the project's files, other functions."""

    @property
    def at(self) -> Mark: ...
    @property
    def tree(self) -> Tree: ...
    @property
    def directory(self) -> str: ...
    @property
    def reads(self) -> set[str]: ...
    def apply(self, function: Term, args: list[Term]) -> Term:
        """Return what a function value gives for the arguments."""


Result: TypeAlias = Value | Known[Value] | Unknown
Pure: TypeAlias = Callable[..., Result]

# Written by the build or left out of it: what the tree has there is not what the release's build sees.
_NOT_THE_SAME_IN_A_BUILD = {".git", "_build", "deps", "node_modules"}


def _at(context: Context, value: Value) -> Known[Value]:
    return Known(value, context.at)


# Strings


def _trim(context: Context, term: Term) -> Value:
    return text(term).strip(literals.WHITESPACE)


def _trim_start(context: Context, term: Term) -> Value:
    return text(term).lstrip(literals.WHITESPACE)


def _trim_end(context: Context, term: Term) -> Value:
    return text(term).rstrip(literals.WHITESPACE)


def _trim_start_of(context: Context, term: Term, prefix: Term) -> Value:
    value, cut = text(term), text(prefix)
    while cut and value.startswith(cut):
        value = value.removeprefix(cut)
    return value


def _trim_end_of(context: Context, term: Term, suffix: Term) -> Value:
    value, cut = text(term), text(suffix)
    while cut and value.endswith(cut):
        value = value.removesuffix(cut)
    return value


def _strings(context: Context, found: list[str]) -> List:
    return make_list(_at(context, value) for value in found)


def _words(context: Context, term: Term) -> Value:
    return _strings(context, literals.words(text(term)))


def _split(context: Context, term: Term, pattern: Term, options: Term | None = None) -> Value:
    separator = text(pattern)
    if not separator:
        raise Undecided("it splits at every character")
    trim, limit = False, -1
    for item in exactly(options) if options is not None else []:
        match whole(item):
            case Tuple((Known(Atom("trim"), _), Known(bool(value), _))):
                trim = value
            case Tuple((Known(Atom("parts"), _), Known(int(value), _))) if value > 0:
                limit = value - 1
            case _:
                raise Undecided("one of its options isn't known here")
    if trim and limit >= 0:
        raise Undecided("it has both trim and parts")
    return _strings(context, [part for part in text(term).split(separator, limit) if part or not trim])


def _replace(context: Context, term: Term, pattern: Term, replacement: Term) -> Value:
    value, old = text(term), text(pattern)
    if not old:
        raise Undecided("it replaces the empty string")
    return limited(value.replace(old, text(replacement)))


def _ascii(change: Callable[[str], str]) -> Pure:
    def changed(context: Context, term: Term) -> Value:
        value = text(term)
        if not value.isascii():
            raise Undecided("its case follows Unicode's rules")
        return change(value)

    return changed


def _fixes(test: Callable[[str, str], bool]) -> Pure:
    def tested(context: Context, term: Term, other: Term) -> Value:
        choices = [other] if isinstance(known(other), str) else exactly(other)
        return any(test(text(term), text(choice)) for choice in choices)

    return tested


def _to_integer(context: Context, term: Term) -> Value:
    value = text(term)
    if (
        not value.removeprefix("-").isascii()
        or not value.removeprefix("-").isdigit()
        or len(value) > literals.MAX_DIGITS
    ):
        raise Undecided("it is no plain integer")
    return int(value)


def _join(context: Context, term: Term, separator: Term | None = None) -> Value:
    between = text(separator) if separator is not None else ""
    return limited(between.join(to_string(whole(item)) for item in exactly(term)))


# Lists and keyword lists


def _head(context: Context, term: Term) -> Result:
    found = listed(term)
    if not found:
        raise Undecided("the list is empty")
    known(found[0])
    return found[0]  # type: ignore[return-value]


def _first(context: Context, term: Term) -> Result:
    return _head(context, term) if listed(term) else None


def _tail(context: Context, term: Term) -> Result:
    _head(context, term)
    return List(listed(term)[1:])


def _last(context: Context, term: Term) -> Result:
    return _last_of(exactly(term))


def _last_of(found: list[Term]) -> Result:
    return found[-1] if found else None


def _at_index(context: Context, term: Term, index: Term) -> Result:
    found, wanted = exactly(term), number(index)
    return found[wanted] if -len(found) <= wanted < len(found) else None


def _element(context: Context, term: Term, index: Term) -> Result:
    value, wanted = known(term), number(index)
    if not isinstance(value, Tuple) or not 0 <= wanted < len(value.items):
        raise Undecided("it is no tuple of that size")
    return value.items[wanted]


def append(left: Term, right: Term) -> Value:
    """Return what `++` gives, with a gap for a side that isn't known."""
    sides = [(Gap(side),) if isinstance(side, Unknown) else listed(side) for side in (left, right)]
    return make_list([*sides[0], *sides[1]])


def subtract(left: Term, right: Term) -> Value:
    kept: list[Term] = exactly(left)
    for item in exactly(right):
        answers = [same(item, other) for other in kept]
        if None in answers:
            raise Undecided("which elements are equal isn't known")
        if True in answers:
            del kept[answers.index(True)]
    return make_list(kept)


def _concat(context: Context, term: Term) -> Value:
    made: list[Item] = []
    for item in exactly(term):
        made.extend([Gap(item)] if isinstance(item, Unknown) else listed(item))
    return make_list(made)


def _keep(context: Context, term: Term, test: Term, wanted: bool) -> Value:
    kept: list[Item] = []
    for item in listed(term):
        if isinstance(item, Gap):
            kept.append(item)
            continue
        answer = context.apply(test, [item])
        if isinstance(answer, Unknown):
            kept.append(Gap(answer))
        elif (answer.value is not None and answer.value is not False) == wanted:
            kept.append(item)
    return make_list(kept)


def _map(context: Context, term: Term, function: Term) -> Value:
    return make_list(item if isinstance(item, Gap) else context.apply(function, [item]) for item in listed(term))


def _flat_map(context: Context, term: Term, function: Term) -> Value:
    return _concat(context, Known(List(tuple(exactly(Known(_map(context, term, function), context.at)))), context.at))


def _keys(pairs: tuple[Item, ...]) -> Iterator[tuple[Value, Item]]:
    for item in pairs:
        value = known(item)
        if not isinstance(value, Tuple) or len(value.items) != 2:
            raise Undecided("it is no keyword list")
        yield known(value.items[0]), item


def _merge(context: Context, left: Term, right: Term) -> Value:
    """Return what Keyword.merge/2 gives.

    Where a side isn't wholly known the order of the result isn't the real one, but what a key is found to be is.
    """
    certain, gap = _certain(right)
    keys = {key for key, _ in _keys(tuple(certain))}
    if gap is not None:
        return make_list([*certain, gap])
    base = (Gap(left),) if isinstance(left, Unknown) else listed(left)
    kept = [item for item in base if isinstance(item, Gap | Unknown) or next(_keys((item,)))[0] not in keys]
    return make_list([*kept, *certain] if all(isinstance(item, Known) for item in kept) else [*certain, *kept])


def _certain(term: Term) -> tuple[list[Item], Gap | None]:
    """Return the elements of a keyword list that come before the first with an unknown key, and the gap after them."""
    if isinstance(term, Unknown):
        return [], Gap(term)
    found: list[Item] = []
    for item in listed(term):
        try:
            next(_keys((item,)))
        except Undecided as undecided:
            if undecided.unknown is None:
                raise
            return found, Gap(undecided.unknown)
        found.append(item)
    return found, None


def _put(context: Context, term: Term, key: Term, value: Term) -> Value:
    pair = _at(context, Tuple((_at(context, known(key)), value)))
    return make_list([pair, *listed(_at(context, _drop(context, term, _at(context, List((key,))))))])


def _put_new(context: Context, term: Term, key: Term, value: Term) -> Result:
    found = get(_keywords(term), _name(key))
    if isinstance(found, Unknown):
        raise Undecided(found.reason, found)
    return make_list([_at(context, Tuple((key, value))), *listed(term)]) if found is None else term


def _drop(context: Context, term: Term, keys: Term) -> Value:
    dropped = [_name(key) for key in exactly(keys)]
    return make_list(item for key, item in _keys(listed(term)) if _plain_name(key) not in dropped)


def _take(context: Context, term: Term, keys: Term) -> Value:
    taken = [_name(key) for key in exactly(keys)]
    return make_list(item for key, item in _keys(listed(term)) if _plain_name(key) in taken)


def _name(key: Term) -> str:
    return _plain_name(known(key))


def _plain_name(value: Value) -> str:
    if isinstance(value, Atom | bool) or value is None:
        return "nil" if value is None else to_string(value)
    raise Undecided("a key is no atom")


def _keywords(term: Term) -> List:
    value = known(term)
    if not isinstance(value, List):
        raise Undecided("a list is needed here")
    return value


def fetch(context: Context, term: Term, key: Term, default: Term | None = None) -> Result:
    """Return what `term[key]`, Keyword.get and Map.get give."""
    value = known(term)
    if value is None and default is None:
        return None
    if isinstance(value, Map):
        for name, found in value.pairs:
            answer = same(name, key)
            if answer is None:
                raise Undecided("which of its keys is meant isn't known")
            if answer:
                return found
        return default
    found_value = get(_keywords(term), _name(key))
    return found_value if found_value is not None else default


def fetch_present(context: Context, term: Term, key: Term) -> Result:
    """Return what Keyword.fetch! gives; without the key it raises in Elixir too."""
    value = known(term)
    found = fetch(context, term, key) if isinstance(value, Map) else get(_keywords(term), _name(key))
    if found is None:
        raise Undecided("it has no such key")
    return found


# Paths and files


def _path_join(context: Context, left: Term, right: Term | None = None) -> Value:
    pieces = exactly(left) if right is None else [left, right]
    if len(pieces) < 2:
        raise Undecided("there is nothing to join")
    first, *rest = [known(piece) for piece in pieces]
    for piece in rest:
        if isinstance(first, TreePath) and isinstance(piece, str):
            # Path.join doesn't resolve `..`, but the tree has no links that would make a difference.
            first = expand(piece.lstrip("/") or ".", first.path)
        elif isinstance(first, str) and isinstance(piece, str) and piece and "//" not in first + piece and first:
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
    if where.startswith("..") or _NOT_THE_SAME_IN_A_BUILD & set(where.split("/")):
        raise Undecided(f"{where} is not part of the project")
    context.reads.add(where)
    try:
        content = context.tree.read(where)
    except ProjectError as error:
        raise Undecided(f"{where} can't be read") from error
    if content is None:
        raise Undecided(f"there is no {where}")
    try:
        return limited(content.decode())
    except UnicodeDecodeError as error:
        raise Undecided(f"{where} is not UTF-8") from error


def _read(context: Context, path: Term) -> Value:
    return Tuple((_at(context, Atom("ok")), _at(context, _content(context, path))))


def _exists(context: Context, path: Term) -> Value:
    # Its absence proves nothing: a step of the build may write it.
    _content(context, path)
    return True


# Tests


def _is(*types: type) -> Pure:
    def tested(context: Context, term: Term) -> Value:
        value = known(term)
        if isinstance(value, TreePath):
            value = ""
        return isinstance(value, types) and (bool in types or not isinstance(value, bool))

    return tested


def _is_atom(context: Context, term: Term) -> Value:
    value = known(term)
    return value is None or isinstance(value, bool | Atom)


def _size(context: Context, term: Term) -> Value:
    return len(exactly(term))


def _atom_name(context: Context, term: Term) -> Value:
    return _name(term)


def _charlist(context: Context, term: Term) -> Value:
    return List(tuple(_at(context, ord(char)) for char in to_string(known(term))))


def _list_text(context: Context, term: Term) -> Value:
    value = known(term)
    if not isinstance(value, List):
        raise Undecided("a list is needed here")
    return charlist(value)


FUNCTIONS: dict[tuple[str, int], Pure] = {
    ("Mix.env", 0): lambda context: Atom("prod"),
    ("Mix.target", 0): lambda context: Atom("host"),
    ("String.trim", 1): _trim,
    ("String.trim_leading", 1): _trim_start,
    ("String.trim_trailing", 1): _trim_end,
    ("String.trim_leading", 2): _trim_start_of,
    ("String.trim_trailing", 2): _trim_end_of,
    ("String.replace_prefix", 3): lambda context, term, old, new: (
        text(new) + text(term).removeprefix(text(old)) if text(term).startswith(text(old)) else text(term)
    ),
    ("String.replace_suffix", 3): lambda context, term, old, new: (
        text(term).removesuffix(text(old)) + text(new) if text(term).endswith(text(old)) else text(term)
    ),
    ("String.split", 1): _words,
    ("String.split", 2): _split,
    ("String.split", 3): _split,
    ("String.replace", 3): _replace,
    ("String.downcase", 1): _ascii(str.lower),
    ("String.upcase", 1): _ascii(str.upper),
    ("String.starts_with?", 2): _fixes(str.startswith),
    ("String.ends_with?", 2): _fixes(str.endswith),
    ("String.contains?", 2): _fixes(lambda value, part: part in value),
    ("String.to_atom", 1): lambda context, term: atom(text(term)),
    ("String.to_integer", 1): _to_integer,
    ("String.to_charlist", 1): _charlist,
    ("to_charlist", 1): _charlist,
    ("to_string", 1): lambda context, term: to_string(whole(term)),
    ("Atom.to_string", 1): _atom_name,
    ("Integer.to_string", 1): lambda context, term: str(number(term)),
    ("List.to_string", 1): _list_text,
    ("hd", 1): _head,
    ("tl", 1): _tail,
    ("length", 1): _size,
    ("elem", 2): _element,
    ("List.first", 1): _first,
    ("List.last", 1): _last,
    ("Enum.at", 2): _at_index,
    ("Enum.join", 1): _join,
    ("Enum.join", 2): _join,
    ("Enum.concat", 1): _concat,
    ("Enum.concat", 2): lambda context, left, right: append(left, right),
    ("Enum.map", 2): _map,
    ("Enum.flat_map", 2): _flat_map,
    ("Enum.filter", 2): lambda context, term, test: _keep(context, term, test, True),
    ("Enum.reject", 2): lambda context, term, test: _keep(context, term, test, False),
    ("Keyword.merge", 2): _merge,
    ("Keyword.put", 3): _put,
    ("Keyword.put_new", 3): _put_new,
    ("Keyword.delete", 2): lambda context, term, key: _drop(context, term, _at(context, List((key,)))),
    ("Keyword.drop", 2): _drop,
    ("Keyword.take", 2): _take,
    ("Keyword.get", 2): fetch,
    ("Keyword.get", 3): fetch,
    ("Keyword.fetch!", 2): fetch_present,
    ("Map.get", 2): fetch,
    ("Map.get", 3): fetch,
    ("Map.fetch!", 2): fetch_present,
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
    ("is_binary", 1): _is(str),
    ("is_integer", 1): _is(int),
    ("is_list", 1): _is(List),
    ("is_tuple", 1): _is(Tuple),
    ("is_map", 1): _is(Map),
    ("is_function", 1): _is(Function),
    ("is_boolean", 1): _is(bool),
    ("is_atom", 1): _is_atom,
    ("is_nil", 1): lambda context, term: known(term) is None,
}

# What a release's build is given is decided when it runs.
ENVIRONMENT = {"System.get_env", "System.fetch_env", "System.fetch_env!", "System.cmd", "System.shell", ":os.cmd"}
