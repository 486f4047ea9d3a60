"""Reads of environment variables in code that isn't followed: functions of lib/, Erlang, tuples of libraries.

When such code runs isn't known. A variable that a function can't go without is needed when that function is called.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tree_sitter import Node

from relbuild.elixir.modules import Scope
from relbuild.elixir.syntax import MAX_BYTES, arguments, callee, operands, operator, pair_key, parts, walk
from relbuild.errors import Mark
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix.environment import tables, variables
from relbuild.mix.environment.conditions import ALWAYS, Opaque, missing
from relbuild.mix.environment.contract import Contract, Default, Requirement, Variable, joined
from relbuild.mix.environment.files import File, Files
from relbuild.mix.environment.variables import NAME, system_tuple, text_of
from relbuild.mix.project import Project

_DEFINITIONS = frozenset({"def", "defp", "defmacro", "defmacrop"})
# `System.get_env`, and `System, :get_env` as apply/3 has it.
_CALLS = re.compile(rb"\bSystem\s*(?:\.|,\s*:)\s*(?:get_env|fetch_env!?)|:os\s*(?:\.|,\s*:)\s*(?:getenv|env)\b")
_ERLANG = re.compile(rb'os:getenv\(\s*(?:"(?P<name>[^"\n]*)")?')


@dataclass(frozen=True, slots=True)
class _Read:
    """A call that reads a variable: its name, None where that is computed; `function` is where it is."""

    name: str | None
    what: str
    at: Mark
    default: Default | None
    required: bool
    function: str | None


@dataclass(slots=True)
class _Findings:
    variables: list[Variable] = field(default_factory=list)
    more: list[Unknown] = field(default_factory=list)

    def add(self, found: Variable | Unknown | None) -> None:
        """Add a variable, or what isn't followed."""
        if isinstance(found, Variable):
            self.variables.append(found)
        elif found is not None:
            self.more.append(found)

    def contract(self) -> Contract:
        """Return what was found; a variable that is read in several places has the needs of each."""
        return joined(*(Contract((each,)) for each in self.variables), Contract((), tuple(self.more)))


def at_run_time(tree: Tree, files: Files, followed: frozenset[tuple[str, int]]) -> Contract:
    """Return what the functions of the projects read, but for the places, by file and line, that were followed."""
    found = _Findings()
    for file in files.reading():
        for read in _reads(file):
            if read.function is not None and (read.at.file, read.at.line) not in followed:
                _note(found, read)
        for match in re.finditer(rb"\{:system\b", file.source.content):
            node = file.source.root.descendant_for_byte_range(match.start(), match.start())
            named = system_tuple(file.source, node) if node is not None else None
            found.add(named)
        for each in library_reads(file):
            found.add(each)
    for path, content in _erlang_files(tree, files.projects):
        for match in _ERLANG.finditer(content):
            at = Mark(path, content.count(b"\n", 0, match.start()) + 1)
            name = (match["name"] or b"").decode("utf-8", "replace")
            if name:
                found.variables.append(Variable(name, at))
            else:
                found.more.append(Unknown("`os:getenv`", "the name is computed", at))
    return found.contract()


def at_compile_time(files: Files) -> Contract:
    """Return what the bodies of modules read, which is the environment of the build."""
    found = _Findings()
    for file in files.reading():
        for read in _reads(file):
            if read.function is None and read.name is not None:
                needs = (Requirement(missing(read.name), ALWAYS, read.at),) if read.required else ()
                found.variables.append(Variable(read.name, read.at, read.default, needs))
    return found.contract()


def _note(found: _Findings, read: _Read) -> None:
    if read.name is None:
        found.more.append(Unknown(read.what, "its name is computed", read.at))
        return
    when = Opaque(f"{read.function} is called")
    needs = (Requirement(missing(read.name), when, read.at),) if read.required else ()
    found.variables.append(Variable(read.name, read.at, read.default, needs))


def _erlang_files(tree: Tree, projects: Iterable[Project]) -> Iterator[tuple[str, bytes]]:
    for project in projects:
        directory = f"{project.path}/src" if project.path else "src"
        for name in tree.list(directory) if not directory.startswith(("..", "/")) else ():
            content = tree.read(f"{directory}/{name}") if name.endswith(".erl") else None
            if content is not None and len(content) <= MAX_BYTES:
                yield f"{directory}/{name}", content


def _reads(file: File) -> Iterator[_Read]:
    """Yield the calls in a file that read a variable, but for those of Mix tasks, which no release runs."""
    source = file.source
    for match in _CALLS.finditer(source.content):
        leaf = source.root.descendant_for_byte_range(match.start(), match.start())
        if leaf is None or leaf.type not in ("alias", "atom") or leaf.parent is None:
            continue  # in a comment or a text
        module = file.evaluator.module_of(leaf)
        if module is None or module.name.startswith("Mix.Tasks."):
            continue
        whole, written = _written(leaf)
        term = file.evaluator.evaluate(written[0], Scope(module)) if written else None
        name = text_of(term) if term is not None else None
        if name is not None and not variables.ANY_NAME.fullmatch(name):
            name = None
        default = _default(file, written[1]) if len(written) > 1 else None
        what = f"`{source.excerpt(whole)}`"
        required = match[0].endswith(b"!") or _raises_instead(whole)
        yield _Read(name, what, source.mark(written[0] if written else whole), default, required, _function(file, leaf))


