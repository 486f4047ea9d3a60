"""The configuration as prod reads it: each `config` call, in the order in which Mix evaluates them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from relbuild.distillery.config_values import key, keywords, occurrences
from relbuild.elixir.config_imports import matching
from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Scope
from relbuild.elixir.syntax import Source, arguments, callee, parse, parts, walk
from relbuild.errors import ProjectError
from relbuild.facts import Known, Tree

FILE = "config/config.exs"
_MAX_FILES = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A `config` call with a plain application: the key it names, if any, and what it sets that to."""

    source: Source
    node: Node
    app: str
    key: Node | None
    value: Node
    conditional: bool

    @property
    def head(self) -> str:
        """The call without its last argument, as it is written for a runtime configuration."""
        return f"config :{self.app}" + (f", {self.source.text(self.key)}" if self.key is not None else "")

    @property
    def alone(self) -> bool:
        """Whether nothing else is on its lines."""
        before, after = line_before(self.source, self.node.start_byte), line_after(self.source, self.node.end_byte)
        return not before.strip() and (not after.strip() or after.strip().startswith(b"#"))


@dataclass(frozen=True, slots=True)
class Setting:
    """A key that a call sets: the way to it from the application, and its value.

    `written` are the keys below what the call's head names, as they are written. `merges` says that the value is a
    keyword list, whose own keys are settings too; None that this can't be told. The `number` grows with the order.
    """

    call: Call
    path: tuple[str, ...]
    written: tuple[str, ...]
    pair: Node | None
    value: Node
    merges: bool | None
    number: int = 0

    @property
    def place(self) -> Node:
        """Return what a person is shown."""
        return self.pair if self.pair is not None else self.call.node


def line_before(source: Source, offset: int) -> bytes:
    """Return what stands before an offset on its line."""
    return source.content[source.content.rfind(b"\n", 0, offset) + 1 : offset]


def line_after(source: Source, offset: int) -> bytes:
    """Return what stands behind an offset on its line."""
    end = source.content.find(b"\n", offset)
    return source.content[offset : end if end >= 0 else len(source.content)]


class Reading:
    """The files that prod's configuration is made of, and their calls."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.sources: dict[str, tuple[Source, bytes]] = {}
        self.calls: list[Call] = []
        # Imports of files that can't be told.
        self.unread: list[tuple[Source, Node]] = []
        self._read(FILE, conditional=False)
        root, self.calls = self.calls, []
        for name in (name for name in tree.list("apps") if name.endswith("/")):
            self._read(f"apps/{name}{FILE}", conditional=False)
        # What the umbrella's root doesn't import can't take the place of what it says.
        self.calls += root

    def _read(self, path: str, conditional: bool) -> None:
        content = None if path.startswith(("..", "/")) else self.tree.read(path)
        if content is None or path in self.sources or len(self.sources) == _MAX_FILES:
            return
        source = parse(path, content)
        self.sources[path] = (source, content)
        for node in walk(source.root):
            if callee(node) == "config":
                call = _call(source, node, conditional or node.parent != source.root)
                if call is not None:
                    self.calls.append(call)
            elif callee(node) == "import_config":
                imported = self._imported(source, node)
                under = [each for each in _conditions(node) if not _only_asks_for_the_file(source, each)]
                for file in imported:
                    self._read(file, conditional or under != [])

    def _imported(self, source: Source, node: Node) -> list[str]:
        directory = posixpath.dirname(source.file)
        written = arguments(node)
        if len(written) != 1:
            return []
        names = [_text(self.tree, source, written[0])]
        if names == [None]:
            # `for config <- "../apps/*/config/config.exs" |> … do import_config config`, as Phoenix wrote it.
            loops = [each for each in _conditions(node) if callee(each) == "for"]
            texts = [each for loop in loops for each in walk(loop) if each.type == "string"]
            names = [name for each in texts if (name := _text(self.tree, source, each)) and name.endswith(".exs")]
        if not names:
            self.unread.append((source, node))
        patterns = [posixpath.normpath(posixpath.join(directory, name)) for name in names if name is not None]
        return [file for pattern in patterns for file in _files(self.tree, pattern)]

    def settings(self) -> list[Setting]:
        """Return what the calls set, in their order, what is inside of another setting behind that."""
        found = [setting for call in self.calls for setting in _settings(call)]
        return [replace(setting, number=number) for number, setting in enumerate(found)]


def _files(tree: Tree, pattern: str) -> list[str]:
    return matching(tree, pattern) if "*" in pattern and not pattern.startswith("..") else [pattern]


def _text(tree: Tree, source: Source, node: Node) -> str | None:
    try:
        term = Evaluator(source, tree, posixpath.dirname(source.file)).evaluate(node, Scope(None))
    except ProjectError:
        return None
    return term.value if isinstance(term, Known) and isinstance(term.value, str) else None


def _conditions(node: Node) -> list[Node]:
    """Return the calls around a node, outermost last: it is evaluated only where they say so."""
    found, above = [], node.parent
    while above is not None:
        if above.type == "call":
            found.append(above)
        above = above.parent
    return found


def _only_asks_for_the_file(source: Source, node: Node) -> bool:
    """Return whether a block is there to import files that may be missing: whatever is there was in the release."""
    written = arguments(node)
    if callee(node) == "for":
        return True
    return callee(node) == "if" and bool(written) and source.text(written[0]).startswith("File.")


def _call(source: Source, node: Node, conditional: bool) -> Call | None:
    written = arguments(node)
    if len(written) not in (2, 3) or written[0].type != "atom":
        return None
    middle = written[1] if len(written) == 3 else None
    if middle is not None and middle.type not in ("atom", "alias"):
        return None
    return Call(source, node, source.text(written[0])[1:], middle, written[-1], conditional)


def _settings(call: Call) -> Iterator[Setting]:
    path: tuple[str, ...] = (call.app,)
    if call.key is not None:
        text = call.source.text(call.key)
        path = (*path, text[1:] if call.key.type == "atom" else f"Elixir.{text.removeprefix('Elixir.')}")
    yield from _below(call, path, (), None, call.value)


def _below(
    call: Call, path: tuple[str, ...], written: tuple[str, ...], pair: Node | None, value: Node
) -> Iterator[Setting]:
    found = keywords(value)
    yield Setting(call, path, written, pair, value, _merges(value))
    for each in parts(found):
        named, inner, name = each.child_by_field_name("key"), each.child_by_field_name("value"), key(each)
        if named is not None and inner is not None and name is not None:
            text = call.source.text(named).rstrip()
            yield from _below(call, (*path, name), (*written, text), each, inner)


def _merges(value: Node) -> bool | None:
    """Return whether a value is a keyword list; None where only Elixir can tell."""
    if keywords(value) is not None:
        return True
    if value.type == "list":
        pairs = [each for each in parts(value) if each.type in ("keywords", "tuple")]
        return None if len(pairs) == len(parts(value)) else False
    literal = ("string", "charlist", "sigil", "atom", "quoted_atom", "alias", "integer", "float", "boolean", "nil",
               "char", "tuple", "map", "unary_operator")  # fmt: skip
    return False if value.type in literal else None


def to_move(settings: list[Setting]) -> list[Setting]:
    """Return the innermost settings that have ``${VAR}`` in them."""
    return [each for each in settings if not each.merges and occurrences(each.call.source, each.value)]
