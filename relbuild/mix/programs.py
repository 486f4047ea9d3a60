"""Which programs a release runs: those that its scripts call, and those that the project's code starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from tree_sitter import Node

from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Module, Scope
from relbuild.elixir.syntax import (
    MAX_BYTES,
    Source,
    arguments,
    callee,
    module_name,
    operands,
    operator,
    parse,
    parts,
    walk,
)
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix import scripts
from relbuild.mix.elixir_files import files_below, source_directories
from relbuild.mix.project import Project, Release
from relbuild.mix.scripts import Script
from relbuild.mix.scripts import parse_shell as parse_shell

# What a file has in it that starts a program; parsing every file would take seconds.
_STARTS = re.compile(
    rb"System\.cmd|System\.shell|find_executable|:os\.cmd|Port\.open|open_port|:exec\.run|"
    rb"MuonTrap|Rambo|Exile|ExCmd|Porcelain"
)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*")
# Where a program of the container is; a path to anywhere else is the project's own.
_DIRECTORIES = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/games")
# Stands for what is computed in a text.
_COMPUTED = "$COMPUTED"
_BUILTINS = frozenset(
    (
        *(
            ".",
            ":",
            "[",
            "alias",
            "bg",
            "break",
            "case",
            "cd",
            "command",
            "continue",
            "declare",
            "echo",
            "eval",
            "exec",
        ),
        *(
            "exit",
            "export",
            "false",
            "fg",
            "getopts",
            "hash",
            "jobs",
            "kill",
            "let",
            "local",
            "popd",
            "printf",
            "pushd",
        ),
        *("pwd", "read", "readonly", "return", "set", "shift", "shopt", "source", "test", "times", "trap", "true"),
        *("type", "typeset", "ulimit", "umask", "unalias", "unset", "wait"),
    )
)
# They say whether a program is there.
_LOOK_UPS = frozenset({"command", "hash", "type", "which"})
# Programs that run the one that their arguments name, after options and numbers.
_RUNNERS = frozenset({"nice", "setsid", "stdbuf", "sudo", "timeout", "xargs"})


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is looked for in PATH, and where; `optional` where the code says what happens without it."""

    name: str
    at: Mark
    optional: bool = False


def find_programs(tree: Tree, projects: tuple[Project, ...], release: Release) -> tuple[Program, ...]:
    """Return the programs that a release made of these projects runs, each once, at the first place that needs it.

    Those that the release has itself, in its overlays or in a priv directory, are left out.
    """
    found: dict[str, Program] = {}
    for program in (*_of_scripts(tree, release), *_of_code(tree, projects)):
        known = found.get(program.name)
        if known is None or (known.optional and not program.optional):
            found[program.name] = program
    if not found:
        return ()
    own = {posixpath.basename(installed) for installed, _ in scripts.overlays(tree, release)} | {release.name}
    for part in projects:
        own |= set(_names_below(tree, f"{part.path}/priv" if part.path else "priv"))
    return tuple(program for name, program in found.items() if name not in own)


def _names_below(tree: Tree, directory: str, depth: int = 3) -> Iterator[str]:
    for name in tree.list(directory):
        if not name.endswith("/"):
            yield name
        elif depth and name not in ("static/", "repo/", "gettext/"):
            yield from _names_below(tree, f"{directory}/{name[:-1]}", depth - 1)


def _of_scripts(tree: Tree, release: Release) -> Iterator[Program]:
    directory = release.rel_templates_path
    path = f"{directory.value if isinstance(directory, Known) else 'rel'}/env.sh.eex"
    content = tree.read(path)
    if content is not None and len(content) <= MAX_BYTES:
        yield from _of_shell(Script("releases/env.sh", parse_shell(path, content)))
    for installed, path in scripts.overlays(tree, release):
        try:
            content = tree.read(path)
        except ProjectError:
            continue
        interpreter = scripts.interpreter(content) if content is not None else None
        if interpreter is not None and _NAME.fullmatch(interpreter):
            yield Program(interpreter, Mark(path, 1))
        if content is not None and interpreter in scripts.SHELLS and len(content) <= MAX_BYTES:
            yield from _of_shell(Script(installed, parse_shell(path, content)))


def _of_shell(script: Script, place: Mark | None = None) -> Iterator[Program]:
    """Yield the programs of a script; ``place`` is where it is written, when it isn't a file."""
    if script.words.root.has_error:
        return
    functions, commands = script.functions, list(script.commands)
    looked_up = {word for each in commands if each.program in _LOOK_UPS for word in each.words if word}
    for each in commands:
        program, words = each.program, list(each.words)
        while program is not None:
            name = _program(program)
            if name is not None and name not in _BUILTINS and name not in functions:
                yield Program(name, place or each.at, optional=name in looked_up)
            if name not in _RUNNERS:
                break
            while words and (words[0] is None or words[0].startswith("-") or words[0][:1].isdigit()):
                words.pop(0)
            program = words.pop(0) if words else None


