"""Follows rel/env.sh.eex, which bin/NAME sources with a POSIX sh before each of its commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import field
from functools import cache

from tree_sitter import Language, Node, Parser

from relbuild.errors import Mark
from relbuild.mix.environment.conditions import (
    ALWAYS,
    NEVER,
    Among,
    Condition,
    Opaque,
    either,
    every,
    is_set,
    missing,
    negation,
)
from relbuild.mix.environment.reading import Access, Reading, TooLong
from relbuild.mix.facts import Unknown
from relbuild.mix.source import MAX_BYTES
from relbuild.values import dataclass

MAX_DEPTH = 100
_MESSAGE = re.compile(rb"(\$\{[A-Za-z_][A-Za-z0-9_]*:?\?)([^}$`\\]+)(?=\})")
_EMPTY = frozenset({None, ""})
# What changes nothing of the shell that runs it, whatever happens inside.
_APART = frozenset({"command_substitution", "process_substitution", "subshell"})
_TESTS = ("test", "[")


@dataclass(frozen=True, slots=True)
class Exports:
    """The variables that a script exports: whatever happens, and under a condition too."""

    always: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


def follow(reading: Reading, file: str, content: bytes) -> Exports:
    """Follow the script and return what it exports."""
    plain = _without_eex(content)
    script = Script(reading, file, plain, _parser().parse(_without_messages(plain)).root_node)
    if len(content) > MAX_BYTES or script.root.has_error:
        reading.note(Unknown(file, "it isn't a shell script throughout", Mark(file, 1)))
        return Exports()
    try:
        script.sequence(script.root.named_children)
    except TooLong:
        reading.note(Unknown(file, "it is too deep to follow", Mark(file, 1)))
        return Exports()
    return Exports(frozenset(script.exported), frozenset(script.perhaps))


def _without_eex(content: bytes) -> bytes:
    """Put letters in the place of EEx tags, so that everything else stays where it is."""
    out, at = bytearray(content), 0
    while (start := content.find(b"<%", at)) >= 0:
        end = content.find(b"%>", start)
        at = end + 2 if end >= 0 else len(content)
        filler = b"x" if content[start + 2 : start + 3] == b"=" else b" "
        out[start:at] = b"".join(b"\n" if byte == 10 else filler for byte in content[start:at])
    return bytes(out)


def _without_messages(content: bytes) -> bytes:
    """Put letters in the place of the messages of ``${X:?message}``, whose quotes the parser takes for a shell's."""
    return _MESSAGE.sub(lambda found: found[1] + b"x" * len(found[2]), content)


@cache
def _parser() -> Parser:
    import tree_sitter_bash  # loaded only where there is a script

    return Parser(Language(tree_sitter_bash.language()))


