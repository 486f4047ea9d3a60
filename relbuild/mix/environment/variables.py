"""Reads of environment variables, by Elixir's functions and by Dotenvy's: where, with what default, and their value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir.coerce import Undecided, charlist
from relbuild.elixir.syntax import Source, parts
from relbuild.elixir.values import Atom, List, Term
from relbuild.errors import Mark
from relbuild.facts import Known, Unknown
from relbuild.mix.environment import tables
from relbuild.mix.environment.conditions import (
    ALWAYS,
    EMPTY,
    NEVER,
    Condition,
    OneOf,
    Opaque,
    is_set,
    missing,
    negation,
)
from relbuild.mix.environment.contract import Default, Use, Variable
from relbuild.mix.environment.values import (
    NIL,
    Choice,
    Closure,
    EnvMap,
    EnvVar,
    Static,
    Test,
    UnknownValue,
    Value,
    choice,
    is_nil,
)

if TYPE_CHECKING:
    from relbuild.mix.environment.calls import Call
    from relbuild.mix.environment.frame import Frame


COMPUTED = "its name is computed"
# How the reasons begin that a library of a configuration's reads a variable.
LIBRARY = "the library that gets"
ANY_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# A variable's name, and one that hardly anything else looks like.
NAME = re.compile(r"[A-Z][A-Z0-9_]*")
_NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


def text_of(term: Term) -> str | None:
    """Return a text that is known, also one written as a charlist."""
    value = term.value if isinstance(term, Known) else None
    if isinstance(value, List) and value.items:
        try:
            return charlist(value)
        except Undecided:
            return None
    return value if isinstance(value, str) else None


def string(value: Value) -> str | None:
    """Return a text that is known, also one written as a charlist."""
    return text_of(value.compute()) if isinstance(value, Static) else None


def atom(value: Value) -> str | None:
    """Return an atom that is known as it is written: a module of Elixir by its name, others with their colon."""
    term = value.compute() if isinstance(value, Static) else None
    return str(term.value) if isinstance(term, Known) and isinstance(term.value, Atom) else None


def read(frame: Frame, name: Value, node: Node, whole: Node, default: Value | None = None, shown: str = "") -> Value:
    """Note that a variable is read and return its value, or what stands in for it."""
    known = variable(frame, name, node)
    if known is None:
        return UnknownValue(shown or "a variable whose name is computed")
    note(frame, known, name, node)
    if default is None or is_nil(default, "") == ALWAYS:
        return as_given(frame, known, EnvVar(known))
    note_default(frame, known, default, shown)
    found = choice([(is_set(known), EnvVar(known)), (missing(known), default)], frame.text(whole))
    return as_given(frame, known, found)


def untouched(frame: Frame, name: str) -> Condition:
    """Return when the variable is what the container was given: always, unless something at boot may have set it."""
    assigned = frame.reading.assigned
    return Opaque(f"nothing at boot sets {name} before", of=assigned) if name in assigned else ALWAYS


def as_given(frame: Frame, name: str, value: Value) -> Value:
    """Return the value, which holds as long as nothing has set the variable."""
    condition = untouched(frame, name)
    if condition == ALWAYS:
        return value
    return choice([(condition, value), (negation(condition), UnknownValue(name))], name)


def variable(frame: Frame, name: Value, node: Node) -> str | None:
    """Return the variable's name; None, after saying so, where it is computed from what isn't known."""
    known = string(name)
    if known is None:
        what = f"the variable named by `{frame.text(node)}`"
        frame.reading.note(Unknown(what, COMPUTED, frame.at(node)))
    return known if known and "\0" not in known and "=" not in known else None


def note(frame: Frame, name: str, value: Value, node: Node) -> None:
    """Note that the variable whose name is that value is read here; it stands where its name is written out."""
    at = frame.at(node)
    frame.reading.followed.add((at.file, at.line))
    frame.reading.access(name, at, at if node.type == "string" else _written(name, value))


def _written(name: str, value: Value) -> Mark | None:
    term = value.compute() if isinstance(value, Static) and value.text == f'"{name}"' else None
    return term.at if term is not None else None


def note_default(frame: Frame, name: str, value: Value, shown: str = "") -> None:
    """Note what stands in for the variable at the place that read it last."""
    term = value.compute() if isinstance(value, Static) else None
    if isinstance(term, Known) and (isinstance(term.value, str | int | float)):
        literal = term.value
        text = {True: "true", False: "false"}[literal] if isinstance(literal, bool) else str(literal)
        frame.reading.default(name, text, literal=True)
    elif not (isinstance(term, Known) and term.value is None):
        described = value.text if isinstance(value, Static | UnknownValue | Choice) else shown
        text = value.variable if isinstance(value, EnvVar) else described
        frame.reading.default(name, text, literal=False)


def system_tuple(source: Source, node: Node) -> Variable | Unknown | None:
    """Return the variable of a tuple such as `{:system, "PORT", "4000"}`, which the library that gets it reads.

    Without a default it is Unknown whether that requires it; None for another tuple.
    """
    items = parts(node)
    if len(items) < 2 or source.text(items[0]) != ":system":
        return None
    index = next((i for i, item in enumerate(items) if item.type == "string"), 0)
    name = source.text(items[index])[1:-1]
    if not index or not NAME.fullmatch(name):
        return None
    at = source.mark(items[index])
    if index + 1 == len(items):
        return Unknown(name, f"{LIBRARY} `{source.excerpt(node)}` reads it and may require it", at)
    instead = items[index + 1]
    literal = instead.type in ("string", "integer", "boolean")
    return Variable(name, at, Default(source.text(instead).strip('"'), literal))


def escapes(frame: Frame, node: Node, value: Value) -> Value:
    """Note that all variables are taken, by whom isn't followed; return the value."""
    frame.reading.note(Unknown(f"`{frame.text(node)}`", "it takes all variables", frame.at(node)))
    return value


