"""Evaluates Elixir expressions as far as that is possible without Elixir; any other value is Unknown, with its reason.

A release is built with MIX_ENV=prod and without MIX_TARGET.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tree_sitter import Node

from relbuild.elixir import calls, coerce, control, library, literals, modules
from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.elixir.coerce import Undecided
from relbuild.elixir.library_files import READERS
from relbuild.elixir.modules import Module, Scope
from relbuild.elixir.patterns import assigned, variables
from relbuild.elixir.syntax import Source, callee, operand, operands, operator, parts, walk
from relbuild.elixir.values import Atom, Function, Term, TreePath, Value
from relbuild.errors import Mark
from relbuild.facts import Known, Tree, Unknown

# Deeper or longer than anything a project means, and well inside Python's own recursion limit.
MAX_DEPTH = 80
MAX_STEPS = 50_000


@dataclass(slots=True)
class Evaluator:
    """Evaluates expressions of one file, which is in a directory of the tree ("" for its root).

    `environment` is the build's, for a file that the build evaluates. `cwd` is the directory of relative paths, where
    it isn't the file's own. `reads` collects the files of the tree that the expressions read, directories with a ``/``,
    `required` those that they evaluate, `git` the places that need a git repository.
    """

    source: Source
    tree: Tree
    directory: str = ""
    environment: BuildEnvironment | None = None
    cwd: str | None = None
    reads: set[str] = field(default_factory=set)
    required: list[str] = field(default_factory=list)
    git: list[Mark] = field(default_factory=list)
    modules: list[Module] = field(init=False)
    _bound_names: frozenset[str] | None = field(default=None, init=False)
    _aliases: dict[str, str | None] | None = field(default=None, init=False)
    _depth: int = field(default=0, init=False)
    _steps: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.modules = modules.modules(self.source)

    @property
    def bound_names(self) -> frozenset[str]:
        """The names that are variables somewhere in the file."""
        if self._bound_names is None:
            self._bound_names = modules.bound_names(self.source)
        return self._bound_names

    @property
    def aliases(self) -> dict[str, str | None]:
        """The full names of the file's short module names, None where one isn't known."""
        if self._aliases is None:
            self._aliases = modules.aliases(self.source, self.modules)
        return self._aliases

    def evaluate(self, node: Node, scope: Scope) -> Term:
        """Return the value of an expression, Unknown where it isn't surely known."""
        self._steps += 1
        if self._depth >= MAX_DEPTH or self._steps > MAX_STEPS:
            return self.unknown(node, "it is too deep or too long to follow")
        self._depth += 1
        try:
            literal = literals.LITERALS.get(node.type)
            if literal is not None:
                return self.known(node, literal(self, node, scope))
            expression = _EXPRESSIONS.get(node.type)
            if expression is None:
                return self.unknown(node, "only Elixir can evaluate it")
            return expression(self, node, scope)
        except Undecided as undecided:
            return undecided.unknown or self.unknown(node, undecided.reason)
        except literals.NotLiteral as reason:
            return self.unknown(node, str(reason))
        finally:
            self._depth -= 1

    def start_anew(self) -> None:
        """Count the steps from here: a file of many expressions is not one expression that is too long."""
        if not self._depth:
            self._steps = 0

    def guarded(self, node: Node, compute: Callable[[], Term]) -> Term:
        """Return what is computed, Unknown of the node when that can't be decided."""
        try:
            return compute()
        except Undecided as undecided:
            return undecided.unknown or self.unknown(node, undecided.reason)

    def call(self, node: Node, scope: Scope, piped: list[Term]) -> Term:
        """Return the value of a call that something is piped into."""
        return calls.call(self, node, scope, piped)

    def known(self, node: Node, value: Value) -> Known[Value]:
        """Return the value as that of the node."""
        return Known(value, self.source.mark(node))

    def unknown(self, node: Node, reason: str) -> Unknown:
        """Return that the node's value isn't known, and why."""
        return Unknown(f"`{self.source.excerpt(node)}`", reason, self.source.mark(node))

    def block(self, expressions: list[Node], scope: Scope, at: Node) -> Term:
        """Return the value of the last expression, after the assignments before it."""
        if not expressions:
            return self.known(at, None)
        inner = scope
        for node in expressions[:-1]:
            inner = self._after(node, inner)
        last = expressions[-1]
        assigns = last.type == "binary_operator" and operator(last) == "="
        return self.evaluate(operands(last)[1] if assigns else last, inner)

    def _after(self, statement: Node, scope: Scope) -> Scope:
        """Return the scope after a statement: with what it assigns, Unknown where that is inside an expression."""
        assigns = statement.type == "binary_operator" and operator(statement) == "="
        left, right = operands(statement) if assigns else (None, statement)
        inside = assigned(right).intersection(scope.bindings or ())
        hidden = {name: self.unknown(statement, f"what {name} is after it isn't known") for name in inside}
        made = control.bind(self, left, self.evaluate(right, scope), scope) if left is not None else {}
        return scope.having({**hidden, **made}) if hidden or made else scope

    def note_reads(self) -> None:
        """Collect the files that any call in the file reads, also one that nothing evaluates."""
        for node in walk(self.source.root):
            pipe = node.type == "binary_operator" and operator(node) == "|>"
            called = operands(node)[1] if pipe else node
            target = called.child_by_field_name("target") if called.type == "call" else None
            if target is not None and self.source.text(target).startswith(READERS):
                self.evaluate(node, Scope(self.module_of(node), {}))

    def module_name(self, written: str) -> str | None:
        """Return a module's full name; None when the file's aliases leave it open."""
        first, dot, rest = written.partition(".")
        if first == "Elixir" and dot:
            return rest
        if "*" in self.aliases:
            return None
        full = self.aliases.get(first, first)
        return f"{full}{dot}{rest}" if full is not None else None

    def module_of(self, node: Node) -> Module | None:
        """Return the innermost module around the node."""
        around = (m for m in self.modules if m.node.start_byte <= node.start_byte and node.end_byte <= m.node.end_byte)
        return min(around, key=lambda module: module.node.end_byte - module.node.start_byte, default=None)


