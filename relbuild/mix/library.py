"""The functions of Elixir's standard library whose value is surely known from their arguments and the project's files.

Each takes its arguments as terms and returns a value or a term, or raises Undecided where the result isn't sure. What
they do is what hexdocs.pm/elixir says of them.
"""

from __future__ import annotations

from collections.abc import Callable

from relbuild.mix import literals
from relbuild.mix.coerce import Undecided, charlist, exactly, known, limited, make_list, number, text, to_string, whole
from relbuild.mix.context import Context, Pure, at
from relbuild.mix.facts import Known
from relbuild.mix.library_files import FILES
from relbuild.mix.library_lists import LISTS, atom_name
from relbuild.mix.terms import Atom, Function, List, Map, Term, TreePath, Tuple, Value, atom


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
    return make_list(at(context, value) for value in found)


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
    return List(tuple(at(context, ord(char)) for char in to_string(known(term))))


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
    (":os.type", 0): lambda context: Tuple((at(context, Atom("unix")), at(context, Atom("linux")))),
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
