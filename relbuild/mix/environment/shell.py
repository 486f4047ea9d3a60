"""Follows rel/env.sh.eex, which bin/NAME sources with a POSIX sh before each of its commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field, replace

from tree_sitter import Node

from relbuild.errors import Mark
from relbuild.mix.environment.conditions import (
    ALWAYS,
    NEVER,
    Condition,
    either,
    every,
    negation,
)
from relbuild.mix.environment.reading import Reading, TooLong
from relbuild.mix.environment.shell_conditions import Tests
from relbuild.mix.environment.shell_expansions import Expansions, Shell
from relbuild.mix.environment.shell_words import Words, branches, parse
from relbuild.mix.facts import Unknown
from relbuild.mix.source import MAX_BYTES
from relbuild.values import dataclass

MAX_DEPTH = 100
# What changes nothing of the shell that runs it, whatever happens inside.
_APART = frozenset({"command_substitution", "process_substitution", "subshell"})


@dataclass(frozen=True, slots=True)
class Exports:
    """The variables that a script exports: whatever happens, and under a condition too."""

    always: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


def follow(reading: Reading, file: str, content: bytes) -> Exports:
    """Follow the script and return what it exports."""
    words = parse(file, content)
    if len(content) > MAX_BYTES or words.root.has_error:
        reading.note(Unknown(file, "it isn't a shell script throughout", Mark(file, 1)))
        return Exports()
    script = Script(reading, words)
    try:
        script.sequence(words.root.named_children)
    except TooLong:
        reading.note(Unknown(file, "it is too deep to follow", Mark(file, 1)))
        return Exports()
    return Exports(frozenset(script.exported), frozenset(script.perhaps))


@dataclass(slots=True)
class Script:
    """A script that is followed, with what it has set so far."""

    reading: Reading
    words: Words
    exported: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)
    _own: set[str] = field(default_factory=set)
    _shell: Shell = field(default_factory=Shell)
    _depth: int = 0
    _said: str | None = None

    @property
    def _tests(self) -> Tests:
        return Tests(self.words, self.reading.assigned)

    @property
    def _expansions(self) -> Expansions:
        return Expansions(self.reading, self.words, self._shell, self.run)

    def sequence(self, nodes: Iterable[Node]) -> Condition | None:
        """Follow commands one after the other; return when the last one succeeds, None where the script ends."""
        status: Condition | None = ALWAYS
        for node in nodes:
            status = self.run(node)
            if status is None:
                return None
        return status

    def run(self, node: Node) -> Condition | None:
        """Follow a command; return when it succeeds, None where the script ends with it."""
        self._depth += 1
        try:
            if self._depth > MAX_DEPTH:
                raise TooLong
            if node.type in _APART:
                return self._run_apart(node)
            follow = _COMMANDS.get(node.type)
            if follow is not None:
                return follow(self, node)
            return self._expand(node)
        finally:
            self._depth -= 1

    def _run_apart(self, node: Node) -> Condition | None:
        before, assigned = (self._own, self.exported, self._shell), self.reading.assigned
        self._own, self.exported, self.reading.assigned = set(self._own), set(self.exported), set(assigned)
        self._shell = replace(self._shell, apart=True)
        self.sequence(node.named_children)
        (self._own, self.exported, self._shell), self.reading.assigned = before, assigned
        return self.words.opaque(node)

    def _expand(self, node: Node) -> Condition | None:
        """Follow what the shell expands in a word."""
        for child in node.named_children:
            self.run(child)
        return self.words.opaque(node)

    def _if(self, node: Node) -> Condition | None:
        """Follow `if` into its branches."""
        left: Condition = ALWAYS
        ends: list[bool] = []
        for condition, commands in branches(node):
            with self.reading.under(left) as reachable:
                status = (self.sequence(condition) if condition else ALWAYS) if reachable else NEVER
            taken = every((left, NEVER if status is None else status))
            with self.reading.under(taken) as reachable:
                ends.append(reachable and self.sequence(commands) is None)
            left = every((left, negation(NEVER if status is None else status)))
        return None if left == NEVER and all(ends) else self.words.opaque(node)

    def _case(self, node: Node) -> Condition | None:
        """Follow `case` into its items."""
        subject = node.child_by_field_name("value")
        name = self._tests.variable(subject) if subject is not None else None
        left: Condition = ALWAYS
        for item in (each for each in node.named_children if each.type == "case_item"):
            patterns = item.children_by_field_name("value")
            matched = either(self._tests.matches(name, pattern) for pattern in patterns)
            with self.reading.under(left, matched) as reachable:
                if reachable:
                    self.sequence(each for each in item.named_children if each not in patterns)
            left = every((left, negation(matched)))
        return self.words.opaque(node)

    def _list(self, node: Node) -> Condition | None:
        """Follow `a && b` or `a || b`."""
        first, *rest = node.named_children
        is_and = any(each.type == "&&" for each in node.children)
        status = self.run(first)
        if status is None or not rest:
            return status
        with self.reading.under(status if is_and else negation(status)) as reachable:
            second = self.run(rest[0]) if reachable else NEVER
        # Where the right side ends the script, only the left one says how it goes on.
        last = NEVER if second is None else second
        return every((status, last)) if is_and else either((status, last))

    def _group(self, node: Node) -> Condition | None:
        return self.sequence(node.named_children)

    def _redirected(self, node: Node) -> Condition | None:
        body = node.child_by_field_name("body")
        for child in node.named_children:
            if child != body:
                self._expand(child)
        return self.run(body) if body is not None else ALWAYS

    def _negated(self, node: Node) -> Condition | None:
        status = self.sequence(node.named_children)
        return None if status is None else negation(status)

    def _loop(self, node: Node) -> Condition | None:
        with self.reading.under(self.words.opaque(node)):
            self._expand(node)
        return self.words.opaque(node)

    def _function(self, node: Node) -> Condition | None:
        return ALWAYS

    def _declaration(self, node: Node) -> Condition | None:
        exports = node.children[0].type == "export"
        for child in node.named_children:
            if child.type == "variable_name":
                self._set(self.words.text(child), exports, given=False)
            elif child.type == "variable_assignment":
                self._assignment(child, exports)
            else:
                self.run(child)
        return ALWAYS

    def _assignment(self, node: Node, exports: bool = False) -> Condition | None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if value is not None:
            self.run(value)
        if name is not None:
            self._set(self.words.text(name), exports)
        return ALWAYS

    def _set(self, name: str, exports: bool, given: bool = True) -> None:
        if given:
            self._own.add(name)
            self.reading.assigned.add(name)
        if exports:
            self.perhaps.add(name)
        if exports and name in self._own and not self.reading.conditional and not self._shell.apart:
            self.exported.add(name)

    def _command(self, node: Node) -> Condition | None:
        name, *words = [
            each for each in node.named_children if each.type not in ("variable_assignment", "herestring_redirect")
        ]
        program = self.words.text(name)
        for word in words:
            self.run(word)
        texts = [self.words.text(word) for word in words]
        if program in ("exit", "return"):
            if texts[:1] != ["0"] and not self._shell.apart:
                self.reading.fails_here(self.words.mark(node), self._said)
            return None
        self._said = self.words.shown(words) if program in ("echo", "printf") else self._said
        if program == "set":
            self._shell.refuses_unset |= (
                any(each.startswith("-") and "u" in each for each in texts) or "nounset" in texts
            )
        if program in (".", "source"):
            self.reading.note(
                Unknown(f"`{self.words.text(node)}`", "what it sets is known when it runs", self.words.mark(node))
            )
            self.reading.elsewhere = self.reading.elsewhere or self.words.text(node)
        if program == "test" and words:
            return self._tests.of_words(words)
        if program in (":", "true"):
            return ALWAYS
        return NEVER if program == "false" else self.words.opaque(node)

    def _test(self, node: Node) -> Condition | None:
        """Follow `[ … ]`."""
        self._expand(node)
        inside = node.named_children
        return self._tests.of(inside[0]) if len(inside) == 1 else self.words.opaque(node)


_COMMANDS: dict[str, Callable[[Script, Node], Condition | None]] = {
    "if_statement": Script._if,
    "case_statement": Script._case,
    "list": Script._list,
    "compound_statement": Script._group,
    "redirected_statement": Script._redirected,
    "negated_command": Script._negated,
    "test_command": Script._test,
    "for_statement": Script._loop,
    "while_statement": Script._loop,
    "function_definition": Script._function,
    "declaration_command": Script._declaration,
    "variable_assignment": Script._assignment,
    "command": Script._command,
    "simple_expansion": lambda script, node: script._expansions.simple(node),
    "expansion": lambda script, node: script._expansions.braced(node),
    "comment": lambda script, node: ALWAYS,
}
