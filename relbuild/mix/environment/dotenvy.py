"""Dotenvy's functions (hexdocs.pm/dotenvy): what they read, what they convert it to, and where they raise."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from relbuild.mix.environment import variables
from relbuild.mix.environment.conditions import ALWAYS, EMPTY, Among, Condition, Opaque, is_set, missing, negation
from relbuild.mix.environment.contract import Use
from relbuild.mix.environment.values import NIL, Closure, Plain, Something, Text, Truth, Value, Whole, choice
from relbuild.mix.facts import Known
from relbuild.mix.source import parts
from relbuild.mix.terms import Atom

if TYPE_CHECKING:
    from relbuild.mix.environment.calls import Call

# What is false, whatever its case; nobody writes fAlse (Dotenvy.Transformer.to!/2).
_FALSE = frozenset({"", "0", "false", "False", "FALSE"})
# Types whose values are never nil or false, but for an empty text where the type ends in `?`.
_PRESENT = ("charlist", "float", "integer", "module")


def _source(call: Call) -> Value:
    """Note whether Dotenvy reads files beside the environment."""
    node = call.nodes[0] if call.nodes else None
    inputs = parts(node) if node is not None and node.type == "list" else [node] if node is not None else []
    of_environment = [isinstance(call.frame.walk(each), Whole) for each in inputs]
    call.frame.reading.dotenvy_files |= not of_environment or not all(of_environment)
    return call.something(present=True)


def _env(call: Call) -> Value:
    """Follow `env!`, which raises where the variable isn't set and has no default."""
    name = variables.variable(call.frame, call.args[0], call.written(0)) if call.args else None
    if name is None:
        return call.something()
    variables.note(call.frame, name, call.args[0], call.written(0))
    own = _own(call, name)
    kind = _kind(call)
    with call.frame.reading.under(own):
        if len(call.args) > 2:
            variables.note_default(call.frame, name, call.args[2], call.text(2))
            value = choice(
                [(is_set(name), _converted(call, name, kind)), (missing(name), call.args[2])],
                call.frame.text(call.whole),
            )
        else:
            test = Among(name, EMPTY) if kind is not None and kind.endswith("!") else missing(name)
            call.frame.reading.fails(test, call.frame.at(call.written(0)))
            value = _converted(call, name, kind)
    return choice([(own, value), (negation(own), Something(name))], call.frame.text(call.whole))


def _own(call: Call, name: str) -> Condition:
    """Return when the variable's value is the environment's."""
    reading = call.frame.reading
    return Opaque(f"no file that Dotenvy reads sets {name}", of=reading) if reading.dotenvy_files else ALWAYS


def _kind(call: Call) -> str | None:
    """Return the type that the value is converted to; None for a function, and for what isn't known."""
    if len(call.args) < 2:
        return "string"
    term = call.args[1].compute() if isinstance(call.args[1], Plain) else None
    return term.value.name if isinstance(term, Known) and isinstance(term.value, Atom) else None


def _converted(call: Call, name: str, kind: str | None) -> Value:
    """Return what a variable that is set becomes."""
    if kind is None:
        return _by_function(call, name)
    plain = kind.rstrip("?!")
    if plain in ("integer", "float", "boolean", "module", "atom"):
        call.frame.reading.uses.parsed(Text(name), Use(plain))  # type: ignore[arg-type]
    value: Value = Something(call.frame.text(call.whole), present=plain in _PRESENT)
    if plain == "string":
        value = Text(name)
    elif plain == "boolean":
        value = Truth(Among(name, _FALSE, inside=False))
    empty = Among(name, frozenset({""}))
    return choice([(empty, NIL), (negation(empty), value)], name) if kind.endswith("?") else value


def _by_function(call: Call, name: str) -> Value:
    if not isinstance(call.args[1], Closure):
        return call.something()
    with call.frame.reading.under(is_set(name)) as reachable:
        return call.frame.apply(call.args[1], [Text(name)], call.node) if reachable else call.something()


FUNCTIONS: dict[str, Callable[[Call], Value]] = {
    "Dotenvy.source": _source,
    "Dotenvy.source!": _source,
    "Dotenvy.env": _env,
    "Dotenvy.env!": _env,
}