def _written(leaf: Node) -> tuple[Node, list[Node]]:
    """Return the call of the function that begins with this node, and its arguments: none where it is passed on."""
    inside = leaf.parent
    assert inside is not None
    if inside.type == "arguments":
        call = inside.parent
        if call is not None and callee(call) == "apply" and len(parts(inside)) == 3:
            args = parts(inside)[2]
            return call, parts(args) if args.type == "list" else []
        return inside, []
    if inside.type != "dot" or inside.parent is None or inside.parent.type != "call":
        return inside, []
    call = inside.parent
    piped = call.parent
    if piped is not None and operator(piped) == "|>" and operands(piped)[1] == call:
        return piped, [operands(piped)[0], *arguments(call)]
    return call, arguments(call)


def _default(file: File, node: Node) -> Default | None:
    term = file.evaluator.evaluate(node, Scope(file.evaluator.module_of(node)))
    if isinstance(term, Known) and term.value is None:
        return None
    literal = isinstance(term, Known) and isinstance(term.value, str)
    return Default(str(term.value), True) if literal else Default(file.source.excerpt(node), False)  # type: ignore[union-attr]


def _raises_instead(node: Node) -> bool:
    """Return whether the node stands before `|| raise …`."""
    around = node.parent
    if around is None or operator(around) not in ("||", "or") or operands(around)[0] != node:
        return False
    return callee(operands(around)[1]) == "raise"


def _function(file: File, node: Node) -> str | None:
    """Return the function that a node is in, as `Shop.Mailer.send/2`; None in a module's body."""
    module, inside = file.evaluator.module_of(node), node.parent
    while inside is not None and module is not None and inside != module.node:
        if callee(inside) in _DEFINITIONS and arguments(inside):
            head = arguments(inside)[0]
            if operator(head) == "when":
                head = operands(head)[0]
            name = callee(head) or file.source.text(head)
            return f"{module.name}.{name}/{len(arguments(head))}"
        inside = inside.parent
    return None


def library_reads(file: File, but: frozenset[str] = frozenset()) -> Iterator[Variable | Unknown]:
    """Yield what libraries read of the environment that a file uses, as far as the table knows their calls."""
    source = file.source
    for library, calls in tables.READERS.items():
        used = re.search(rb"\b(?:use|import|alias) " + library.encode() + rb"\b(?!\.Type)", source.content)
        if library in but or (used is None and f"{library}.".encode() not in source.content):
            continue
        found = False
        for match in re.finditer("|".join(map(re.escape, calls)).encode(), source.content):
            leaf = source.root.descendant_for_byte_range(match.start(), match.start())
            node = leaf.parent if leaf is not None and leaf.type in ("identifier", "alias", "%") else None
            while node is not None and node.type not in ("call", "map"):
                node = node.parent
            if node is not None and node.start_byte == match.start():
                found = True
                yield from _named(file, node, library)
        if used is not None and not found:
            yield Unknown(library, "the variables that it reads aren't followed", source.mark_at(used.start()))


def _named(file: File, node: Node, library: str) -> Iterator[Variable | Unknown]:
    source = file.source
    if callee(node) == "app_env":
        yield _app_env(file, node)
        return
    texts = ((source.text(each)[1:-1], each) for each in walk(node) if each.type == "string")
    names = [(text, each) for text, each in texts if NAME.fullmatch(text)]
    for text, each in names:
        yield Unknown(text, f"{library} reads it, and whether it is required isn't followed", source.mark(each))
    if not names:
        yield Unknown(f"`{source.excerpt(node)}`", f"{library} reads a variable here", source.mark(node))


def _app_env(file: File, node: Node) -> Variable | Unknown:
    """Return the variable of Skogsra's `app_env :name, :app, :key, os_env: …, required: …, default: …`.

    Without os_env its name is made of the application's and the keys'; a namespace stands before them
    (hexdocs.pm/skogsra).
    """
    source, at = file.source, file.source.mark(node)
    written = arguments(node)
    pairs = parts(written.pop()) if written and written[-1].type == "keywords" else []
    options = {pair_key(source, pair): pair.child_by_field_name("value") for pair in pairs}
    keys = [parts(each) if each.type == "list" else [each] for each in written[1:]]
    words = [source.text(each).lstrip(":").upper() for each in itertools.chain.from_iterable(keys)]
    named, default, required = options.get("os_env"), options.get("default"), options.get("required")
    name = source.text(named).strip('"') if named is not None else "_".join(words)
    if not NAME.fullmatch(name) or (named is None and "namespace" in options):
        return Unknown(f"`{source.excerpt(node)}`", "Skogsra reads a variable here", at)
    function = f"{getattr(file.evaluator.module_of(node), 'name', '')}.{source.text(written[0]).lstrip(':')}/0"
    when = Opaque(f"{function} is called")
    needs = required is not None and source.text(required) == "true" and default is None
    return Variable(
        name,
        source.mark(named) if named is not None else at,
        _default(file, default) if default is not None else None,
        (Requirement(missing(name), when, at),) if needs else (),
    )