def _program(text: str) -> str | None:
    """Return the name of a program that is looked for in the container; None for one of the project's own."""
    directory, _, name = text.rpartition("/")
    if (directory and directory not in _DIRECTORIES) or not _NAME.fullmatch(name) or name.endswith((".exe", ".bat")):
        return None
    return name


def _of_code(tree: Tree, projects: tuple[Project, ...]) -> Iterator[Program]:
    for directory in source_directories(*projects):
        for path in files_below(tree, directory):
            if "/mix/tasks/" in path:
                continue
            try:
                content = tree.read(path)
                if content is None or _STARTS.search(content) is None:
                    continue
                yield from _File(parse(path, content), tree).programs()
            except ProjectError:
                continue  # the compiler will tell


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a call is: in which function, and in which module."""

    function: Node
    module: Module | None


@dataclass(frozen=True)
class _File:
    source: Source
    tree: Tree

    @cached_property
    def evaluator(self) -> Evaluator:
        """What knows the file's aliases and attributes: made for a file that calls something of the kind."""
        return Evaluator(self.source, self.tree, posixpath.dirname(self.source.file))

    def programs(self) -> Iterator[Program]:
        source = self.source
        for node in walk(source.root):
            if node.type == "tuple":
                starts = _CHILDREN.get(self._called(parts(node)[0]) or "") if len(parts(node)) == 2 else None
                written = parts(node)[1:]
            elif node.type == "call" and (target := node.child_by_field_name("target")) is not None:
                starts = _CALLS.get(self._called(target) or "")
                written = [*_piped(node), *arguments(node)]
            else:
                continue
            place = self._place(node) if starts is not None and written else None
            if starts is not None and place is not None:
                optional = starts is _look_up and _is_tested(self, node)
                for program in starts(self, written[0], place):
                    yield Program(program.name, program.at, optional or program.optional)

    def _called(self, node: Node) -> str | None:
        """Return a function's name with its module's, or a module's, without aliases."""
        if node.type == "alias":
            return self._module(node) if self.source.text(node).rpartition(".")[2] in _MODULES else None
        if node.type != "dot":
            return None
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None or left.type not in ("alias", "atom"):
            return None
        if self.source.text(right) not in _FUNCTIONS:
            return None
        module = self._module(left) if left.type == "alias" else self.source.text(left)
        return f"{module}.{self.source.text(right)}"

    def _module(self, node: Node) -> str:
        text = self.source.text(node)
        return self.evaluator.module_name(text) or text

    def _place(self, node: Node) -> _Place | None:
        """Return the function that a call is in; None outside of one, where it runs when the module is compiled."""
        function, above = None, node.parent
        while above is not None:
            name = callee(above)
            if name in ("defmacro", "defmacrop", "quote") or (name == "if" and "Mix.env" in self._condition(above)):
                return None
            if name in ("def", "defp") and function is None:
                function = above
            module = module_name(above)
            if module is not None:
                if function is None or module.startswith("Mix.Tasks."):
                    return None
                owner = next((each for each in self.evaluator.modules if each.node == above), None)
                return _Place(function, owner)
            above = above.parent
        return None

    def _condition(self, node: Node) -> str:
        written = arguments(node)
        return self.source.text(written[0]) if written else ""

    def text(self, node: Node, place: _Place, depth: int = 0) -> str | None:
        """Return a text as it is written, with `$COMPUTED` for its computed parts; None for what isn't one.

        A variable that the function sets once is followed, and so is what stands in for something configured.
        """
        source = self.source
        if node.type in ("string", "charlist", "sigil"):
            return "".join(self._part(each) for each in parts(node) if each.type not in _NOT_TEXT)
        if depth > 3:
            return None
        if node.type == "identifier":
            assigned = [operands(each) for each in walk(place.function) if _assigns(each)]
            values = [right for left, right in assigned if source.text(left) == source.text(node)]
            return self.text(values[0], place, depth + 1) if len(values) == 1 else None
        if node.type == "binary_operator" and operator(node) in ("||", "|>"):
            return self.text(operands(node)[operator(node) == "||"], place, depth + 1)
        called = node.child_by_field_name("target") if node.type == "call" else None
        if called is not None and called.type == "dot":
            last = (self._called(called) or "").rpartition(".")[2]
            written = arguments(node)
            if last in ("get", "get_env") and len(written) > 1:
                return self.text(written[-1], place, depth + 1)
            if last in ("to_charlist", "to_string") and written:
                return self.text(written[0], place, depth + 1)
            return None
        if called is not None and source.text(called) in ("to_charlist", "to_string") and arguments(node):
            return self.text(arguments(node)[0], place, depth + 1)
        term = self.evaluator.evaluate(node, Scope(place.module, {}))
        return term.value if isinstance(term, Known) and isinstance(term.value, str) else None

    def _part(self, node: Node) -> str:
        if node.type == "interpolation":
            return _COMPUTED
        text = self.source.text(node)
        return _ESCAPES.get(text, text[1:]) if node.type == "escape_sequence" else text

    def mark(self, node: Node) -> Mark:
        return self.source.mark(node)


