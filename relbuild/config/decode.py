"""YAML nodes → Config, as the fields of the model declare it, with a problem for everything that is amiss."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Any, NamedTuple

from relbuild.config import rules
from relbuild.config.kinds import LARGEST, Choice, Commands, Flag, Kind, Listing, Section, Table, Text, Whole, keys
from relbuild.config.model import Config
from relbuild.config.nodes import Mapping, Node, Scalar, Sequence, read
from relbuild.config.words import either, flaw, nearest, quoted, shown, unknown
from relbuild.errors import ConfigError, Mark, Problem

_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
# What YAML 1.1 took for true and false, and YAML 1.2 takes for text.
_YES = ("yes", "Yes", "YES", "on", "On", "ON", "y", "Y")
_NO = ("no", "No", "NO", "off", "Off", "OFF", "n", "N")

_BAD: Any = object()


def parse(data: bytes, file: str = "relbuild.yml") -> Config:
    """Return what the file says; an empty file gives `Config()`.

    Raises ConfigError with every problem of the file, each at its line and column, sorted by place.
    """
    document = read(data, file)
    decoder = _Decoder(file)
    config = Config()
    if document is not None and not (isinstance(document, Scalar) and document.empty):
        config = decoder.config(document)
        decoder.problems.extend(rules.check(config, decoder.bad))
    if decoder.problems:
        start = Mark(file, 1)
        raise ConfigError.of(sorted(set(decoder.problems), key=lambda problem: (problem.at or start, problem.message)))
    return config


class _Entry(NamedTuple):
    name: str
    at: Mark
    node: Node


class _Decoder:
    """Decodes each node by its kind; `hint` is the next action where nothing better is known."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.marks: dict[str, Mark] = {}
        self.bad: set[str] = set()

    def config(self, document: Node) -> Config:
        """Return the configuration, with the default for whatever is wrong."""
        values = self._fields(Config, document, "", document.at, "write KEY: VALUE, such as elixir: 1.18.4")
        return Config(**({} if values is _BAD else values), marks=MappingProxyType(self.marks))

    def _wrong(self, path: str, at: Mark, message: str, hint: str | None) -> Any:
        self.bad.add(path)
        self.problems.append(Problem(f"{path or self.file}: {message}", at, hint))
        return _BAD

    def _value(self, kind: Kind, node: Node, path: str, hint: str) -> Any:
        """Return the node's value, or _BAD when its problem is noted."""
        self.marks[path] = node.at
        match kind:
            case Text():
                return self._text(kind, node, path, hint)
            case Choice():
                return self._choice(kind, node, path, hint)
            case Whole():
                return self._whole(kind, node, path, hint)
            case Flag():
                return self._flag(node, path, hint)
            case Listing():
                return self._listing(kind, node, path, hint)
            case Commands():
                return self._commands(kind, node, path, hint)
            case Table():
                return self._table(kind, node, path, hint)
            case Section():
                values = self._fields(kind.of, node, path, node.at, hint)
                return _BAD if values is _BAD else kind.of(**values)

    def _text(self, kind: Text, node: Node, path: str, hint: str) -> Any:
        if not isinstance(node, Scalar) or node.empty:
            return self._wrong(path, node.at, f"should be {kind.what}, is {shown(node)}", hint)
        # An unquoted true is no name, version or image; as a command or a variable's value it is just text.
        if kind.pattern is not None and node.plain and node.text in _TRUE + _FALSE:
            return self._wrong(path, node.at, f"should be {kind.what}, is {shown(node)}", hint)
        wrong = flaw(kind, node)
        return node.text if wrong is None else self._wrong(path, node.at, wrong[0], wrong[1] or hint)

    def _choice(self, kind: Choice, node: Node, path: str, hint: str) -> Any:
        advice = None
        if isinstance(node, Scalar):
            wrong = flaw(kind.other, node) if kind.other is not None else ("", None)
            if node.text in kind.words or wrong is None:
                return node.text
            close = nearest(node.text, kind.words)
            advice = f"did you mean {close}?" if close else wrong[1]
        what = either([*kind.words, kind.other.what] if kind.other else kind.words)
        return self._wrong(path, node.at, f"should be {what}, is {shown(node)}", advice or hint)

    def _whole(self, kind: Whole, node: Node, path: str, hint: str) -> Any:
        name = path.rpartition(".")[2]
        if not isinstance(node, Scalar) or not re.fullmatch(r"-?[0-9]+", node.text):
            return self._wrong(path, node.at, f"should be a whole number, is {shown(node)}", hint)
        number = int(node.text) if len(node.text) <= 20 else kind.maximum + 1
        if not kind.minimum <= number <= kind.maximum:
            bounds = (
                f"of at least {kind.minimum}" if kind.maximum == LARGEST else f"from {kind.minimum} to {kind.maximum}"
            )
            return self._wrong(path, node.at, f"should be a whole number {bounds}, is {shown(node)}", hint)
        if not node.plain or node.text != str(number):
            wanted = f"write {name}: {number}"
            return self._wrong(path, node.at, f"should be a whole number, is {quoted(node.text)}", wanted)
        return number

    def _flag(self, node: Node, path: str, hint: str) -> Any:
        name = path.rpartition(".")[2]
        if isinstance(node, Scalar):
            if node.plain and node.text in _TRUE + _FALSE:
                return node.text in _TRUE
            if node.text in _TRUE + _YES:
                hint = f"write {name}: true"
            elif node.text in _FALSE + _NO:
                hint = f"write {name}: false"
        return self._wrong(path, node.at, f"should be true or false, is {shown(node)}", hint)

    def _listing(self, kind: Listing, node: Node, path: str, hint: str) -> Any:
        if not isinstance(node, Sequence):
            return self._wrong(path, node.at, f"should be {kind.what}, is {shown(node, kind.item.private)}", hint)
        found: dict[str, int] = {}
        values = []
        for index, item in enumerate(node.items):
            value = self._value(kind.item, item, f"{path}[{index}]", hint)
            if value is _BAD:
                continue
            first = found.setdefault(value, index)
            if kind.unique and first != index:
                self._wrong(f"{path}[{index}]", item.at, f"is the same as {path}[{first}]", "keep one of the two")
            values.append(value)
        return tuple(values)

    def _commands(self, kind: Commands, node: Node, path: str, hint: str) -> Any:
        if isinstance(node, Scalar):
            if node.text == kind.word:
                return kind.word
            if node.plain and node.text in _FALSE:
                return False
            if node.text in _FALSE + _NO:
                hint = f"write {path}: false"
            elif node.text in _TRUE + _YES:
                hint = f"write {path}: {kind.word}"
        elif isinstance(node, Sequence):
            if node.items:
                return self._listing(Listing("", kind.item), node, path, hint)
            return self._wrong(path, node.at, "has no command in its list", f"write {path}: false")
        what = f"{kind.word}, false or a list of commands"
        return self._wrong(path, node.at, f"should be {what}, is {shown(node)}", hint)

    def _table(self, kind: Table, node: Node, path: str, hint: str) -> Any:
        if not isinstance(node, Mapping):
            private = isinstance(kind.value, Text) and kind.value.private
            return self._wrong(path, node.at, f"should be {kind.what}, is {shown(node, private)}", hint)
        values = {}
        for entry in self._entries(node, path):
            below = _join(path, entry.name)
            if flaw(kind.name, Scalar(entry.name, False, entry.at)) is not None:
                self._wrong(below, entry.at, f"should be {kind.name.what}", hint)
                continue
            if not (isinstance(entry.node, Scalar) and entry.node.empty):
                value = self._value(kind.value, entry.node, below, hint)
            elif isinstance(kind.value, Section):
                value = self._value(kind.value, Mapping((), entry.at), below, hint)
            elif kind.bare:
                self.marks[below] = entry.at
                value = None
            else:
                value = self._wrong(below, entry.at, "has no value", f'write {entry.name}: "" for an empty one')
            if value is not _BAD:
                values[entry.name] = value
        return MappingProxyType(values)

    def _fields(self, of: type[Any], node: Node, path: str, at: Mark, hint: str) -> Any:
        """Return the values of a section's fields; _BAD when it is none, or lacks a field that must be given."""
        if not isinstance(node, Mapping):
            return self._wrong(path, at, f"should be a mapping of keys to values, is {shown(node)}", hint)
        known = keys(of)
        values = {}
        missing = {name for name, key in known.items() if key.required}
        for entry in self._entries(node, path):
            below = _join(path, entry.name)
            if entry.name not in known:
                self._wrong(below, entry.at, "is no key that relbuild knows", unknown(entry.name, tuple(known)))
            elif not (isinstance(entry.node, Scalar) and entry.node.empty):
                missing.discard(entry.name)
                key = known[entry.name]
                value = self._value(key.kind, entry.node, below, f"write {entry.name}: {key.example}")
                if value is not _BAD:
                    values[entry.name] = value
        for name in (name for name in known if name in missing):
            self._wrong(_join(path, name), at, "is missing", f"write {name}: {known[name].example}")
        return _BAD if any(key.required and name not in values for name, key in known.items()) else values

    def _entries(self, node: Mapping, path: str) -> tuple[_Entry, ...]:
        """Return the entries, each name once."""
        found: dict[str, _Entry] = {}
        for key, value in node.entries:
            if not isinstance(key, Scalar):
                self._wrong(path, key.at, f"has a key that should be text, and is {shown(key)}", "write KEY: VALUE")
            elif key.text in found:
                first = found[key.text].at
                twice = f"is given twice, first on line {first.line}, column {first.column}"
                self._wrong(_join(path, key.text), key.at, twice, "keep one of the two")
            else:
                found[key.text] = _Entry(key.text, key.at, value)
        return tuple(found.values())


def _join(path: str, name: str) -> str:
    # A name that can't be a key is shown as Python would: it may hold anything, line breaks too.
    part = name if re.fullmatch(r"[\w<.-]{1,64}", name) else quoted(name)
    return f"{path}.{part}" if path else part
