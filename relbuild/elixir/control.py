"""Elixir's operators, clauses and control structures, as far as they can be followed without Elixir."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from tree_sitter import Node

from relbuild.elixir import coerce, library
from relbuild.elixir.coerce import Undecided
from relbuild.elixir.modules import Scope
from relbuild.elixir.patterns import match, match_all, variables
from relbuild.elixir.syntax import arguments, body, child, operands, operator, pair_key, parts
from relbuild.elixir.values import Gap, Item, Term, Value, same, unknowns
from relbuild.facts import Known, Unknown

if TYPE_CHECKING:
    from relbuild.elixir.evaluate import Evaluator


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


def truthy(term: Term) -> bool:
    """Return whether Elixir takes the value as true: anything but nil and false."""
    value = coerce.known(term)
    return value is not None and value is not False


def binary(on: Evaluator, node: Node, scope: Scope) -> Term:
    """Return the value of an operator with two sides."""
    name = operator(node)
    left, right = operands(node)
    if name in ("&&", "and", "||", "or"):
        first = on.evaluate(left, scope)
        return on.evaluate(right, scope) if truthy(first) == (name in ("&&", "and")) else first
    if name == "|>":
        return on.call(right, scope, [on.evaluate(left, scope)])
    simple = _OPERATORS.get(name)
    if simple is None:
        raise Undecided("only Elixir can evaluate it")
    return on.known(node, simple(on.evaluate(left, scope), on.evaluate(right, scope)))


def _equal(left: Term, right: Term) -> bool:
    answer = same(left, right)
    numbers = [term.value for term in (left, right) if isinstance(term, Known) and isinstance(term.value, int | float)]
    if answer is None or (len(numbers) == 2 and type(numbers[0]) is not type(numbers[1])):
        coerce.whole(left)
        coerce.whole(right)
        raise Undecided("whether they are equal can't be told")
    return answer


def _in(left: Term, right: Term) -> bool:
    answers = [None if isinstance(item, Gap) else same(left, item) for item in coerce.listed(right)]
    if True in answers:
        return True
    if None in answers:
        coerce.whole(left)
        coerce.whole(right)
        raise Undecided("whether it is in the list can't be told")
    return False


def _number(compute: Callable[[int, int], Value]) -> Callable[[Term, Term], Value]:
    def computed(left: Term, right: Term) -> Value:
        result = compute(coerce.number(left), coerce.number(right))
        if isinstance(result, int) and result.bit_length() > 1000:
            raise Undecided("the number is too large")
        return result

    return computed


_OPERATORS: dict[str, Callable[[Term, Term], Value]] = {
    "<>": lambda left, right: coerce.concat(coerce.known(left), coerce.known(right)),
    "++": library.append,
    "--": library.subtract,
    "==": _equal,
    "===": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "!==": lambda left, right: not _equal(left, right),
    "in": _in,
    "not in": lambda left, right: not _in(left, right),
    "+": _number(lambda left, right: left + right),
    "-": _number(lambda left, right: left - right),
    "*": _number(lambda left, right: left * right),
    "<": _number(lambda left, right: left < right),
    ">": _number(lambda left, right: left > right),
    "<=": _number(lambda left, right: left <= right),
    ">=": _number(lambda left, right: left >= right),
}


def _condition(on: Evaluator, node: Node, scope: Scope, piped: list[Term], wanted: bool) -> Term:
    written = arguments(node)
    if not piped and not written:
        raise Undecided("it has no condition")
    first, inner = (piped[0], scope) if piped else _tested(on, written[0], scope)
    section = "do" if truthy(first) == wanted else "else"
    return on.block(body(on.source, node, section) or [], inner, node)


def _tested(on: Evaluator, node: Node, scope: Scope) -> tuple[Term, Scope]:
    """Return a condition's value, and the scope with what it assigns, as in `if path = System.get_env("X")`."""
    if node.type != "binary_operator" or operator(node) != "=":
        return on.evaluate(node, scope), scope
    left, right = operands(node)
    value = on.evaluate(right, scope)
    return value, scope.having(bind(on, left, value, scope))


