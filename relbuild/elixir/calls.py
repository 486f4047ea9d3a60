"""Calls: of the file's own functions, of function values and of Elixir's library, clause by clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir import build_environment, coerce, control, library, modules
from relbuild.elixir.coerce import Pure, Undecided
from relbuild.elixir.modules import Clause, Module, Scope
from relbuild.elixir.syntax import arguments, child, operand, operands, operator
from relbuild.elixir.values import Atom, Function, Map, Term, atom
from relbuild.errors import Mark
from relbuild.facts import Known, Tree, Unknown

if TYPE_CHECKING:
    from relbuild.elixir.evaluate import Evaluator


@dataclass(slots=True)
class Call:
    """The place of a call, for a library function."""

    on: Evaluator
    node: Node

    @property
    def at(self) -> Mark:
        """Where the call is written."""
        return self.on.source.mark(self.node)

    @property
    def tree(self) -> Tree:
        """The project's files."""
        return self.on.tree

    @property
    def directory(self) -> str:
        """The directory of relative paths, relative to the tree's root."""
        return self.on.directory if self.on.cwd is None else self.on.cwd

    @property
    def reads(self) -> set[str]:
        """The files that are read so far."""
        return self.on.reads

    @property
    def required(self) -> list[str]:
        """The files that are evaluated so far."""
        return self.on.required

    @property
    def git(self) -> list[Mark]:
        """The places that need a git repository, so far."""
        return self.on.git

    def apply(self, function: Term, args: list[Term]) -> Term:
        """Return what a function value gives for the arguments; Unknown instead of raising."""
        return self.on.guarded(self.node, lambda: apply(self.on, function, args, self.node))


def call(on: Evaluator, node: Node, scope: Scope, piped: list[Term] | None = None) -> Term:
    """Return the value of a call; what is piped into it comes before its own arguments."""
    target = node.child_by_field_name("target") if node.type == "call" else node
    assert target is not None
    if target.type == "identifier":
        special = control.SPECIAL.get(on.source.text(target))
        if special is not None:
            return special(on, node, scope, piped or [])
    if child(node, "do_block") is not None:
        raise Undecided("only Elixir can evaluate it")
    args = [*(piped or []), *(on.evaluate(argument, scope) for argument in arguments(node))]
    return _dispatch(on, target, args, scope, node)


def _dispatch(on: Evaluator, target: Node, args: list[Term], scope: Scope, at: Node) -> Term:
    if target.type == "identifier":
        return _named(on, on.source.text(target), args, scope, at)
    left, right = target.child_by_field_name("left"), target.child_by_field_name("right")
    if target.type != "dot" or left is None:
        raise Undecided("only Elixir can evaluate it")
    if right is None:
        return apply(on, on.evaluate(left, scope), args, at)
    name = on.source.text(right)
    subject = coerce.known(on.evaluate(left, scope))
    if isinstance(subject, Map) and not args:
        return _library(on, library.fetch_present, [on.known(left, subject), on.known(right, atom(name))], at)
    full = str(subject) if isinstance(subject, Atom) else ""
    own = next((module for module in on.modules if module.name == full), None)
    return local(on, own, name, args, at, public=True) if own is not None else _outside(on, f"{full}.{name}", args, at)


def _named(on: Evaluator, name: str, args: list[Term], scope: Scope, at: Node) -> Term:
    module = scope.module
    if module is not None and (name in module.hidden_functions or any(c.name == name for c in module.clauses)):
        return local(on, module, name, args, at)
    return _outside(on, name, args, at)


def _outside(on: Evaluator, name: str, args: list[Term], at: Node) -> Term:
    if name in build_environment.CALLS:
        return build_environment.call_system(on, name, args, at)
    build_environment.require_unset(on, name, args)
    pure = library.FUNCTIONS.get((name, len(args)))
    if pure is None:
        raise Undecided(f"only Elixir can evaluate {name}/{len(args)}")
    return _library(on, pure, args, at)


def _library(on: Evaluator, pure: Pure, args: list[Term], at: Node) -> Term:
    result = pure(Call(on, at), *args)
    return result if isinstance(result, Known | Unknown) else on.known(at, result)


def local(on: Evaluator, module: Module, name: str, args: list[Term], at: Node, public: bool = False) -> Term:
    """Return what a function of the file gives for the arguments."""
    found = [c for c in module.clauses if c.name == name and len(args) in c.arities and (c.public or not public)]
    if not found or not module.hidden_functions.isdisjoint((name, "*")):
        raise Undecided(f"{name}/{len(args)} is no plain function of this file")
    with_defaults = next((clause for clause in found if clause.defaults), found[0])
    full = _with_defaults(on, with_defaults, args, Scope(module, {}))
    for clause in (c for c in module.clauses if c.name == name and len(c.parameters) == len(full)):
        if clause.expressions is None:
            continue
        inner = control.enter(on, clause.parameters, clause.guard, full, Scope(module, {}))
        if inner is None:
            raise Undecided(f"which clause of {name}/{len(args)} is meant can't be told", control.first_unknown(args))
        if inner is not False:
            return on.block(list(clause.expressions), inner, clause.node)
    raise Undecided(f"no clause of {name}/{len(args)} takes these arguments")


def _with_defaults(on: Evaluator, clause: Clause, args: list[Term], scope: Scope) -> list[Term]:
    spare = len(args) - (len(clause.parameters) - clause.defaults)
    given = iter(args)
    full: list[Term] = []
    for parameter in clause.parameters:
        default = modules.default_of(parameter)
        if default is None or spare > 0:
            spare -= default is not None
            full.append(next(given))
        else:
            full.append(on.evaluate(default, scope))
    return full


def apply(on: Evaluator, function: Term, args: list[Term], at: Node) -> Term:
    """Return what a function value gives for the arguments."""
    value = coerce.known(function)
    if not isinstance(value, Function):
        raise Undecided("it is no function that can be followed")
    node, scope = value.node, Scope(on.module_of(value.node), value.bindings)
    if node.type == "anonymous_function":
        return control.choose(on, node, args, scope, at)
    inner = operand(node)
    assert inner is not None
    if inner.type == "binary_operator" and operator(inner) == "/" and operands(inner)[1].type == "integer":
        named, arity = operands(inner)
        if on.source.text(arity) != str(len(args)):
            raise Undecided("it takes another number of arguments")
        target = named.child_by_field_name("target") if named.type == "call" else named
        return _dispatch(on, target or named, args, scope, named)
    return on.evaluate(inner, scope.having({f"&{i}": arg for i, arg in enumerate(args, 1)}))