_NOT_TEXT = frozenset({"sigil_name", "sigil_modifiers"})
_ESCAPES = {"\\n": "\n", "\\t": "\t"}
_Starts = Callable[[_File, Node, _Place], Iterator[Program]]


def _assigns(node: Node) -> bool:
    return node.type == "binary_operator" and operator(node) == "=" and operands(node)[0].type == "identifier"


def _piped(node: Node) -> list[Node]:
    """Return what is piped into a call."""
    above = node.parent
    if above is not None and above.type == "binary_operator" and operator(above) == "|>":
        left, right = operands(above)
        return [left] if right == node else []
    return []


def _is_tested(file: _File, node: Node) -> bool:
    """Return whether the code says what happens when a program isn't found, other than to raise."""
    above = node.parent
    while above is not None and above.type in ("arguments", "binary_operator", "unary_operator"):
        if above.type == "binary_operator":
            sign, (left, right) = operator(above), operands(above)
            if sign in ("==", "!=", "&&", "and", "or"):
                return True
            if sign == "||" and left.end_byte >= node.end_byte:
                return callee(right) != "raise"
            if sign == "=" and (above.parent is None or above.parent.type != "arguments"):
                return left.type == "identifier" and _is_asked(file, above, file.source.text(left))
        if above.type == "unary_operator" and operator(above) in ("!", "not"):
            return True
        if above.type == "arguments" and above.parent is not None:
            name = callee(above.parent)
            if name in ("case", "with"):
                return not any(callee(each) in ("raise", "exit") for each in walk(above.parent))
            return name in ("if", "unless", "is_nil", "is_binary")
        above = above.parent
    return False


def _is_asked(file: _File, assignment: Node, name: str) -> bool:
    """Return whether `if` and its like ask for a variable in the function that sets it."""
    function = assignment.parent
    while function is not None and callee(function) not in ("def", "defp"):
        function = function.parent
    for node in walk(function) if function is not None else ():
        written = arguments(node)[:1] if callee(node) in ("if", "unless", "case", "is_nil") else []
        asked = [each for argument in written for each in walk(argument) if each.type == "identifier"]
        if any(file.source.text(each) == name for each in asked):
            return not any(callee(each) in ("raise", "exit") for each in walk(node))
    return False


def _run(file: _File, node: Node, place: _Place) -> Iterator[Program]:
    text = file.text(node, place)
    name = _program(text) if text is not None else None
    if name is not None:
        yield Program(name, file.mark(node))


def _look_up(file: _File, node: Node, place: _Place) -> Iterator[Program]:
    yield from _run(file, node, place)


def _shell(file: _File, node: Node, place: _Place) -> Iterator[Program]:
    text = file.text(node, place)
    if text is not None:
        at = file.mark(node)
        yield from _of_shell(Script("", parse_shell(at.file, text.encode())), at)


def _first(file: _File, node: Node, place: _Place) -> Iterator[Program]:
    """Follow a list of a program and its arguments, or a text whose first word is the program."""
    if node.type == "list":
        for each in parts(node)[:1]:
            yield from _run(file, each, place)
        return
    words = (file.text(node, place) or "").split()
    name = _program(words[0]) if words else None
    if name is not None:
        yield Program(name, file.mark(node))


def _port(file: _File, node: Node, place: _Place) -> Iterator[Program]:
    written = parts(node) if node.type == "tuple" else []
    kind = file.source.text(written[0]) if len(written) == 2 else ""
    if kind == ":spawn":
        yield from _first(file, written[1], place)
    elif kind == ":spawn_executable":
        yield from _run(file, written[1], place)


_CALLS: dict[str, _Starts] = {
    "System.cmd": _run,
    "System.find_executable": _look_up,
    ":os.find_executable": _look_up,
    "System.shell": _shell,
    ":os.cmd": _shell,
    "Port.open": _port,
    ":erlang.open_port": _port,
    "MuonTrap.cmd": _run,
    "MuonTrap.Daemon.start_link": _run,
    "Rambo.run": _run,
    "Exile.stream": _first,
    "Exile.stream!": _first,
    "Exile.Process.start_link": _first,
    "ExCmd.stream": _first,
    "ExCmd.stream!": _first,
    "ExCmd.Process.start_link": _first,
    "Porcelain.exec": _run,
    "Porcelain.spawn": _run,
    "Porcelain.shell": _shell,
    "Porcelain.spawn_shell": _shell,
    ":exec.run": _shell,
    ":exec.run_link": _shell,
}
# Child specifications: {MuonTrap.Daemon, ["ffmpeg", [...]]}.
_CHILDREN: dict[str, _Starts] = {"MuonTrap.Daemon": _first, "Exile.Process": _first}
_FUNCTIONS = {name.rpartition(".")[2] for name in _CALLS} | {"get", "get_env", "to_charlist", "to_string"}
_MODULES = {name.rpartition(".")[2] for name in _CHILDREN}
