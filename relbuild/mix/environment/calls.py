"""Calls in a configuration file: of its own functions, the project's, function values and Elixir's library."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir import library
from relbuild.elixir.modules import Module, default_of
from relbuild.elixir.syntax import arguments, child, operand, operands, operator, parts
from relbuild.mix.environment import control, functions, patterns, tables, variables
from relbuild.mix.environment.conditions import ALWAYS
from relbuild.mix.environment.values import Closure, NoReturn, Static, UnknownValue, Value

if TYPE_CHECKING:
    from relbuild.mix.environment.files import File
    from relbuild.mix.environment.frame import Frame


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function: its arguments with the nodes they are written as (None for what is piped in)."""

    frame: Frame
    name: str
    args: list[Value]
    nodes: list[Node | None]
    node: Node
    whole: Node

    def unknown_value(self, present: bool = False) -> Value:
        """Return that nothing is known of what it gives."""
        return self.frame.unknown_value(self.whole, present, self.args)

    def written(self, index: int) -> Node:
        """Return the node that an argument is written as; the call's where it is piped in."""
        return (self.nodes[index] if index < len(self.nodes) else None) or self.node

    def text(self, index: int) -> str:
        """Return an argument as it is written."""
        node = self.nodes[index] if index < len(self.nodes) else None
        value = self.args[index]
        written = value.text if isinstance(value, Static | UnknownValue) else "a value"
        return self.frame.text(node) if node is not None else written


def call(frame: Frame, node: Node, piped: list[Value], whole: Node) -> Value:
    """Follow a call; what is piped into it comes before its own arguments."""
    target = node.child_by_field_name("target") if node.type == "call" else node
    assert target is not None
    if target.type == "identifier":
        name = frame.file.source.text(target)
        special = control.CONTROL.get(name) or functions.SPECIAL.get(name)
        if special is not None:
            return special(frame, node, piped)
    written = arguments(node) if node.type == "call" else []
    configuring = frame.reading.configuring
    if target.type == "identifier" and frame.file.source.text(target) == "config" and len(written) > 1:
        frame.reading.configuring = frame.file.source.text(written[1])
    args = [*piped, *(_argument(frame, argument) for argument in written)]
    frame.reading.configuring = configuring
    if any(isinstance(argument, NoReturn) for argument in args):
        return NoReturn()
    block = child(node, "do_block")
    if block is not None:
        with frame.reading.under(frame.opaque(target)):
            frame.inner().statements(block)
    nodes = [*(None for _ in piped), *written]
    if target.type == "identifier":
        return _dispatch(Call(frame, frame.file.source.text(target), args, nodes, node, whole))
    left, right = target.child_by_field_name("left"), target.child_by_field_name("right")
    if target.type != "dot" or left is None:
        return frame.unknown_value(whole)
    if right is None:
        return apply(frame, frame.walk(left), args, node)
    name = frame.file.source.text(right)
    module = _module_of(frame, left)
    if module is None:
        return frame.unknown_value(whole, of=args)
    return _dispatch(Call(frame, f"{module}.{name}", args, nodes, node, whole))


def _argument(frame: Frame, node: Node) -> Value:
    if node.type != "keywords":
        return frame.walk(node)
    frame.children(node)
    return frame.plain(node, present=True)


def _module_of(frame: Frame, left: Node) -> str | None:
    text = frame.file.source.text(left)
    if left.type == "alias":
        return frame.file.evaluator.module_name(text) or text
    if left.type == "atom":
        return text
    if text == "__MODULE__" and frame.module is not None:
        return frame.module.name
    return variables.atom(frame.walk(left))


def function(frame: Frame, name: str, args: list[Value], node: Node) -> Value:
    """Follow a function of the frame's module; unknown where the module hasn't got it."""
    module = frame.module
    if module is None or not any(each.name == name and len(args) in each.arities for each in module.clauses):
        return frame.unknown_value(node)
    call = Call(frame, name, args, [None] * len(args), node, node)
    return _clauses(call, frame.file, module, name)


def named(frame: Frame, name: str, args: list[Value], node: Node) -> Value:
    """Follow a call of a plain name."""
    return _dispatch(Call(frame, name, args, [None] * len(args), node, node))


def _dispatch(call: Call) -> Value:
    own = _own(call)
    if own is not None:
        return _defined(call, *own)
    call = _qualified(call)
    if call.args:
        call.frame.reading.uses.called(call.name, call.args[0])
    functions.refuse_nil(call)
    function = functions.FUNCTIONS.get(call.name)
    if function is not None:
        return function(call)
    taken = variables.given_away(call)
    if taken is not None:
        return taken
    if (call.name, len(call.args)) in library.FUNCTIONS:
        return call.frame.plain(call.whole, call.name.startswith(tables.GIVES_TEXT), call.args)
    if call.name.startswith(tables.KNOWN):
        return call.unknown_value(present=call.name.startswith(tables.GIVES_TEXT))
    return variables.perhaps_reads(call)


