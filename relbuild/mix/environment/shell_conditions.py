"""What the tests of a shell script ask: `test`, `[ … ]` and `[[ … ]]` as conditions of variables."""

from __future__ import annotations

from collections.abc import Set

from tree_sitter import Node

from relbuild.mix.environment.conditions import ALWAYS, EMPTY, Among, Condition, Opaque, either, every, negation
from relbuild.mix.environment.shell_words import Words
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Tests:
    """The tests of a script; ``assigned`` are the variables it may have set itself, of which nothing is known."""

    words: Words
    assigned: Set[str]

    def of_words(self, words: list[Node]) -> Condition:
        """Return when `test` succeeds with these words."""
        texts = [self.words.text(word) for word in words]
        if len(words) == 2 and texts[0] in ("-z", "-n"):
            return self._presence(words[1], texts[0] == "-n")
        if len(words) == 3 and texts[1] in ("=", "!="):
            return self._equality(words[0], words[2], texts[1] == "=")
        return self._presence(words[0], present=True) if len(words) == 1 else Opaque(f"test {' '.join(texts)}")

    def of(self, node: Node) -> Condition:
        """Return when what stands between brackets is true."""
        sign = next((each for each in node.children if each.type == "test_operator" or not each.is_named), None)
        operator = self.words.text(sign) if sign is not None else ""
        operands = [each for each in node.named_children if each.type != "test_operator"]
        if node.type == "unary_expression" and operands:
            if operator == "!":
                return negation(self.of(operands[0]))
            return (
                self._presence(operands[0], operator == "-n") if operator in ("-z", "-n") else self.words.opaque(node)
            )
        if node.type == "binary_expression" and len(operands) == 2:
            if operator in ("=", "==", "!="):
                return self._equality(operands[0], operands[1], operator != "!=")
            if operator in ("&&", "-a"):
                return every(map(self.of, operands))
            return either(map(self.of, operands)) if operator in ("||", "-o") else self.words.opaque(node)
        if node.type == "parenthesized_expression" and operands:
            return self.of(operands[0])
        return self._presence(node, present=True)

    def matches(self, name: str | None, pattern: Node) -> Condition:
        """Return when the subject of a `case` matches a pattern; ``name`` is the variable that it is, if it is one."""
        text = self.words.literal(pattern)
        if text == "*" and pattern.type != "string":
            return ALWAYS
        if name is None or text is None or (pattern.type != "string" and any(each in text for each in "*?[\\")):
            return Opaque(f"{name or 'it'} matches {self.words.text(pattern)}")
        return Among(name, EMPTY if not text else frozenset({text}))

    def variable(self, word: Node) -> str | None:
        """Return the variable whose value, or nothing, the word is; None for one that the script may have set."""
        if word.type == "string":
            inside = word.named_children
            return self.variable(inside[0]) if len(inside) == 1 else None
        if word.type not in ("simple_expansion", "expansion"):
            return None
        name = next((each for each in word.named_children if each.type == "variable_name"), None)
        operator = word.child_by_field_name("operator")
        rest = [each for each in word.named_children if each != name]
        if name is None or rest or (operator is not None and self.words.text(operator) not in (":-", "-")):
            return None
        text = self.words.text(name)
        return text if text not in self.assigned else None

    def _presence(self, word: Node, present: bool) -> Condition:
        name = self.variable(word)
        if name is None:
            return self.words.opaque(word) if present else negation(self.words.opaque(word))
        return Among(name, EMPTY, inside=not present)

    def _equality(self, left: Node, right: Node, equal: bool) -> Condition:
        for one, other in ((left, right), (right, left)):
            name, text = self.variable(one), self.words.literal(other)
            if name is not None and text is not None:
                return Among(name, EMPTY if not text else frozenset({text}), equal)
        both = Opaque(f"{self.words.text(left)} is {self.words.text(right)}")
        return both if equal else negation(both)
