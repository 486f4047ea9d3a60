"""Scans rel/env.sh.eex, which bin/NAME sources with a POSIX sh before each of its commands.

The scan finds the variables that the script expands, exports and refuses to go without. It runs nothing: whether a
branch, a loop or a function runs is unknown.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from relbuild.elixir.syntax import MAX_BYTES, walk
from relbuild.errors import Mark
from relbuild.facts import Unknown
from relbuild.mix.environment.conditions import ALWAYS, EMPTY, Condition, OneOf, Opaque, every, missing
from relbuild.mix.environment.contract import COMMAND
from relbuild.mix.environment.reading import Access, Reading
from relbuild.mix.scripts import SUBSHELLS, Shell, parse_shell

_BRANCHES = {"if_statement", "case_statement", "for_statement", "while_statement", "function_definition", "list"}
# `$A`, `${A}` and the beginning of `${A:-default}`.
_EXPANSION = re.compile(rb"(?<!\\)\$(?:(?P<name>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<operator>:?[-=?+])?)")
# NAME@$HOST as the name of the node, and how the script sets the distribution: `name`, `${RELEASE_DISTRIBUTION:-name}`.
_NODE = re.compile(
    rb"RELEASE_NODE=[\"']?(?:[^\s\"'@${}]|\$\w+|\$\{\w+(?:[#%][^}]*)?\})*@\$\{?(?P<host>\w+)\}?(?=[\"'\s;]|$)"
)
_DISTRIBUTION = re.compile(rb"\bRELEASE_DISTRIBUTION=[\"']?(?P<default>\$\{RELEASE_DISTRIBUTION:?-)?(?P<value>\w+)")
_SHORT = frozenset({"none", "sname"})
# The commands of bin/NAME that need no name of a node (Mix.Tasks.Release).
_NAMELESS = frozenset({"eval", "version", "install"})


def scan(reading: Reading, file: str, content: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """Note what the script reads and requires; return the variables that it always exports, and all that it may."""
    script = parse_shell(file, content)
    if len(content) > MAX_BYTES or script.root.has_error:
        reading.note(Unknown(file, "it can't be read as a shell script", Mark(file, 1)))
        return frozenset(), frozenset()
    always, all_exported = set[str](), set[str]()
    nodes = [node for node in walk(script.root) if node.type in ("command", "variable_assignment", "variable_name")]
    # An assignment comes after the expansions of its value, and an export after its assignment.
    steps: list[tuple[int, int, Node | re.Match[bytes]]] = [
        (node.end_byte, len(nodes) - i, node) for i, node in enumerate(nodes)
    ]
    steps += [(match.start(), 0, match) for match in _EXPANSION.finditer(script.plain)]
    for _, _, step in sorted(steps, key=lambda step: step[:2]):
        node = step if isinstance(step, Node) else _node_at(script, step.start())
        condition = _condition(script, node)
        if isinstance(step, re.Match):
            if node.type not in ("comment", "raw_string"):
                _note_expansion(reading, script, step, condition)
        elif condition is None:
            continue
        elif step.type == "command":
            _note_command(reading, script, step)
        elif step.type == "variable_assignment":
            reading.assigned.add(script.text(step).partition("=")[0].removesuffix("+"))
            if condition == ALWAYS:
                _note_node_name(reading, script, step)
    for node in (node for node in nodes if node.type == "variable_name"):
        assignment = node.parent if node.parent is not None and node.parent.type == "variable_assignment" else node
        name, export = script.text(node), assignment.parent
        if export is not None and export.children[0].type == "export":
            all_exported.add(name)
            if name in reading.assigned and _condition(script, node) == ALWAYS:
                always.add(name)
    return frozenset(always), frozenset(all_exported)


def _node_at(script: Shell, offset: int) -> Node:
    return script.root.descendant_for_byte_range(offset, offset + 1) or script.root


def _condition(script: Shell, node: Node) -> Condition | None:
    """Return when the node runs; None in a shell of its own, which neither sets the script's variables nor ends it."""
    condition: Condition = ALWAYS
    while (around := node.parent) is not None:
        if around.type in SUBSHELLS:
            return None
        # The first command of `a && b` always runs.
        if around.type in _BRANCHES and not (around.type == "list" and around.named_children[0] == node):
            condition = Opaque(f"the branch at {script.mark(around).brief} runs")
        node = around
    return condition


def _note_expansion(reading: Reading, script: Shell, match: re.Match[bytes], condition: Condition | None) -> None:
    """Note ``$A`` or ``${A…}``; with a colon empty counts as unset (POSIX, Shell Command Language, 2.6.2)."""
    name, operator = (match["name"] or match["braced"]).decode(), (match["operator"] or b"").decode()
    if name in reading.assigned:
        return
    at = script.mark_at(match.end() - len(operator) - len(name))
    reading.accesses.append(Access(name, at, None))
    text = _text_in_braces(script, match.end()).strip("\"'") if operator else ""
    if operator in ("-", ":-", "=", ":="):
        reading.default(name, text, literal="$" not in text and "`" not in text)
        reading.assigned |= {name} if "=" in operator else set()
    elif operator in ("?", ":?") and condition is not None:
        with reading.under(condition):
            reading.fails(OneOf(name, EMPTY) if ":" in operator else missing(name), at, text.strip() or None)


def _text_in_braces(script: Shell, start: int) -> str:
    depth, end = 1, start
    while end < len(script.plain) and depth:
        depth += {b"{": 1, b"}": -1}.get(script.plain[end : end + 1], 0)
        end += 1
    return script.content[start : end - 1].decode("utf-8", "replace")


def _note_command(reading: Reading, script: Shell, node: Node) -> None:
    """Note a command that may set or require variables which the scan doesn't find."""
    written = script.text(node)
    program, *words = written.split()
    if program in (".", "source"):
        reading.note(Unknown(f"`{written}`", "it may set and read any variable", script.mark(node)))
        reading.elsewhere = reading.elsewhere or written
    elif program in ("exit", "return") and words != ["0"]:
        reading.note(Unknown(f"`{written}`", "when the script ends here isn't followed", script.mark(node)))
    elif program == "set" and ("nounset" in words or any(re.fullmatch(r"-\w*u\w*", word) for word in words)):
        reading.note(Unknown(f"`{written}`", "which variables it requires isn't followed", script.mark(node)))


def _note_node_name(reading: Reading, script: Shell, node: Node) -> None:
    """Note the host in RELEASE_NODE=NAME@$HOST, which the VM needs for a long name; a short one it completes itself."""
    match = _NODE.match(script.plain, node.start_byte, node.end_byte)
    if match is None or match["host"].decode() in reading.assigned:
        return
    distribution = _DISTRIBUTION.search(script.plain)
    short, default = (
        distribution is not None and distribution["value"].decode() in _SHORT,
        distribution and distribution["default"],
    )
    if short and not default:
        return
    named = (
        ALWAYS
        if distribution and not default
        else OneOf("RELEASE_DISTRIBUTION", _SHORT | (EMPTY if short else frozenset()), inside=False)
    )
    with reading.under(every((named, OneOf(COMMAND, _NAMELESS, inside=False)))):
        message = "RELEASE_NODE is incomplete without it, and the VM doesn't start"
        reading.fails(OneOf(match["host"].decode(), EMPTY), script.mark(node), message)
