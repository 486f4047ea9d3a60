"""Clauses: which of them takes the values that it is given, and with what its variables bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from tree_sitter import Node

from relbuild.mix.coerce import Undecided
from relbuild.mix.facts import Unknown
from relbuild.mix.modules import Scope
from relbuild.mix.patterns import match, match_all, variables
from relbuild.mix.source import operands, operator, parts
from relbuild.mix.terms import Term, unknowns

if TYPE_CHECKING:
    from relbuild.mix.evaluate import Evaluator

# The scope inside a clause, False when it surely isn't taken, None when that can't be told.
Entered: TypeAlias = Scope | Literal[False] | None


def enter(on: Evaluator, patterns: tuple[Node, ...], guard: Node | None, args: list[Term], scope: Scope) -> Entered:
    """Return the scope inside a clause with these patterns, if the arguments match them and its guard holds."""
    found = match_all(patterns, args, lambda node: on.evaluate(node, scope))
    if found is False or found is None:
        return found
    inner = scope.having(found)
    answer = on.evaluate(guard, inner) if guard is not None else None
    if isinstance(answer, Unknown):
        return None
    return inner if answer is None or answer.value is True else False


def choose(on: Evaluator, block: Node | None, args: list[Term], scope: Scope, at: Node) -> Term:
    """Return the value of that clause in a block, of a `case` or a `fn`, which takes the arguments."""
    for clause in (part for part in parts(block) if part.type == "stab_clause"):
        head, guard = clause.child_by_field_name("left"), None
        if head is not None and head.type == "binary_operator" and operator(head) == "when":
            head, guard = operands(head)
        patterns = tuple(parts(head))
        if len(patterns) != len(args):
            raise Undecided("it takes another number of arguments")
        inner = enter(on, patterns, guard, args, scope)
        if inner is None:
            raise Undecided("which of its clauses is meant can't be told", first_unknown(args))
        if inner is not False:
            return on.block(parts(clause.child_by_field_name("right")), inner, clause)
    raise Undecided("none of its clauses matches")


def bind(on: Evaluator, pattern: Node, value: Term, scope: Scope) -> dict[str, Term]:
    """Return the variables that an assignment sets, Unknown where it can't be told whether it matches."""
    found = match(pattern, value, lambda node: on.evaluate(node, scope))
    if found is not False and found is not None:
        return found
    unknown = value if isinstance(value, Unknown) else on.unknown(pattern, "whether it matches can't be told")
    return dict.fromkeys(variables(pattern), unknown)


def first_unknown(args: list[Term]) -> Unknown | None:
    """Return the first thing in the terms that isn't known."""
    return next((unknown for term in args for unknown in unknowns(term)), None)
