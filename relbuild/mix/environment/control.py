"""Elixir's control structures, followed into every branch under the condition that it is taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.elixir.syntax import arguments, body, child, operands, operator, parts
from relbuild.errors import Mark
from relbuild.mix.environment import patterns, variables
from relbuild.mix.environment.conditions import ALWAYS, NEVER, Condition, every, missing, negation
from relbuild.mix.environment.values import (
    MAX_ITEMS,
    NIL,
    Choice,
    EnvFetch,
    EnvMap,
    EnvVar,
    NoReturn,
    Static,
    UnknownValue,
    Value,
    choice,
    falsy,
    known_items,
    made_of,
    seen,
    truthy,
)

if TYPE_CHECKING:
    from relbuild.mix.environment.frame import Frame


def branches(frame: Frame, cases: Sequence[tuple[Condition, Callable[[Frame], Value]]], text: str) -> Value:
    """Follow each case under its condition, in a frame of its own, and return which value it is."""
    found: list[tuple[Condition, Value]] = []
    for condition, act in cases:
        with frame.reading.under(condition) as reachable:
            if reachable:
                found.append((condition, act(frame.inner())))
    return choice(found, text)


def if_(frame: Frame, node: Node, piped: list[Value], wanted: bool = True) -> Value:
    """Follow `if`, or (`wanted` is false) `unless`."""
    written = arguments(node)
    subject = piped[0] if piped else (frame.walk(written[0]) if written else frame.unknown_value(node))
    taken, passed = (truthy(subject), falsy(subject)) if wanted else (falsy(subject), truthy(subject))
    source = frame.file.source
    then, otherwise = body(source, node) or [], body(source, node, "else")
    value = branches(
        frame,
        [
            (taken, lambda inner: inner.sequence(then)),
            (passed, lambda inner: inner.sequence(otherwise) if otherwise else NIL),
        ],
        frame.text(node),
    )
    if isinstance(subject, EnvVar):
        _note_alternative(frame, subject.variable, value)
    return value


def case(frame: Frame, node: Node, piped: list[Value]) -> Value:
    """Follow `case` into the clauses that its subject may match."""
    subject = piped[:1] or [frame.walk(argument) for argument in arguments(node)[:1]]
    return clauses(frame, _stabs(child(node, "do_block")), subject, frame.text(node), frame.at(node))


def clauses(frame: Frame, written: list[Node], subjects: list[Value], text: str, at: Mark) -> Value:
    """Follow clauses, each where none before it matches; where no one does, the boot fails.

    The text is that of the expression that they are followed for, and `at` its place.
    """
    left: Condition = ALWAYS
    found: list[tuple[Condition, dict[str, Value], list[Node]]] = []
    for clause in written:
        matched, bindings = patterns.match_clause(frame, clause, subjects)
        right = parts(clause.child_by_field_name("right"))
        found.append((matched, bindings, right))
        for subject in subjects:
            _note_default(frame, clause, subject, right)
        left = every((left, negation(matched)))
        if left == NEVER:
            break
    if left != NEVER and any(isinstance(subject, EnvVar | EnvFetch | EnvMap) for subject in subjects):
        frame.reading.fails(left, at)
    return first_of(frame, found, text)


def first_of(frame: Frame, found: list[tuple[Condition, dict[str, Value], list[Node]]], text: str) -> Value:
    """Follow the expressions of the first clause whose condition holds."""
    left: Condition = ALWAYS
    cases = []
    for condition, bindings, expressions in found:
        cases.append((every((left, condition)), _bound(bindings, expressions)))
        left = every((left, negation(condition)))
        if left == NEVER:
            break
    return branches(frame, cases, text)


def _note_alternative(frame: Frame, name: str, value: Value) -> None:
    """Take what stands where a variable isn't set for its default, if its own value, converted or not, stands else."""
    cases = value.cases if isinstance(value, Choice) else ()
    instead = [each for when, each in cases if when == missing(name)]
    if len(instead) == 1 and all(name in seen(each) for when, each in cases if when != missing(name)):
        variables.note_default(frame, name, instead[0])


def _note_default(frame: Frame, clause: Node, subject: Value, right: list[Node]) -> None:
    """Take what a `nil ->` gives for the variable's default."""
    head = parts(clause.child_by_field_name("left"))
    if not isinstance(subject, EnvVar) or len(right) != 1 or [each.type for each in head] != ["nil"]:
        return
    if right[0].type in ("string", "integer", "float", "boolean"):
        variables.note_default(frame, subject.variable, frame.plain(right[0]))


def _bound(bindings: dict[str, Value], right: list[Node]) -> Callable[[Frame], Value]:
    def act(inner: Frame) -> Value:
        inner.bind(bindings)
        return inner.sequence(right)

    return act


def _stabs(block: Node | None) -> list[Node]:
    return [part for part in parts(block) if part.type == "stab_clause"]


def cond(frame: Frame, node: Node, piped: list[Value]) -> Value:
    """Follow `cond` into the clauses whose condition may be the first that is true."""
    left: Condition = ALWAYS
    found: list[tuple[Condition, Value]] = []
    for clause in _stabs(child(node, "do_block")):
        inner = frame.inner()
        with frame.reading.under(left) as reachable:
            heads = parts(clause.child_by_field_name("left")) if reachable else []
            subject: Value = inner.walk(heads[0]) if heads else NIL
        taken = every((left, truthy(subject)))
        with frame.reading.under(taken) as reachable:
            if reachable:
                found.append((taken, inner.statements_of(clause.child_by_field_name("right"))))
        left = every((left, falsy(subject)))
    return choice(found, frame.text(node))


