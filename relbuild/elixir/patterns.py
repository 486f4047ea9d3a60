"""Matches terms against Elixir's patterns: yes with these variables, surely not, or can't be told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from tree_sitter import Node

from relbuild.elixir.syntax import operand, operands, operator, parts
from relbuild.elixir.values import Gap, List, Map, Term, Tuple, same
from relbuild.facts import Known, Unknown

# Variables when it matches, False when it surely doesn't, None when that can't be told.
Matched: TypeAlias = dict[str, Term] | Literal[False] | None
Evaluate: TypeAlias = Callable[[Node], Term]

_LITERALS = {
    "integer",
    "float",
    "char",
    "boolean",
    "nil",
    "atom",
    "quoted_atom",
    "string",
    "charlist",
    "sigil",
    "alias",
}


def match(pattern: Node, term: Term, evaluate: Evaluate) -> Matched:
    """Return how the term matches the pattern; `evaluate` gives the value of literals and pinned variables."""
    if pattern.type == "identifier":
        name = pattern.text.decode() if pattern.text else ""
        return {} if name == "_" else {name: term}
    if pattern.type == "binary_operator":
        return _match_operator(pattern, term, evaluate)
    if isinstance(term, Unknown):
        return None
    if pattern.type in _LITERALS:
        return _equal(evaluate(pattern), term)
    if pattern.type == "unary_operator" and operator(pattern) == "^":
        inner = operand(pattern)
        return _equal(evaluate(inner), term) if inner is not None else None
    if pattern.type == "tuple":
        if not isinstance(term.value, Tuple) or any(part.type == "keywords" for part in parts(pattern)):
            return False if not isinstance(term.value, Tuple) else None
        wanted = parts(pattern)
        if len(wanted) != len(term.value.items):
            return False
        return match_all(tuple(wanted), list(term.value.items), evaluate)
    if pattern.type == "list":
        return _match_list(pattern, term, evaluate)
    if pattern.type == "map" and not isinstance(term.value, Map):
        return False
    return None


def match_all(patterns: tuple[Node, ...], terms: list[Term], evaluate: Evaluate) -> Matched:
    """Return how as many terms match as many patterns; False when one surely doesn't, whatever the others do."""
    bindings: dict[str, Term] = {}
    unsure = False
    for pattern, term in zip(patterns, terms, strict=True):
        found = match(pattern, term, evaluate)
        if found is False:
            return False
        if found is None:
            unsure = True
            continue
        for name, value in found.items():
            equal = same(bindings[name], value) if name in bindings else True
            if equal is False:
                return False
            unsure = unsure or equal is None
        bindings |= found
    return None if unsure else bindings


def variables(pattern: Node) -> list[str]:
    """Return every name a pattern may bind."""
    found, pending = [], [pattern]
    while pending:
        node = pending.pop()
        if node.type == "identifier" and node.text:
            found.append(node.text.decode())
        pending.extend(parts(node))
    return found


def assigned(expression: Node) -> set[str]:
    """Return every name that an assignment inside an expression may set: `x` in `if x = f() do`, also after it."""
    found, pending = set(), [expression]
    while pending:
        node = pending.pop()
        if node.type == "binary_operator" and operator(node) == "=":
            found.update(variables(operands(node)[0]))
        pending.extend(node.named_children)
    return found


def _equal(pattern: Term, term: Term) -> Matched:
    answer = same(pattern, term)
    return {} if answer else (False if answer is False else None)


def _match_operator(pattern: Node, term: Term, evaluate: Evaluate) -> Matched:
    left, right = operands(pattern)
    if operator(pattern) == "=":
        return match_all((left, right), [term, term], evaluate)
    if operator(pattern) == "\\\\":
        return match(left, term, evaluate)
    if operator(pattern) != "<>" or isinstance(term, Unknown):
        return None
    prefix = evaluate(left)
    if isinstance(prefix, Unknown) or not isinstance(prefix.value, str) or not isinstance(term.value, str):
        return None
    if not term.value.startswith(prefix.value):
        return False
    return match(right, Known(term.value.removeprefix(prefix.value), term.at), evaluate)


def _match_list(pattern: Node, term: Known, evaluate: Evaluate) -> Matched:  # type: ignore[type-arg]
    if not isinstance(term.value, List):
        return False
    wanted = parts(pattern)
    if any(part.type == "keywords" for part in wanted):
        return None
    tail = None
    if wanted and wanted[-1].type == "binary_operator" and operator(wanted[-1]) == "|":
        last, tail = operands(wanted[-1])
        wanted = [*wanted[:-1], last]
    head = term.value.items[: len(wanted)]
    known = [item for item in head if not isinstance(item, Gap)]
    if len(known) < len(head) or (any(isinstance(item, Gap) for item in term.value.items) and tail is None):
        return None
    if len(head) < len(wanted) or (tail is None and len(term.value.items) > len(wanted)):
        return False
    patterns, terms = tuple(wanted), known
    if tail is not None:
        patterns, terms = (*patterns, tail), [*known, Known(List(term.value.items[len(wanted) :]), term.at)]
    return match_all(patterns, terms, evaluate)