def _qualified(call: Call) -> Call:
    """Return a call of an imported function of Elixir's library, or of Dotenvy, with the module's name."""
    name, arity = call.name, len(call.args)
    if "." in name or name in functions.FUNCTIONS:
        return call
    for each in call.frame.file.imports:
        full = f"{each.module}.{name}"
        known = full in functions.FUNCTIONS or (full, arity) in library.FUNCTIONS or each.names(name, arity)
        if known and each.brings(name, arity):
            return replace(call, name=full)
    return call


def _own(call: Call) -> tuple[File, Module, str] | None:
    """Return the function that is meant, where it is one of a file that can be followed."""
    module_name, dot, name = call.name.rpartition(".")
    frame, arity = call.frame, len(call.args)
    candidates = []
    if dot:
        if not call.name.startswith(tables.KNOWN):
            candidates = [frame.reading.files.module(module_name)]
    else:
        inside = (frame.file, frame.module) if frame.module is not None else None
        candidates = [inside]
        if name not in functions.FUNCTIONS and not name.startswith(tables.KNOWN):
            imports = (each.module for each in frame.file.imports if each.brings(name, arity))
            candidates += map(frame.reading.files.module, imports)
    for found in candidates:
        if found is None:
            continue
        file, module = found
        clauses = [clause for clause in module.clauses if clause.name == name and arity in clause.arities]
        if not dot and module is not frame.module:
            clauses = [clause for clause in clauses if clause.public]
        if clauses and module.hidden_functions.isdisjoint((name, "*")):
            return file, module, name
    return None


def _defined(call: Call, file: File, module: Module, name: str) -> Value:
    frame = call.frame
    return frame.reading.call(frame, call.node, f"{module.name}.{name}", lambda: _clauses(call, file, module, name))


def _clauses(call: Call, file: File, module: Module, name: str) -> Value:
    """Follow a function's clauses, each where none before it takes the arguments."""
    args, outer = list(call.args), call.frame.within(file, module, {})
    found = [clause for clause in module.clauses if clause.name == name]
    full = next(clause for clause in found if len(args) in clause.arities)
    if len(full.parameters) > len(args):
        args = _with_defaults(outer, full.parameters, full.defaults, args)
    cases = []
    for clause in found:
        if len(clause.parameters) != len(args) or clause.expressions is None:
            continue
        heads = [operands(each)[0] if default_of(each) is not None else each for each in clause.parameters]
        condition, bindings = patterns.match_head(outer, heads, args)
        if clause.guard is not None:
            condition = patterns.guarded(outer, condition, bindings, clause.guard)
        cases.append((condition, bindings, list(clause.expressions)))
        if condition == ALWAYS:
            break
    return control.first_of(outer, cases, call.frame.text(call.node))


def _with_defaults(frame: Frame, parameters: tuple[Node, ...], defaults: int, args: list[Value]) -> list[Value]:
    spare, given = len(args) - (len(parameters) - defaults), iter(args)
    full: list[Value] = []
    for parameter in parameters:
        default = default_of(parameter)
        if default is None or spare > 0:
            spare -= default is not None
            full.append(next(given))
        else:
            full.append(frame.walk(default))
    return full


def apply(frame: Frame, function: Value, args: list[Value], node: Node) -> Value:
    """Follow a function value with these arguments."""
    if not isinstance(function, Closure):
        return frame.unknown_value(node, of=args)
    frame.reading.used(function)
    name = f"{function.file.source.file}:{function.node.start_byte}"
    return frame.reading.call(frame, node, name, lambda: _applied(frame, function, args, node))


def _applied(frame: Frame, function: Closure, args: list[Value], node: Node) -> Value:
    inner = frame.within(function.file, frame.module, function.bindings)
    if function.node.type == "anonymous_function":
        stabs = [part for part in parts(function.node) if part.type == "stab_clause"]
        return control.clauses(inner, stabs, args, frame.text(node), frame.at(node))
    body = operand(function.node)
    assert body is not None
    if body.type == "binary_operator" and operator(body) == "/" and operands(body)[1].type == "integer":
        name = operands(body)[0]
        text = inner.file.source.text(name.child_by_field_name("target") or name)
        return _captured(inner, text, args, body)
    return inner.inner({f"&{i}": arg for i, arg in enumerate(args, 1)}).walk(body)


def _captured(frame: Frame, name: str, args: list[Value], node: Node) -> Value:
    module, dot, function = name.rpartition(".")
    full = f"{frame.file.evaluator.module_name(module) or module}.{function}" if dot else name
    return _dispatch(Call(frame, full, args, [None] * len(args), node, node))
