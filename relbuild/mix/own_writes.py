"""Where a project's own code writes into its priv directory, which is part of the release."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from relbuild.elixir.syntax import Source, arguments, body, callee, module_name, operands, operator, parse, parts, walk
from relbuild.errors import Problem, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.elixir_files import files_below, source_directories
from relbuild.mix.project import Project

# The functions that write, and which of their arguments is the path.
_WRITES = {
    **dict.fromkeys(
        (
            *("File.mkdir", "File.mkdir!", "File.mkdir_p", "File.mkdir_p!", "File.write", "File.write!", "File.touch"),
            *("File.touch!", "File.rm", "File.rm!", "File.rm_rf", "File.rm_rf!", "File.chmod", "File.chmod!"),
            *(":file.write_file", ":filelib.ensure_dir", ":filelib.ensure_path", "File.stream!"),
        ),
        0,
    ),
    **dict.fromkeys(("File.cp", "File.cp!", "File.cp_r", "File.cp_r!", "File.copy", "File.copy!"), 1),
    **dict.fromkeys(("File.rename", "File.rename!", "File.ln_s", "File.ln_s!"), 1),
    **dict.fromkeys(("File.open", "File.open!"), 0),
}
# What a file has in it that may write there; parsing every file would take seconds.
_PRIV = re.compile(rb"priv_dir|app_dir|\"(?:\./)?priv/")
_WRITING = re.compile("|".join(map(re.escape, _WRITES)).encode())
# Those that only write when an argument says so.
_MODES = ("File.open", "File.open!", "File.stream!")
_MODE_WORDS = (":write", ":append", ":exclusive", "into")


def find_writes(tree: Tree, projects: tuple[Project, ...]) -> tuple[Problem, ...]:
    """Return the places that write into a priv directory of these projects, one for each function."""
    found: list[Problem] = []
    for path in _paths(tree, projects):
        if "/mix/tasks/" in path:
            continue
        try:
            content = tree.read(path)
            if content is None or _PRIV.search(content) is None or _WRITING.search(content) is None:
                continue
            found += _File(parse(path, content)).problems()
        except ProjectError:
            continue  # the compiler will tell
    return tuple(found)


def _paths(tree: Tree, projects: tuple[Project, ...]) -> Iterator[str]:
    root = projects[0]
    config = root.config_path.value.rpartition("/")[0] if isinstance(root.config_path, Known) else "config"
    yield from (f"{config}/{name}" for name in ("runtime.exs", "releases.exs"))
    for directory in source_directories(*projects):
        yield from files_below(tree, directory)


@dataclass(slots=True)
class _File:
    source: Source

    def problems(self) -> Iterator[Problem]:
        names = self._names_in_priv()
        reported: set[int] = set()
        for node in walk(self.source.root):
            name, written = self._called(node)
            if name not in _WRITES or len(written) <= _WRITES[name]:
                continue
            if name in _MODES and not any(
                word in self.source.text(each) for each in written[1:] for word in _MODE_WORDS
            ):
                continue
            function = self._function(node)
            if (
                function is None
                or function.start_byte in reported
                or not self._is_in_priv(written[_WRITES[name]], names)
            ):
                continue
            reported.add(function.start_byte)
            yield Problem(
                f"{name} writes into the release's priv directory, where the image's user can't write",
                self.source.mark(node),
                "write below System.tmp_dir!(), or below a directory of its own where a volume is mounted",
            )

    def _names_in_priv(self) -> frozenset[str]:
        """Return the variables, attributes and functions of the file whose value is a path in priv."""
        names: frozenset[str] = frozenset()
        while True:
            more = frozenset(name for name, value in self._definitions() if self._is_in_priv(value, names))
            if more <= names:
                return names
            names |= more

    def _definitions(self) -> Iterator[tuple[str, Node]]:
        text = self.source.text
        for node in walk(self.source.root):
            if node.type == "binary_operator" and operator(node) == "=":
                left, right = operands(node)
                if left.type == "identifier":
                    yield self._variable(left), right
            elif node.type == "unary_operator" and operator(node) == "@":
                for inner in parts(node):
                    for value in arguments(inner)[:1]:
                        yield f"@{callee(inner)}", value
            elif callee(node) in ("def", "defp") and arguments(node):
                head = arguments(node)[0]
                last = self._last(node)
                if last is not None:
                    yield f"{text(head.child_by_field_name('target') or head)}()", last

    def _variable(self, node: Node) -> str:
        """Return a variable's name with the place of its function: another function's is another."""
        function = self._function(node)
        return f"{self.source.text(node)} {function.start_byte if function is not None else ''}"

    def _last(self, definition: Node) -> Node | None:
        expressions = body(self.source, definition)
        return expressions[-1] if expressions else None

    def _is_in_priv(self, node: Node, names: frozenset[str]) -> bool:
        """Return whether an expression is a path that begins in a priv directory."""
        text = self.source.text
        if node.type == "string":
            first = parts(node)[:1]
            if first and first[0].type == "interpolation":
                return any(self._is_in_priv(each, names) for each in parts(first[0]))
            return text(node).strip('"').startswith(("priv/", "./priv/"))
        if node.type == "identifier":
            return self._variable(node) in names or f"{text(node)}()" in names
        if node.type == "unary_operator" and operator(node) == "@":
            return text(node) in names
        if node.type == "binary_operator":
            left, right = operands(node)
            if operator(node) == "|>":
                name, written = self._called(right)
                return self._path_of(name, written, names)
            return operator(node) in ("<>", "||") and self._is_in_priv(left, names)
        if node.type == "list":
            return any(self._is_in_priv(each, names) for each in parts(node)[:1])
        name, written = self._called(node)
        return self._path_of(name, written, names)

    def _path_of(self, name: str, written: list[Node], names: frozenset[str]) -> bool:
        if name in (":code.priv_dir", "Application.app_dir"):
            return name == ":code.priv_dir" or any("priv" in self.source.text(each) for each in written[1:])
        if name in ("Path.join", "to_string", "List.to_string", "Path.expand", "Path.dirname", "String.to_charlist"):
            # Path.expand with a second argument begins there.
            first = written[-1:] if name == "Path.expand" else written[:1]
            return any(self._is_in_priv(each, names) for each in first)
        return f"{name}()" in names

    def _called(self, node: Node) -> tuple[str, list[Node]]:
        """Return the name of a call's function and its arguments, what is piped into it first."""
        if node.type == "identifier":
            return self.source.text(node), []
        target = node.child_by_field_name("target") if node.type == "call" else None
        if target is None:
            return "", []
        written = arguments(node)
        above = node.parent
        if above is not None and above.type == "binary_operator" and operator(above) == "|>":
            left, right = operands(above)
            if right == node:
                written = [left, *written]
        return self.source.text(target), written

    def _function(self, node: Node) -> Node | None:
        """Return the function that a call is in, the whole file for a script; None where a module's body runs it."""
        above = node.parent
        while above is not None:
            if callee(above) in ("def", "defp"):
                return above
            if callee(above) in ("defmacro", "defmacrop", "quote") or module_name(above) is not None:
                return None
            above = above.parent
        return self.source.root
