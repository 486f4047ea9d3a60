"""What a shell script's parameter expansions, such as ``$A`` and ``${A:?message}``, ask of the environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tree_sitter import Node

from relbuild.mix.environment.conditions import ALWAYS, EMPTY, Among, Condition, is_set, missing
from relbuild.mix.environment.reading import Access, Reading
from relbuild.mix.environment.shell_words import Words
from relbuild.values import dataclass


@dataclass(slots=True)
class Shell:
    """The shell that runs a command: whether it is one apart, whose end isn't the script's, and its `set -u`."""

    apart: bool = False
    refuses_unset: bool = False


@dataclass(frozen=True, slots=True)
class Expansions:
    """The expansions of a script; ``run`` follows what stands inside one, which may be expansions again.

    They are those of POSIX's Shell Command Language, 2.6.2; with a colon what is empty counts as not set.
    """

    reading: Reading
    words: Words
    shell: Shell
    run: Callable[[Node], Condition | None]

    def simple(self, node: Node) -> Condition:
        """Follow ``$A``."""
        for name in node.named_children:
            if name.type == "variable_name":
                self._read(name)
                self._require_set(name)
        return ALWAYS

    def braced(self, node: Node) -> Condition:
        """Follow ``${A}``, with or without an operator."""
        name = next((each for each in node.named_children if each.type == "variable_name"), None)
        if name is None:
            self._follow(node.named_children)
            return self.words.opaque(node)
        variable = self.words.text(name)
        found = node.child_by_field_name("operator")
        operator = self.words.text(found) if found is not None else ""
        rest = [each for each in node.named_children if each != name]
        absent: Condition = Among(variable, EMPTY) if operator.startswith(":") else missing(variable)
        self._read(name)
        match operator.removeprefix(":"):
            case "?":
                self._require(name, absent, self.words.message(found, node))
                self._follow(rest)
            case "-" | "=" as kind:
                self._default(variable, rest)
                self._follow_when(absent, variable, node, rest)
                if kind == "=":
                    self.reading.assigned.add(variable)
            case "+":
                self._follow_when(is_set(variable), variable, node, rest)
            case _:
                self._require_set(name)
                self._follow(rest)
        return ALWAYS

    def _follow(self, nodes: Iterable[Node]) -> None:
        for each in nodes:
            self.run(each)

    def _follow_when(self, condition: Condition, variable: str, node: Node, words: Iterable[Node]) -> None:
        """Follow what is expanded under a condition on the variable, unless the script has set that itself."""
        with self.reading.under(self.words.opaque(node) if variable in self.reading.assigned else condition):
            self._follow(words)

    def _read(self, name: Node) -> None:
        text = self.words.text(name)
        if text not in self.reading.assigned and text.isascii() and text.isidentifier():
            self.reading.accesses.append(Access(text, self.words.mark(name), None))

    def _require_set(self, name: Node) -> None:
        if self.shell.refuses_unset:
            self._require(name, missing(self.words.text(name)), None)

    def _require(self, name: Node, fails: Condition, message: str | None) -> None:
        if self.words.text(name) not in self.reading.assigned and not self.shell.apart:
            self.reading.fails(fails, self.words.mark(name), message)

    def _default(self, variable: str, words: list[Node]) -> None:
        if len(words) == 1 and variable not in self.reading.assigned:
            text = self.words.literal(words[0])
            self.reading.default(
                variable, self.words.text(words[0]) if text is None else text, literal=text is not None
            )
