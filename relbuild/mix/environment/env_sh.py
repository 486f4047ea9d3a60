"""Scans rel/env.sh.eex, which bin/NAME sources with a POSIX sh before each of its commands.

Found are the variables that it expands, exports and refuses to go without. Conditions are read where they are tests of
one variable; all others keep their text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from tree_sitter import Node

from relbuild.elixir.syntax import MAX_BYTES
from relbuild.errors import Mark
from relbuild.facts import Unknown
from relbuild.mix.environment.conditions import (
    ALWAYS,
    EMPTY,
    NEVER,
    Among,
    Condition,
    Opaque,
    either,
    every,
    missing,
    negation,
)
from relbuild.mix.environment.contract import COMMAND
from relbuild.mix.environment.reading import Access, Reading
from relbuild.mix.scripts import SUBSHELLS, Shell, parse_shell, pieces

# The commands of bin/NAME (Mix.Tasks.Release), and those that need no name of a node.
COMMANDS = (
    *("start", "start_iex", "daemon", "daemon_iex", "eval", "rpc", "remote", "restart", "stop", "pid", "version"),
    "install",
)
NAMELESS = frozenset({"eval", "version", "install"})
FLAGS = frozenset({"ELIXIR_ERL_OPTIONS", "ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS"})
# Flags without whose argument the VM doesn't start (erts 17: erl(1), "Missing argument(s) for …").
_NEEDS_ARGUMENT = re.compile(r"(?:^|\s)(?:\+\w+|-(?:s?name|proto_dist|config|args_file|boot))\s+(?:[^\s@]+@)?$")
_INCOMPLETE = "RELEASE_NODE is incomplete without it, and the VM doesn't start"
_DISTRIBUTION = re.compile(r"\bRELEASE_DISTRIBUTION=[\"']?(\$\{RELEASE_DISTRIBUTION:?-)?(\w*)")
# `-z "$A"`, `"${A:-}" != x` and `$A`, without the brackets around them.
_TEST = re.compile(
    r"""(?P<sign>!\ )?(?:-(?P<presence>[nz])\ )?["']?\$\{?(?P<name>[A-Za-z_]\w*)(?::?-)?\}?["']?"""
    r"""(?:\ (?P<operator>==?|!=)\ (?P<quote>["']?)(?P<value>[^\s"'$*?\[]*)(?P=quote))?""",
    re.VERBOSE,
)
_COMMENT = re.compile(rb"(?m)(?:^|\s)#.*$")
_UNPARSED = re.compile(rb"(?<!\\)\$([A-Z][A-Z0-9_]*)")
_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Exports:
    """The variables that a script exports: always, and only under a condition."""

    always: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()


def scan(reading: Reading, file: str, content: bytes) -> Exports:
    """Note what the script reads and requires, and return what it exports."""
    script = parse_shell(file, content)
    if len(content) > MAX_BYTES or script.root.has_error:
        reading.note(Unknown(file, "it can't be read as a shell script", Mark(file, 1)))
        return Exports()
    found = _Scan(reading, script)
    with reading.guard(file, Mark(file, 1)):
        found.sequence(script.root.named_children)
    # The parser has no node for some of them, as the last of `x@$A.$B.c`.
    seen = {access.name for access in reading.accesses} | reading.assigned
    for name in _UNPARSED.finditer(_COMMENT.sub(lambda comment: b" " * len(comment[0]), script.plain)):
        if name[1].decode() not in seen:
            reading.accesses.append(Access(name[1].decode(), script.mark_at(name.start(1)), None))
    return Exports(frozenset(found.exported), frozenset(found.perhaps))