def _if(on: Evaluator, node: Node, scope: Scope, piped: list[Term]) -> Term:
    return _condition(on, node, scope, piped, wanted=True)


def _unless(on: Evaluator, node: Node, scope: Scope, piped: list[Term]) -> Term:
    return _condition(on, node, scope, piped, wanted=False)


def _case(on: Evaluator, node: Node, scope: Scope, piped: list[Term]) -> Term:
    subject = piped or [on.evaluate(argument, scope) for argument in arguments(node)[:1]]
    return choose(on, child(node, "do_block"), subject, scope, node)


def _cond(on: Evaluator, node: Node, scope: Scope, piped: list[Term]) -> Term:
    for clause in parts(child(node, "do_block")):
        if clause.type != "stab_clause":
            continue
        conditions = parts(clause.child_by_field_name("left"))
        if len(conditions) != 1:
            continue
        value, inner = _tested(on, conditions[0], scope)
        if truthy(value):
            return on.block(parts(clause.child_by_field_name("right")), inner, clause)
    raise Undecided("none of its conditions is true")


def _with(on: Evaluator, node: Node, scope: Scope, piped: list[Term]) -> Term:
    """Follow a `with` whose patterns all surely match, or whose first mismatch an else clause surely takes."""
    inner = scope
    for step in arguments(node):
        if step.type == "keywords":
            continue
        if step.type != "binary_operator" or operator(step) not in ("<-", "="):
            continue
        left, right = operands(step)
        value = on.evaluate(right, inner)
        if operator(step) == "=":
            inner = inner.having(bind(on, left, value, inner))
            continue
        guard = None
        if left.type == "binary_operator" and operator(left) == "when":
            left, guard = operands(left)
        entered = enter(on, (left,), guard, [value], inner)
        if entered is None:
            raise Undecided("whether it matches can't be told", value if isinstance(value, Unknown) else None)
        if entered is False:
            block = child(node, "do_block")
            otherwise = child(block, "else_block") if block is not None else None
            if otherwise is None:
                raise Undecided("it doesn't match")
            return choose(on, otherwise, [value], scope, node)
        inner = entered
    return on.block(body(on.source, node) or [], inner, node)


def _for(on: Evaluator, node: Node, scope: Scope, piped: list[Term]) -> Term:
    """Follow a comprehension that makes a list; an element that may or may not be made is a gap."""
    written = arguments(node)
    if any(pair_key(on.source, pair) != "do" for part in written if part.type == "keywords" for pair in parts(part)):
        raise Undecided("only Elixir can evaluate it")
    steps = [part for part in written if part.type != "keywords"]
    return on.known(node, coerce.make_list(_made(on, node, steps, scope)))


def _made(on: Evaluator, node: Node, steps: list[Node], scope: Scope) -> Iterator[Item]:
    if not steps:
        yield on.block(body(on.source, node) or [], scope, node)
        return
    step, *rest = steps
    if step.type != "binary_operator" or operator(step) != "<-":
        answer = on.evaluate(step, scope)
        if isinstance(answer, Unknown):
            yield Gap(answer)
        elif truthy(answer):
            yield from _made(on, node, rest, scope)
        return
    left, right = operands(step)
    for item in coerce.listed(on.evaluate(right, scope)):
        inner = enter(on, (left,), None, [item], scope) if not isinstance(item, Gap) else None
        if isinstance(item, Gap):
            yield item
        elif inner is None:
            yield Gap(on.unknown(left, "whether it matches can't be told"))
        elif inner is not False:
            yield from _made(on, node, rest, inner)


SPECIAL: dict[str, Callable[[Evaluator, Node, Scope, list[Term]], Term]] = {
    "if": _if,
    "unless": _unless,
    "case": _case,
    "cond": _cond,
    "with": _with,
    "for": _for,
}
