"""Functions of Elixir's library whose value follows from their arguments: on texts, lists, keyword lists and maps.

Each takes its arguments as terms and returns a value or a term, or raises Undecided where the result isn't sure. What
they do is what hexdocs.pm/elixir documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from relbuild.elixir import literals
from relbuild.elixir.coerce import (
    Context,
    Pure,
    Result,
    Undecided,
    at_call,
    charlist,
    exactly,
    known,
    limited,
    listed,
    make_list,
    number,
    text,
    to_string,
    whole,
)
from relbuild.elixir.library_files import FILES
from relbuild.elixir.values import Atom, Function, Gap, Item, List, Map, Term, TreePath, Tuple, Value, atom, get, same
from relbuild.facts import Known, Unknown


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
    pair = at_call(context, Tuple((at_call(context, known(key)), value)))
    return make_list([pair, *listed(at_call(context, _drop(context, term, at_call(context, List((key,))))))])


def _drop(context: Context, term: Term, keys: Term) -> Value:
    dropped = [atom_name(key) for key in exactly(keys)]
    return make_list(item for key, item in _keys(listed(term)) if _plain_name(key) not in dropped)


def _take(context: Context, term: Term, keys: Term) -> Value:
    taken = [atom_name(key) for key in exactly(keys)]
    return make_list(item for key, item in _keys(listed(term)) if _plain_name(key) in taken)


def atom_name(key: Term) -> str:
    """Return the name of a term that is an atom, also of nil, true and false."""
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
    found_value = get(_keywords(term), atom_name(key))
    return found_value if found_value is not None else default


def fetch_present(context: Context, term: Term, key: Term) -> Result:
    """Return what Keyword.fetch! gives; without the key it raises in Elixir too."""
    value = known(term)
    found = fetch(context, term, key) if isinstance(value, Map) else get(_keywords(term), atom_name(key))
    if found is None:
        raise Undecided("it has no such key")
    return found


def _join(context: Context, term: Term, separator: Term | None = None) -> Value:
    between = text(separator) if separator is not None else ""
    return limited(between.join(to_string(whole(item)) for item in exactly(term)))


def _size(context: Context, term: Term) -> Value:
    return len(exactly(term))


def _flatten(context: Context, term: Term) -> Value:
    return make_list(_flat(listed(term)))


def _flat(found: tuple[Item, ...]) -> Iterator[Item]:
    for item in found:
        if isinstance(item, Unknown):
            # It may be a list itself, and so stand for any number of elements.
            yield Gap(item)
        elif isinstance(item, Known) and isinstance(item.value, List):
            yield from _flat(item.value.items)
        else:
            yield item


LISTS: dict[tuple[str, int], Pure] = {
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
    ("Keyword.delete", 2): lambda context, term, key: _drop(context, term, at_call(context, List((key,)))),
    ("Keyword.take", 2): _take,
    ("Keyword.get", 2): fetch,
    ("Keyword.get", 3): fetch,
    ("Keyword.fetch!", 2): fetch_present,
    ("Map.get", 2): fetch,
    ("Map.get", 3): fetch,
    ("Map.fetch!", 2): fetch_present,
    ("List.flatten", 1): _flatten,
}


def _trim(context: Context, term: Term) -> Value:
    return text(term).strip(literals.WHITESPACE)


def _trim_start(context: Context, term: Term) -> Value:
    return text(term).lstrip(literals.WHITESPACE)


def _trim_end(context: Context, term: Term) -> Value:
    return text(term).rstrip(literals.WHITESPACE)


def _strings(context: Context, found: list[str]) -> List:
    return make_list(at_call(context, value) for value in found)


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


def _charlist(context: Context, term: Term) -> Value:
    return List(tuple(at_call(context, ord(char)) for char in to_string(known(term))))


def _list_text(context: Context, term: Term) -> Value:
    value = known(term)
    if not isinstance(value, List):
        raise Undecided("a list is needed here")
    return charlist(value)


FUNCTIONS: dict[tuple[str, int], Pure] = {
    **LISTS,
    **FILES,
    ("Mix.env", 0): lambda context: Atom("prod"),
    ("Mix.target", 0): lambda context: Atom("host"),
    ("config_env", 0): lambda context: Atom("prod"),
    ("config_target", 0): lambda context: Atom("host"),
    ("Config.config_env", 0): lambda context: Atom("prod"),
    ("Config.config_target", 0): lambda context: Atom("host"),
    # Every image is one of Linux.
    (":os.type", 0): lambda context: Tuple((at_call(context, Atom("unix")), at_call(context, Atom("linux")))),
    ("String.trim", 1): _trim,
    ("String.trim_leading", 1): _trim_start,
    ("String.trim_trailing", 1): _trim_end,
    ("String.replace_prefix", 3): lambda context, term, old, new: (
        text(new) + text(term).removeprefix(text(old)) if text(term).startswith(text(old)) else text(term)
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
    ("Atom.to_string", 1): lambda context, term: atom_name(term),
    ("Integer.to_string", 1): lambda context, term: str(number(term)),
    ("List.to_string", 1): _list_text,
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
