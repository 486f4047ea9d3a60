"""Where a configuration stops: what is raised or halted there, and the author's words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.mix.environment import variables
from relbuild.mix.environment.values import Plain, Stop, Value
from relbuild.mix.facts import Known
from relbuild.mix.literals import NotLiteral, quoted, unescape
from relbuild.mix.source import arguments, pair_key, parts

if TYPE_CHECKING:
    from relbuild.mix.environment.calls import Call
    from relbuild.mix.environment.frame import Frame


def raised(frame: Frame, node: Node, piped: list[Value]) -> Value:
    """Note that the start fails here, with what the author says of it."""
    frame.reading.fails_here(frame.at(node), _message(frame, arguments(node)))
    return Stop()


def halted(call: Call) -> Value:
    """Note that the start fails here, unless it ends with exit code 0."""
    code = call.args[0].compute() if call.args and isinstance(call.args[0], Plain) else None
    if call.args and not (isinstance(code, Known) and code.value == 0):
        call.frame.reading.fails_here(call.frame.at(call.node), None)
    return Stop()


def _message(frame: Frame, written: list[Node]) -> str | None:
    """Return what the author wrote for whoever sees it raised."""
    if not written:
        return None
    last = written[-1]
    if last.type == "keywords":
        values = [
            pair.child_by_field_name("value") for pair in parts(last) if pair_key(frame.file.source, pair) == "message"
        ]
        last = next((value for value in values if value is not None), last)
    known = variables.string(frame.walk(last)) if last.type not in ("alias", "keywords") else None
    if known is None and last.type == "string":
        known = _interpolated(frame, last)
    return known.strip() if known and known.strip() else None


def _interpolated(frame: Frame, node: Node) -> str:
    found = []
    for piece in quoted(frame.file.source, node):
        if isinstance(piece, str):
            try:
                found.append(unescape(piece))
            except NotLiteral:
                found.append(piece)
        else:
            value = frame.statements(piece)
            found.append(variables.string(value) or frame.file.source.text(piece))
    return "".join(found)