def given_away(call: Call) -> Value | None:
    """Note a call that gets the map of all variables, by itself or in a list; None where it gets none."""
    found = any(
        isinstance(each, EnvMap)
        for value in call.args
        for each in (value, *(value.items or () if isinstance(value, Static) else ()))
    )
    return escapes(call.frame, call.whole, call.unknown_value()) if found else None


def perhaps_reads(call: Call) -> Value:
    """Note a call that can't be followed, where it names a variable or comes from a dependency."""
    frame, name = call.frame, f"{call.name}/{len(call.args)}"
    if call.name.startswith(tables.LOADERS):
        frame.reading.elsewhere = frame.reading.elsewhere or frame.text(call.whole)
    named = [text for value in call.args if (text := string(value)) is not None and _NAME.fullmatch(text)]
    for text in named:
        frame.reading.note(Unknown(text, f"{name} may read it, and isn't followed", frame.at(call.node)))
    dependency = call.name[:1].isupper() and not call.name.startswith(tables.HARMLESS)
    if not named and (dependency or call.name == "apply") and frame.file.source.file in frame.reading.following:
        frame.reading.note(Unknown(f"`{frame.text(call.whole)}`", f"{name} isn't followed", frame.at(call.node)))
    return call.unknown_value()


# What is false, whatever its case; nobody writes fAlse (Dotenvy.Transformer.to!/2).
_FALSE = frozenset({"", "0", "false", "False", "FALSE"})
# Types whose values are never nil or false, but for an empty text where the type ends in `?`.
_PRESENT = ("charlist", "float", "integer", "module")


def _source(call: Call) -> Value:
    """Note whether Dotenvy reads files beside the environment."""
    node = call.nodes[0] if call.nodes else None
    inputs = parts(node) if node is not None and node.type == "list" else [node] if node is not None else []
    of_environment = [isinstance(call.frame.walk(each), EnvMap) for each in inputs]
    call.frame.reading.dotenvy_files |= not of_environment or not all(of_environment)
    return call.unknown_value(present=True)


def _env(call: Call) -> Value:
    """Follow `env!`, which raises where the variable isn't set and has no default."""
    name = variable(call.frame, call.args[0], call.written(0)) if call.args else None
    if name is None:
        return call.unknown_value()
    note(call.frame, name, call.args[0], call.written(0))
    own = _own(call, name)
    kind = _kind(call)
    with call.frame.reading.under(own):
        if len(call.args) > 2:
            note_default(call.frame, name, call.args[2], call.text(2))
            value = choice(
                [(is_set(name), _converted(call, name, kind)), (missing(name), call.args[2])],
                call.frame.text(call.whole),
            )
        else:
            test = OneOf(name, EMPTY) if kind is not None and kind.endswith("!") else missing(name)
            call.frame.reading.fails(test, call.frame.at(call.written(0)))
            value = _converted(call, name, kind)
    return choice([(own, value), (negation(own), UnknownValue(name))], call.frame.text(call.whole))


def _own(call: Call, name: str) -> Condition:
    """Return when the variable's value is the environment's."""
    reading = call.frame.reading
    if not reading.dotenvy_files:
        return ALWAYS
    if name in reading.overlay_variables:
        return NEVER
    return Opaque(f"no file that Dotenvy reads sets {name}", of=reading)


def _kind(call: Call) -> str | None:
    """Return the type that the value is converted to; None for a function, and for what isn't known."""
    if len(call.args) < 2:
        return "string"
    term = call.args[1].compute() if isinstance(call.args[1], Static) else None
    return term.value.name if isinstance(term, Known) and isinstance(term.value, Atom) else None


def _converted(call: Call, name: str, kind: str | None) -> Value:
    """Return what a variable that is set becomes."""
    if kind is None:
        return _by_function(call, name)
    plain = kind.rstrip("?!")
    if plain in ("integer", "float", "boolean", "module", "atom"):
        call.frame.reading.uses.parsed(EnvVar(name), Use(plain))  # type: ignore[arg-type]
    value: Value = UnknownValue(call.frame.text(call.whole), present=plain in _PRESENT)
    if plain == "string":
        value = EnvVar(name)
    elif plain == "boolean":
        value = Test(OneOf(name, _FALSE, inside=False))
    empty = OneOf(name, frozenset({""}))
    return choice([(empty, NIL), (negation(empty), value)], name) if kind.endswith("?") else value


def _by_function(call: Call, name: str) -> Value:
    if not isinstance(call.args[1], Closure):
        return call.unknown_value()
    with call.frame.reading.under(is_set(name)) as reachable:
        return call.frame.apply(call.args[1], [EnvVar(name)], call.node) if reachable else call.unknown_value()


DOTENVY: dict[str, Callable[[Call], Value]] = {
    "Dotenvy.source": _source,
    "Dotenvy.source!": _source,
    "Dotenvy.env": _env,
    "Dotenvy.env!": _env,
}
