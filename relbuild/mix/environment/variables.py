"""The environment's variables: where a configuration reads one, what stands in for it, and what it gives."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.errors import Mark
from relbuild.mix.environment.conditions import ALWAYS, Condition, Opaque, is_set, missing, negation
from relbuild.mix.environment.values import Choice, Plain, Something, Text, Value, choice, is_nil
from relbuild.mix.facts import Known, Unknown

if TYPE_CHECKING:
    from relbuild.mix.environment.calls import Call
    from relbuild.mix.environment.frame import Frame

# What a variable's name looks like, and hardly anything else.
_NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
# Libraries that set variables from files.
_LOADERS = ("Dotenv.", "DotenvParser.", "Envy.", "ExDotenv.")


def string(value: Value) -> str | None:
    """Return a text that is known."""
    term = value.compute() if isinstance(value, Plain) else None
    return term.value if isinstance(term, Known) and isinstance(term.value, str) else None


def read(frame: Frame, name: Value, node: Node, whole: Node, default: Value | None = None, shown: str = "") -> Value:
    """Note that a variable is read and return its value, or what stands in for it."""
    known = variable(frame, name, node)
    if known is None:
        return Something(shown or "a variable whose name is computed")
    note(frame, known, name, node)
    if default is None or is_nil(default, "") == ALWAYS:
        return as_given(frame, known, Text(known))
    note_default(frame, known, default, shown)
    found = choice([(is_set(known), Text(known)), (missing(known), default)], frame.text(whole))
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
    return choice([(condition, value), (negation(condition), Something(name))], name)


def variable(frame: Frame, name: Value, node: Node) -> str | None:
    """Return the variable's name; None, after saying so, where it is computed from what isn't known."""
    known = string(name)
    if known is None:
        what = f"the variable named by `{frame.text(node)}`"
        frame.reading.note(Unknown(what, "its name is computed", frame.at(node)))
    return known if known and "\0" not in known and "=" not in known else None


def note(frame: Frame, name: str, value: Value, node: Node) -> None:
    """Note that the variable whose name is that value is read here; it stands where its name is written out."""
    at = frame.at(node)
    frame.reading.access(name, at, at if node.type == "string" else _written(name, value))


def _written(name: str, value: Value) -> Mark | None:
    term = value.compute() if isinstance(value, Plain) and value.text == f'"{name}"' else None
    return term.at if term is not None else None


def note_default(frame: Frame, name: str, value: Value, shown: str = "") -> None:
    """Note what stands in for the variable at the place that read it last."""
    term = value.compute() if isinstance(value, Plain) else None
    if isinstance(term, Known) and (isinstance(term.value, str | int | float)):
        literal = term.value
        text = {True: "true", False: "false"}[literal] if isinstance(literal, bool) else str(literal)
        frame.reading.default(name, text, literal=True)
    elif not (isinstance(term, Known) and term.value is None):
        described = value.text if isinstance(value, Plain | Something | Choice) else shown
        text = value.variable if isinstance(value, Text) else described
        frame.reading.default(name, text, literal=False)


def perhaps_read(call: Call) -> Value:
    """Note a call of what can't be followed, which may read a variable that it names; nothing is known of its value."""
    if call.name.startswith(_LOADERS):
        call.frame.reading.elsewhere = call.frame.reading.elsewhere or call.frame.text(call.whole)
    for value in call.args:
        name = string(value)
        if name is not None and _NAME.fullmatch(name):
            frame = call.frame
            reason = f"{call.name}/{len(call.args)} can't be followed, so what it needs {name} for can't be told"
            frame.reading.note(Unknown(name, reason, frame.at(call.node)))
    return call.something()
