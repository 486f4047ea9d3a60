"""The text of relbuild.yml → YAML nodes, each with its place; what is refused before any key is looked at.

Built from PyYAML's events, not its nodes: a node of PyYAML's no longer knows the places of its aliases, and is made by
recursion without a limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from relbuild.errors import ConfigError, Mark, Problem

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 32
MAX_NODES = 10_000
"""More values than any relbuild.yml needs, counted with every alias written out."""

# What YAML forbids, and the line breaks of YAML 1.1 that no editor counts as lines.
_FORBIDDEN = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
_BREAK = "\r\n|\r|\n"


class Scalar(NamedTuple):
    """A text; `plain` when it stands without quotes, so that it may mean a number, true, false or nothing."""

    text: str
    plain: bool
    at: Mark

    @property
    def empty(self) -> bool:
        """Nothing is given: the key stands alone, or has null or ~."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    at: Mark
    size: int


class Mapping(NamedTuple):
    """A mapping as it is written: keys may come twice, and be any node."""

    entries: tuple[tuple[Node, Node], ...]
    at: Mark
    size: int


Node = Scalar | Sequence | Mapping


def read(data: bytes, file: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """Return the file's one document (None when it has none) and the problems that leave it readable.

    Raises ConfigError when it is too large, not UTF-8, or not YAML.
    """
    if len(data) > MAX_BYTES:
        message = f"{file} is {_megabytes(len(data))}, more than the 1 MiB that relbuild reads"
        raise ConfigError(
            message, at=Mark(file, 1), hint="give --config the right file; relbuild init writes a new one"
        )
    composer = _Composer(file, _decode(data, file))
    return composer.document(), tuple(composer.problems)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 9.95e6 else f"{size / 1e6:.1f} MB"


def _decode(data: bytes, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ConfigError(f"{file} is UTF-16", at=Mark(file, 1), hint="save it as UTF-8")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        at = _place(file, data[: error.start].decode("utf-8").removeprefix("\ufeff"))
        message = f"{file} is not UTF-8: byte 0x{data[error.start]:02x}"
        raise ConfigError(message, at=at, hint="save it as UTF-8") from error
    text = text.removeprefix("\ufeff")
    found = re.search(_FORBIDDEN, text)
    if found:
        message = f"a character that YAML does not allow: U+{ord(found[0]):04X}"
        hint = 'delete it; in double quotes it can be written as "\\u' + f'{ord(found[0]):04x}"'
        raise ConfigError(
            message, at=_place(file, text[: found.start()]), hint="save it as UTF-8" if found[0] == "\0" else hint
        )
    return text


def _place(file: str, before: str) -> Mark:
    lines = re.split(_BREAK, before)
    return Mark(file, len(lines), len(lines[-1]) + 1)


class _Composer:
    """Makes nodes of events, within the limits."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines = re.split(_BREAK, text)
        self.problems: list[Problem] = []
        self.events = self._events(text)
        self.anchors: dict[str, Node | None] = {}
        self.count = 0

    def document(self) -> Node | None:
        import yaml

        root: Node | None = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    at = self._mark(event.start_mark)
                    raise ConfigError("a second document begins here", at=at, hint="take the line with '---' away")
                root = self._node(next(self.events), 1)
        return root

    def _events(self, text: str) -> Iterator[Any]:
        # The C scanner where PyYAML has it: the other takes 20 times as long.
        import yaml

        try:
            yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.MarkedYAMLError as error:
            raise self._unreadable(error) from error
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            # Only the scanner in Python comes here, and only for an escape beyond the last character.
            hint = "look for an escape such as \\U that stands for no character"
            raise ConfigError(f"not YAML: {error}", at=Mark(self.file, 1), hint=hint) from error

    def _mark(self, mark: Any) -> Mark:
        # At the end PyYAML may count one line more than there is.
        if mark.line >= len(self.lines):
            return Mark(self.file, len(self.lines), len(self.lines[-1]) + 1)
        return Mark(self.file, mark.line + 1, mark.column + 1)

    def _node(self, event: Any, depth: int) -> Node:
        import yaml

        at = self._mark(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), at)
        if depth > MAX_DEPTH:
            raise ConfigError(
                f"nested more than {MAX_DEPTH} levels deep", at=at, hint="relbuild.yml needs four at most"
            )
        self._counted(1, at)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            such = f" such as {tag}" if re.fullmatch(r"[!-~]{1,60}", tag) else ""
            self.problems.append(Problem(f"YAML tags{such} are not read", at, "take the tag away"))
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        node = self._made(event, at, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _made(self, event: Any, at: Mark, depth: int) -> Node:
        import yaml

        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, event.style in (None, ""), at)
        before = self.count
        children: list[Node] = []
        while not isinstance(event := next(self.events), (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            children.append(self._node(event, depth + 1))
        size = self.count - before + 1
        if isinstance(event, yaml.SequenceEndEvent):
            return Sequence(tuple(children), at, size)
        return Mapping(tuple(zip(children[::2], children[1::2], strict=True)), at, size)

    def _alias(self, name: str, at: Mark) -> Node:
        shown = name if len(name) <= 60 else name[:59] + "…"
        if name not in self.anchors:
            hint = "a text that begins with * needs quotes"
            raise ConfigError(f"*{shown} has no &{shown} before it", at=at, hint=hint)
        node = self.anchors[name]
        if node is None:
            hint = "write out what it should hold"
            raise ConfigError(f"*{shown} stands inside &{shown} itself", at=at, hint=hint)
        self._counted(1 if isinstance(node, Scalar) else node.size, at)
        return node

    def _counted(self, nodes: int, at: Mark) -> None:
        self.count += nodes
        if self.count > MAX_NODES:
            message = f"more than {MAX_NODES} values, aliases written out"
            raise ConfigError(message, at=at, hint="a relbuild.yml is much smaller: look for a list that was pasted in")

    def _unreadable(self, error: yaml.MarkedYAMLError) -> ConfigError:
        at = self._mark(error.problem_mark)
        line = self.lines[at.line - 1]
        indentation = line[: len(line) - len(line.lstrip())]
        if "\t" in indentation:
            tab = Mark(self.file, at.line, indentation.index("\t") + 1)
            return ConfigError("a tab indents this line", at=tab, hint="indent with spaces: YAML takes no tabs")
        where = error.context or ""
        if error.context_mark and error.context_mark.line + 1 < at.line:
            where += f" that begins on line {error.context_mark.line + 1}"
        message = f"not YAML: {error.problem}" + (f", {where.strip()}" if where else "")
        return ConfigError(message, at=at, hint=_syntax_hint(str(error.problem), line[at.column - 1 : at.column]))


def _syntax_hint(problem: str, character: str) -> str:
    if "cannot start any token" in problem:
        return f"put the text that begins with {character} in quotes"
    if "mapping values are not allowed" in problem:
        return "look at the indentation; a text with ': ' in it needs quotes"
    if "end of stream" in problem:
        return "close the quote"
    if "document" in problem:
        return "take away the lines that begin with % or ..., and all after the latter"
    if "escape" in problem:
        return "use single quotes, in which a backslash is a backslash"
    if "',' or" in problem or "node content" in problem:
        return "close the bracket, or set the comma that is missing"
    return "look at the indentation of this line and of the one before"