def _identifier(on: Evaluator, node: Node, scope: Scope) -> Term:
    name = on.source.text(node)
    if scope.bindings is not None and name in scope.bindings:
        return scope.bindings[name]
    if name == "__MODULE__" and scope.module is not None:
        return on.known(node, Atom(f"Elixir.{scope.module.name}"))
    if name == "__DIR__":
        return on.known(node, TreePath(on.directory))
    found = _variable(on, name, node) if scope.bindings is None else None
    if found is not None:
        return found
    if scope.module is None or scope.bindings is None or name in on.bound_names:
        raise Undecided("it is set where only Elixir can tell")
    return calls.local(on, scope.module, name, [], node)


def _variable(on: Evaluator, name: str, node: Node) -> Term | None:
    """Return a variable of a module's body or of the file: what it was last set to before the node."""
    module = on.module_of(node)
    statements = parts(on.source.root)
    while module is not None:
        statements = statements + module.statements
        module = module.outer
    before = [statement for statement in statements if statement.end_byte <= node.start_byte]
    for statement in sorted(before, key=lambda statement: statement.start_byte, reverse=True):
        if statement.type == "binary_operator" and operator(statement) == "=":
            left, right = operands(statement)
            if name in variables(left):
                scope = Scope(on.module_of(statement))
                return control.bind(on, left, on.evaluate(right, scope), scope).get(name)
            statement = right
        elif callee(statement) not in control.SPECIAL:
            continue
        if name in assigned(statement):
            raise Undecided("it is set inside an expression")
    return None


def _attribute(on: Evaluator, name: str, node: Node, scope: Scope) -> Term:
    module = scope.module
    if module is None or not module.hidden_attributes.isdisjoint((name, "*")):
        raise Undecided(f"what @{name} is set to can't be told")
    # An attribute is what it was last set to above the place that reads it, also inside a function.
    before = [setter for setter in module.attributes.get(name, ()) if setter.end_byte <= node.start_byte]
    value = modules.attribute_value(before[-1]) if before else None
    if value is None:
        raise Undecided(f"@{name} is not set above it")
    return on.evaluate(value, Scope(module))


def _unary(on: Evaluator, node: Node, scope: Scope) -> Term:
    inner = operand(node)
    assert inner is not None
    match operator(node):
        case "@" if inner.type == "identifier":
            return _attribute(on, on.source.text(inner), node, scope)
        case "-" | "+" as sign:
            value = coerce.known(on.evaluate(inner, scope))
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise Undecided("it is no number")
            return on.known(node, -value if sign == "-" else value)
        case "!" | "not":
            return on.known(node, not control.truthy(on.evaluate(inner, scope)))
        case "&" if inner.type == "integer":
            found = (scope.bindings or {}).get(f"&{on.source.text(inner)}")
            return found if found is not None else on.unknown(node, "it is no argument")
        case "&":
            return _function(on, node, scope)
    raise Undecided("only Elixir can evaluate it")


def _function(on: Evaluator, node: Node, scope: Scope) -> Term:
    return on.known(node, Function(node, scope.bindings or {}))


def _block(on: Evaluator, node: Node, scope: Scope) -> Term:
    return on.block(parts(node), scope, node)


def _access(on: Evaluator, node: Node, scope: Scope) -> Term:
    target, key = node.child_by_field_name("target"), node.child_by_field_name("key")
    assert target is not None
    assert key is not None
    found = library.fetch(calls.Call(on, node), on.evaluate(target, scope), on.evaluate(key, scope))
    return found if isinstance(found, Known | Unknown) else on.known(node, found)


_EXPRESSIONS: dict[str, Callable[[Evaluator, Node, Scope], Term]] = {
    "identifier": _identifier,
    "unary_operator": _unary,
    "binary_operator": control.binary,
    "access_call": _access,
    "call": calls.call,
    "anonymous_function": _function,
    "block": _block,
    "body": _block,
}