def with_(frame: Frame, node: Node, piped: list[Value]) -> Value:
    """Follow `with`: its body where all patterns match, its `else` where one doesn't."""
    inner = frame.inner()
    matched: Condition = ALWAYS
    steps: list[Value] = []
    for step in arguments(node):
        if step.type == "keywords":
            continue
        with frame.reading.under(matched) as reachable:
            if not reachable:
                break
            if step.type != "binary_operator" or operator(step) != "<-":
                inner.walk(step)
                continue
            pattern, right = operands(step)
            steps.append(inner.walk(right))
            condition, bindings = patterns.match_head(inner, [pattern], [steps[-1]])
            inner.bind(bindings)
            matched = every((matched, condition))
    source = frame.file.source
    then, otherwise = body(source, node) or [], body(source, node, "else")

    def act(_: Frame) -> Value:
        return inner.sequence(then)

    def other(outer: Frame) -> Value:
        subject = steps[0] if len(steps) == 1 else frame.unknown_value(node)
        stabs = [part for part in otherwise or [] if part.type == "stab_clause"]
        return clauses(outer, stabs, [subject], frame.text(node), frame.at(node))

    passed = other if otherwise else lambda _: frame.unknown_value(node)
    return branches(frame, [(matched, act), (negation(matched), passed)], frame.text(node))


def for_(frame: Frame, node: Node, piped: list[Value]) -> Value:
    """Follow a comprehension once for each item of a list that is known, else once for any."""
    steps = [part for part in arguments(node) if part.type != "keywords"]
    _each(frame.inner(), node, steps)
    return frame.unknown_value(node, present=True)


def _each(frame: Frame, node: Node, steps: list[Node]) -> None:
    if not steps:
        found = body(frame.file.source, node) or []
        _stab_bodies(frame, found)
        frame.sequence([part for part in found if part.type != "stab_clause"])
        return
    step, *rest = steps
    if step.type != "binary_operator" or operator(step) != "<-":
        with frame.reading.under(truthy(frame.walk(step))) as reachable:
            if reachable:
                _each(frame, node, rest)
        return
    pattern, right = operands(step)
    for condition, item in each_item(frame, frame.walk(right), right):
        matched, bindings = patterns.match_head(frame, [pattern], [item])
        with frame.reading.under(condition, matched) as reachable:
            if reachable:
                _each(frame.inner(bindings), node, rest)


def each_item(frame: Frame, value: Value, node: Node) -> list[tuple[Condition, Value]]:
    """Return the items of an enumerable, each with the condition that there is such a one."""
    if isinstance(value, Static) and value.items is not None and len(value.items) <= MAX_ITEMS:
        return [(ALWAYS, item) for item in value.items]
    if isinstance(value, EnvMap):
        variables.escapes(frame, node, value)
    items = known_items(value)
    if items is None:
        return [
            (
                frame.opaque(node, [value]),
                UnknownValue(f"an item of {frame.text(node)}", sees=seen(value), made_of=made_of(value)),
            )
        ]
    return [(ALWAYS, Static(lambda item=item: item, frame.text(node))) for item in items]  # type: ignore[misc]


def _stab_bodies(frame: Frame, nodes: list[Node]) -> list[Value]:
    """Follow the right sides of clauses whose left sides say nothing about the environment."""
    found = []
    for clause in nodes:
        if clause.type == "stab_clause":
            with frame.reading.under(frame.opaque(clause)):
                inner = frame.inner(patterns.unknown(frame, clause.child_by_field_name("left")))
                found.append(inner.statements_of(clause.child_by_field_name("right")))
    return found


def try_(frame: Frame, node: Node, piped: list[Value]) -> Value:
    """Follow `try`: what fails inside fails the boot only where each of its rescue clauses fails it too."""
    block = child(node, "do_block")
    return tried(frame, block) if block is not None else frame.unknown_value(node)


def tried(frame: Frame, block: Node) -> Value:
    before = len(frame.reading.requirements)
    sections = [part for part in parts(block) if part.type.endswith("_block") and part.type != "do_block"]
    value = frame.inner().sequence([part for part in parts(block) if part not in sections])
    found = frame.reading.requirements[before:]
    for section in sections:
        if section.type in ("rescue_block", "catch_block"):
            goes_on = [each for each in _stab_bodies(frame, parts(section)) if not isinstance(each, NoReturn)]
            if goes_on:
                found = []
                value = frame.unknown_value(block)
    frame.reading.requirements[before:] = found
    for section in sections:
        if section.type in ("else_block", "after_block"):
            frame.inner().sequence([part for part in parts(section) if part.type != "stab_clause"])
            _stab_bodies(frame, parts(section))
    return value


CONTROL: dict[str, Callable[[Frame, Node, list[Value]], Value]] = {
    "if": if_,
    "unless": lambda frame, node, piped: if_(frame, node, piped, wanted=False),
    "case": case,
    "cond": cond,
    "with": with_,
    "for": for_,
    "try": try_,
}