@dataclass(slots=True)
class Script:
    """A script that is followed, with what it has set so far."""

    reading: Reading
    file: str
    content: bytes
    root: Node
    exported: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)
    _own: set[str] = field(default_factory=set)
    _apart: bool = False
    _refuses_unset: bool = False
    _depth: int = 0
    _said: str | None = None

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
        apart, self._apart = self._apart, True
        own, exported = set(self._own), set(self.exported)
        self.sequence(node.named_children)
        self._own, self.exported, self._apart = own, exported, apart
        return self._opaque(node)

    def _expand(self, node: Node) -> Condition | None:
        """Follow what the shell expands in a word."""
        for child in node.named_children:
            self.run(child)
        return self._opaque(node)

    def _if(self, node: Node) -> Condition | None:
        """Follow `if` into its branches."""
        left: Condition = ALWAYS
        ends: list[bool] = []
        for condition, commands in self._branches(node):
            with self.reading.under(left) as reachable:
                status = (self.sequence(condition) if condition else ALWAYS) if reachable else NEVER
            taken = every((left, NEVER if status is None else status))
            with self.reading.under(taken) as reachable:
                ends.append(reachable and self.sequence(commands) is None)
            left = every((left, negation(NEVER if status is None else status)))
        return None if left == NEVER and all(ends) else self._opaque(node)

    def _branches(self, node: Node) -> list[tuple[list[Node], list[Node]]]:
        found: list[tuple[list[Node], list[Node]]] = []
        for clause in (node, *(each for each in node.named_children if each.type in ("elif_clause", "else_clause"))):
            then = next((each for each in clause.children if each.type == "then"), None)
            inside = [each for each in clause.named_children if each.type not in ("elif_clause", "else_clause")]
            at = then.start_byte if then is not None else clause.start_byte
            found.append(
                ([each for each in inside if each.start_byte < at], [each for each in inside if each.start_byte >= at])
            )
        return found

    def _case(self, node: Node) -> Condition | None:
        """Follow `case` into its items."""
        subject = node.child_by_field_name("value")
        name = self._variable(subject) if subject is not None else None
        left: Condition = ALWAYS
        for item in (each for each in node.named_children if each.type == "case_item"):
            patterns = item.children_by_field_name("value")
            matched = either(self._matches(name, pattern) for pattern in patterns)
            with self.reading.under(left, matched) as reachable:
                if reachable:
                    self.sequence(each for each in item.named_children if each not in patterns)
            left = every((left, negation(matched)))
        return self._opaque(node)

    def _matches(self, name: str | None, pattern: Node) -> Condition:
        text = self._literal(pattern)
        if text == "*" and pattern.type != "string":
            return ALWAYS
        if name is None or text is None or (pattern.type != "string" and any(each in text for each in "*?[\\")):
            return Opaque(f"{name or 'it'} matches {self._text(pattern)}")
        return Among(name, _EMPTY if not text else frozenset({text}))

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
        with self.reading.under(self._opaque(node)):
            self._expand(node)
        return self._opaque(node)

    def _function(self, node: Node) -> Condition | None:
        return ALWAYS

    def _declaration(self, node: Node) -> Condition | None:
        exports = node.children[0].type == "export"
        for child in node.named_children:
            if child.type == "variable_name":
                self._set(self._text(child), exports, given=False)
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
            self._set(self._text(name), exports)
        return ALWAYS

    def _set(self, name: str, exports: bool, given: bool = True) -> None:
        if given:
            self._own.add(name)
            self.reading.assigned.add(name)
        if exports:
            self.perhaps.add(name)
        if exports and name in self._own and not self.reading.conditional and not self._apart:
            self.exported.add(name)

    def _command(self, node: Node) -> Condition | None:
        name, *words = [
            each for each in node.named_children if each.type not in ("variable_assignment", "herestring_redirect")
        ]
        program = self._text(name)
        for word in words:
            self.run(word)
        texts = [self._text(word) for word in words]
        if program in ("exit", "return"):
            if texts[:1] != ["0"] and not self._apart:
                self.reading.fails_here(self._mark(node), self._said)
            return None
        self._said = self._shown(words) if program in ("echo", "printf") else self._said
        if program == "set":
            self._refuses_unset |= any(each.startswith("-") and "u" in each for each in texts) or "nounset" in texts
        if program in (".", "source"):
            self.reading.note(Unknown(f"`{self._text(node)}`", "what it sets is known when it runs", self._mark(node)))
            self.reading.elsewhere = self.reading.elsewhere or self._text(node)
        if program == "test" and words:
            return self._tested(words)
        if program in (":", "true"):
            return ALWAYS
        return NEVER if program == "false" else self._opaque(node)

    def _shown(self, words: list[Node]) -> str | None:
        texts = [self._literal(word) or self._text(word).strip("\"'") for word in words]
        return " ".join(texts).removesuffix("\\n").strip() or None

    def _tested(self, words: list[Node]) -> Condition:
        texts = [self._text(word) for word in words]
        if len(words) == 2 and texts[0] in ("-z", "-n"):
            return self._presence(words[1], texts[0] == "-n")
        if len(words) == 3 and texts[1] in ("=", "!="):
            return self._equality(words[0], words[2], texts[1] == "=")
        return self._presence(words[0], present=True) if len(words) == 1 else Opaque(f"test {' '.join(texts)}")

    def _test(self, node: Node) -> Condition | None:
        """Follow `[ … ]`."""
        self._expand(node)
        inside = node.named_children
        return self._checked(inside[0]) if len(inside) == 1 else self._opaque(node)

    def _checked(self, node: Node) -> Condition:
        sign = next((each for each in node.children if each.type == "test_operator" or not each.is_named), None)
        operator = self._text(sign) if sign is not None else ""
        operands = [each for each in node.named_children if each.type != "test_operator"]
        if node.type == "unary_expression" and operands:
            if operator == "!":
                return negation(self._checked(operands[0]))
            return self._presence(operands[0], operator == "-n") if operator in ("-z", "-n") else self._opaque(node)
        if node.type == "binary_expression" and len(operands) == 2:
            if operator in ("=", "==", "!="):
                return self._equality(operands[0], operands[1], operator != "!=")
            if operator in ("&&", "-a"):
                return every(map(self._checked, operands))
            return either(map(self._checked, operands)) if operator in ("||", "-o") else self._opaque(node)
        if node.type == "parenthesized_expression" and operands:
            return self._checked(operands[0])
        return self._presence(node, present=True)

    def _presence(self, word: Node, present: bool) -> Condition:
        name = self._variable(word)
        if name is None:
            return self._opaque(word) if present else negation(self._opaque(word))
        return Among(name, _EMPTY, inside=not present)

    def _equality(self, left: Node, right: Node, equal: bool) -> Condition:
        for one, other in ((left, right), (right, left)):
            name, text = self._variable(one), self._literal(other)
            if name is not None and text is not None:
                return Among(name, _EMPTY if not text else frozenset({text}), equal)
        both = Opaque(f"{self._text(left)} is {self._text(right)}")
        return both if equal else negation(both)

    def _variable(self, word: Node) -> str | None:
        """Return the variable whose value, or nothing, the word is; None for one that the script may have set."""
        if word.type == "string":
            inside = word.named_children
            return self._variable(inside[0]) if len(inside) == 1 else None
        if word.type not in ("simple_expansion", "expansion"):
            return None
        name = next((each for each in word.named_children if each.type == "variable_name"), None)
        operator = word.child_by_field_name("operator")
        rest = [each for each in word.named_children if each != name]
        if name is None or rest or (operator is not None and self._text(operator) not in (":-", "-")):
            return None
        text = self._text(name)
        return text if text not in self.reading.assigned else None

    def _literal(self, word: Node) -> str | None:
        """Return the text of a word in which nothing is expanded."""
        if word.type == "string":
            return "".join(map(self._text, word.named_children)) if not _expands(word) else None
        if word.type == "raw_string":
            return self._text(word)[1:-1]
        return self._text(word) if word.type in ("word", "number", "extglob_pattern") else None

    def _simple_expansion(self, node: Node) -> Condition | None:
        for name in node.named_children:
            if name.type == "variable_name":
                self._read(self._text(name), name)
                if self._refuses_unset:
                    self._require(name, missing(self._text(name)), None)
        return ALWAYS

    def _expansion(self, node: Node) -> Condition | None:
        name = next((each for each in node.named_children if each.type == "variable_name"), None)
        if name is None:
            return self._expand(node)
        variable = self._text(name)
        found = node.child_by_field_name("operator")
        operator = self._text(found) if found is not None else ""
        rest = [each for each in node.named_children if each != name]
        self._read(variable, name)
        if operator in (":?", "?"):
            fails = Among(variable, _EMPTY if operator == ":?" else frozenset({None}))
            self._require(name, fails, self._between(found, node))
        elif operator in (":-", "-", ":=", "="):
            self._default(variable, rest)
            absent: Condition = Among(variable, _EMPTY) if ":" in operator else missing(variable)
            with self.reading.under(absent if variable not in self.reading.assigned else self._opaque(node)):
                for each in rest:
                    self.run(each)
            if "=" in operator:
                self.reading.assigned.add(variable)
            return ALWAYS
        elif operator in (":+", "+"):
            with self.reading.under(is_set(variable) if variable not in self.reading.assigned else self._opaque(node)):
                for each in rest:
                    self.run(each)
            return ALWAYS
        elif self._refuses_unset:
            self._require(name, missing(variable), None)
        for each in rest:
            self.run(each)
        return ALWAYS

    def _require(self, name: Node, fails: Condition, message: str | None) -> None:
        if self._text(name) not in self.reading.assigned and not self._apart:
            self.reading.fails(fails, self._mark(name), message)

    def _between(self, operator: Node | None, node: Node) -> str | None:
        if operator is None:
            return None
        text = self.content[operator.end_byte : node.end_byte - 1].decode("utf-8", "replace")
        return text.strip().strip("\"'") or None

    def _default(self, variable: str, words: list[Node]) -> None:
        if len(words) == 1 and variable not in self.reading.assigned:
            text = self._literal(words[0])
            self.reading.default(variable, self._text(words[0]) if text is None else text, literal=text is not None)

    def _read(self, name: str, node: Node) -> None:
        if name not in self.reading.assigned and name.isascii() and name.isidentifier():
            self.reading.accesses.append(Access(name, self._mark(node), None))

    def _opaque(self, node: Node) -> Condition:
        text = " ".join(self._text(node).split())
        return Opaque(text if len(text) <= 80 else text[:79] + "…")

    def _text(self, node: Node) -> str:
        return self.content[node.start_byte : node.end_byte].decode("utf-8", "replace")

    def _mark(self, node: Node) -> Mark:
        line_start = self.content.rfind(b"\n", 0, node.start_byte) + 1
        before = self.content[line_start : node.start_byte].decode("utf-8", "replace")
        return Mark(self.file, self.content.count(b"\n", 0, node.start_byte) + 1, len(before) + 1)


def _expands(node: Node) -> bool:
    return any(child.type != "string_content" for child in node.named_children)


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
    "simple_expansion": Script._simple_expansion,
    "expansion": Script._expansion,
    "comment": lambda script, node: ALWAYS,
}