@dataclass(slots=True)
class _Scan:
    """What a script has set so far: `empty` says when a variable of the script's own expands to nothing."""

    reading: Reading
    script: Shell
    exported: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)
    empty: dict[str, Condition] = field(default_factory=dict)
    apart: bool = False
    refuses_unset: bool = False
    printed: str | None = None

    def sequence(self, nodes: Iterable[Node]) -> bool:
        """Scan commands in order; return whether the script goes on after them."""
        return all(self.command(node) for node in nodes)

    def command(self, node: Node) -> bool:
        """Scan one command or word; return whether the script goes on after it."""
        match node.type:
            case "comment":
                return True
            case "if_statement":
                return self._if(node)
            case "case_statement":
                return self._case(node)
            case "list":
                left, *right = node.named_children
                is_and = any(each.type == "&&" for each in node.children)
                goes_on = self.command(left)
                holds = self._condition(left)
                with self.reading.under(holds if is_and else negation(holds)):
                    self.sequence(right)
                return goes_on
            case "for_statement" | "while_statement":
                with self.reading.under(self._opaque(node)):
                    self.sequence(node.named_children)
            case "function_definition":
                name, *body = node.named_children
                with self.reading.under(Opaque(f"{self.script.text(name)} is called")):
                    self.sequence(body)
            case "declaration_command":
                self._declare(node)
            case "variable_assignment":
                self._assign(node)
            case "command":
                return self._run(node)
            case "simple_expansion" | "expansion":
                self._expand(node)
            case kind if kind in SUBSHELLS:
                with self._subshell():
                    self.sequence(node.named_children)
            case _:
                return self.sequence(node.named_children)
        return True

    @contextmanager
    def _subshell(self) -> Iterator[None]:
        """Scan what changes and ends a shell of its own."""
        before = self.exported, self.empty, self.reading.assigned, self.apart, self.refuses_unset
        self.exported, self.empty, self.reading.assigned = set(self.exported), dict(self.empty), set(before[2])
        self.apart = True
        yield
        self.exported, self.empty, self.reading.assigned, self.apart, self.refuses_unset = before

    def _if(self, node: Node) -> bool:
        left: Condition = ALWAYS
        ends = []
        clauses = [node, *(each for each in node.named_children if each.type in ("elif_clause", "else_clause"))]
        for clause in clauses:
            then = next((each.start_byte for each in clause.children if each.type == "then"), clause.start_byte)
            inside = [each for each in clause.named_children if each not in clauses]
            header = [each for each in inside if each.start_byte < then]
            with self.reading.under(left):
                self.sequence(header)
            holds = self._condition(header[-1]) if header else ALWAYS
            with self.reading.under(left, holds):
                ends.append(not self.sequence(each for each in inside if each.start_byte >= then))
            left = every((left, negation(holds)))
        return left != NEVER or not all(ends)

    def _case(self, node: Node) -> bool:
        subject = node.child_by_field_name("value")
        self.sequence([subject] if subject is not None else ())
        test = _TEST.fullmatch(self.script.text(subject)) if subject is not None else None
        name = test["name"] if test is not None and test["name"] not in self.reading.assigned else None
        left: Condition = ALWAYS
        for item in (each for each in node.named_children if each.type == "case_item"):
            patterns = item.children_by_field_name("value")
            matched = either(self._matches(name, self.script.text(each).strip("\"'")) for each in patterns)
            with self.reading.under(left, matched):
                self.sequence(each for each in item.named_children if each not in patterns)
            left = every((left, negation(matched)))
        return True

    def _matches(self, name: str | None, pattern: str) -> Condition:
        if pattern == "*":
            return ALWAYS
        if name == COMMAND and "[" not in pattern:
            return Among(name, frozenset(each for each in COMMANDS if fnmatchcase(each, pattern)))
        if name is None or any(each in pattern for each in "*?[\\$"):
            return Opaque(f"{name or 'it'} matches {pattern}")
        return Among(name, frozenset({pattern}) if pattern else EMPTY)

    def _condition(self, node: Node) -> Condition:
        """Return when a command succeeds."""
        inside = node.named_children
        if node.type == "negated_command" or (node.type == "list" and len(inside) == 2):
            parts = [self._condition(each) for each in inside]
            if node.type == "negated_command":
                return negation(parts[0])
            return every(parts) if any(each.type == "&&" for each in node.children) else either(parts)
        if node.type == "compound_statement" and len(inside) == 1:
            return self._condition(inside[0])
        text = " ".join(self.script.text(node).split())
        if text in (":", "true", "false"):
            return NEVER if text == "false" else ALWAYS
        return self._tested(re.sub(r"^(\[\[? |test )|( \]\]?)$", "", text)) or self._opaque(node)

    def _tested(self, text: str) -> Condition | None:
        """Return when a test holds; None where it isn't one of single variables."""
        for signs, join in ((r" (?:\|\||-o) ", either), (r" (?:&&|-a) ", every)):
            texts = re.split(signs, text)
            if len(texts) > 1:
                parts = [part for each in texts if (part := self._tested(each)) is not None]
                return join(parts) if len(parts) == len(texts) else None
        test = _TEST.fullmatch(text)
        if test is None or test["name"] in self.reading.assigned or (test["presence"] and test["operator"]):
            return None
        value = frozenset({test["value"]}) if test["value"] else EMPTY
        inside = test["operator"] != "!=" if test["operator"] else test["presence"] == "z"
        found = Among(test["name"], value, inside)
        return negation(found) if test["sign"] else found

    def _opaque(self, node: Node) -> Opaque:
        text = " ".join(self.script.text(node).split())
        return Opaque(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")

    def _declare(self, node: Node) -> None:
        exports = node.children[0].type == "export"
        for child in node.named_children:
            if child.type == "variable_name" and exports:
                self._export(self.script.text(child))
            elif child.type == "variable_assignment":
                name = self._assign(child)
                if exports:
                    self._export(name)
            else:
                self.command(child)

    def _export(self, name: str) -> None:
        self.perhaps.add(name)
        if name in self.reading.assigned and not self.reading.conditional and not self.apart:
            self.exported.add(name)

    def _assign(self, node: Node) -> str:
        """Scan an assignment and return the variable's name."""
        value, name = node.child_by_field_name("value"), node.child_by_field_name("name")
        variable = self.script.text(name) if name is not None else ""
        if value is not None:
            self.command(value)
            if variable == "RELEASE_NODE":
                self._node_name(value)
            elif variable in FLAGS:
                self._flags(value)
        again = len(re.findall(rf"\b{re.escape(variable)}=".encode(), self.script.plain)) > 1
        unknown = Opaque(f"{variable} is empty")
        self.empty[variable] = unknown if again or value is None else self._empty(value)
        self.reading.assigned.add(variable)
        return variable

    def _run(self, node: Node) -> bool:
        name, *words = [each for each in node.named_children if each.type != "herestring_redirect"]
        self.sequence(each for each in node.named_children if each != name or each.type != "command_name")
        program, texts = self.script.text(name), [self.script.text(word) for word in words]
        if program in ("exit", "return"):
            if texts[:1] != ["0"] and not self.apart:
                self.reading.fails_here(self.script.mark(node), self.printed)
            return False
        if program in ("echo", "printf"):
            self.printed = " ".join(text.strip("\"'") for text in texts).removesuffix("\\n").strip() or None
        elif program == "set":
            unset = "nounset" in texts or any(each.startswith("-") and "u" in each for each in texts)
            self.refuses_unset = self.refuses_unset or unset
        elif program in (".", "source"):
            command = self.script.text(node)
            self.reading.note(Unknown(f"`{command}`", "it may set and read any variable", self.script.mark(node)))
            self.reading.elsewhere = self.reading.elsewhere or command
        return True

    def _expand(self, node: Node) -> None:
        """Scan ``$A`` or ``${A…}``; with a colon empty counts as unset (POSIX, Shell Command Language, 2.6.2)."""
        name, variable, operator, rest = self._expansion(node)
        if name is None:
            self.sequence(rest)
            return
        own = variable in self.reading.assigned
        self._read(variable, name)
        absent = Among(variable, EMPTY) if operator.startswith(":") else missing(variable)
        when: Condition = self._opaque(node) if own else absent
        kind = operator.removeprefix(":")
        if kind in ("-", "="):
            if not own and len(rest) == 1:
                literal = self.script.literal(rest[0])
                self.reading.default(variable, literal or self.script.text(rest[0]), literal=literal is not None)
            with self.reading.under(when):
                self.sequence(rest)
            if kind == "=":
                self.empty[variable] = self._empty(node)
                self.reading.assigned.add(variable)
            return
        with self.reading.under(negation(when) if kind == "+" else ALWAYS):
            self.sequence(rest)
        if not own and not self.apart and (kind == "?" or (kind != "+" and self.refuses_unset)):
            sign = node.child_by_field_name("operator")
            start, end = sign.end_byte if sign is not None else node.end_byte, node.end_byte - 1
            message = self.script.plain[start:end].decode("utf-8", "replace").strip().strip("\"'")
            self.reading.fails(absent, self.script.mark(name), message if kind == "?" and message else None)

    def _read(self, variable: str, node: Node) -> None:
        if variable not in self.reading.assigned and variable.isidentifier():
            self.reading.accesses.append(Access(variable, self.script.mark(node), None))

    def _expansion(self, node: Node) -> tuple[Node | None, str, str, list[Node]]:
        """Return the name in an expansion, as a node and a text, its operator, and what follows that."""
        name = next((each for each in node.named_children if each.type == "variable_name"), None)
        sign = node.child_by_field_name("operator")
        rest = [each for each in node.named_children if each != name]
        return name, self.script.text(name) if name else "", self.script.text(sign) if sign else "", rest

    def _empty(self, node: Node) -> Condition:
        """Return when a word expands to nothing."""
        return every(self._nothing(piece) for piece in pieces(self.script, node))

    def _nothing(self, piece: str | Node) -> Condition:
        if isinstance(piece, str):
            return NEVER if piece else ALWAYS
        name, variable, operator, rest = self._expansion(piece)
        if name is None or piece.type in SUBSHELLS or operator in ("+", ":+"):
            return self._opaque(piece)
        own = self.empty.get(variable, Among(variable, EMPTY))
        if operator in (":-", "-", ":=", "="):
            return every((own, *(self._empty(each) for each in rest))) if rest else own
        return NEVER if operator in (":?", "?") else own

    def _node_name(self, value: Node) -> None:
        """Note what RELEASE_NODE=NAME@HOST lacks for one of both to be there; without `@` bin/NAME has a default."""
        parts = list(pieces(self.script, value))
        if len(parts) == 1 and not isinstance(parts[0], str):
            _, variable, operator, rest = self._expansion(parts[0])
            if operator in (":-", "-") and len(rest) == 1:
                with self.reading.under(self.empty.get(variable, Among(variable, EMPTY))):
                    self._node_name(rest[0])
            return
        sides: list[list[Condition]] = [[]]
        for piece in parts:
            first, *others = piece.split("@") if isinstance(piece, str) else [piece]
            sides[-1].append(self._nothing(first))
            sides += [[self._nothing(each)] for each in others]
        if len(sides) > 1:
            needed = every((self._distributed(), Among(COMMAND, NAMELESS, inside=False)))
            with self.reading.under(needed):
                for side in sides:
                    self._refuse(every(side), value, _INCOMPLETE)

    def _distributed(self) -> Condition:
        """Return when the node's name is used as a long one: with a short one the VM completes it itself."""
        set_here = _DISTRIBUTION.findall(self.script.plain.decode("utf-8", "replace"))
        if len(set_here) > 1:
            return Opaque("RELEASE_DISTRIBUTION is name")
        default, literal = set_here[0] if set_here else ("", "")
        short = literal in ("none", "sname")
        if literal and not default:
            return NEVER if short else ALWAYS
        values = frozenset({"none", "sname"})
        return Among("RELEASE_DISTRIBUTION", values | EMPTY if short else values, inside=False)

    def _flags(self, value: Node) -> None:
        """Note the flags of the VM that have no argument without a variable."""
        before = ""
        for piece in pieces(self.script, value):
            if not isinstance(piece, str):
                if _NEEDS_ARGUMENT.search(before):
                    flag = before.split()[-1].rstrip("@")
                    self._refuse(self._nothing(piece), piece, f"the VM doesn't start without the argument of {flag}")
                before = ""
                continue
            before = piece

    def _refuse(self, absent: Condition, node: Node, message: str) -> None:
        if not self.apart:
            self.reading.fails(absent, self.script.mark(node), message)
