"""The text of relbuild.yml → YAML nodes, each with its place.

Built from PyYAML's events, so that relbuild's own limit of nesting holds and a duplicate key is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from relbuild.errors import ConfigError, Mark

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32

# What YAML forbids, and the line breaks of YAML 1.1 that no editor counts as lines.
_FORBIDDEN = "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
_BREAK = "\r\n|\r|\n"


class Scalar(NamedTuple):
    """A text; `plain` when it has no quotes, so that it may mean a number, true, false or nothing."""

    text: str
    plain: bool
    at: Mark

    @property
    def empty(self) -> bool:
        """Whether the key has no value, null or ~."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")


class Sequence(NamedTuple):
    """A list."""

    items: tuple[Node, ...]
    at: Mark


class Mapping(NamedTuple):
    """A mapping as it is written: keys may come twice, and be any node."""

    entries: tuple[tuple[Node, Node], ...]
    at: Mark


Node = Scalar | Sequence | Mapping


def read(data: bytes, file: str) -> Node | None:
    """Return the file's one document, or None when it has none.

    Raises ConfigError when it is too large, not UTF-8, not YAML, or has anchors, aliases or tags.
    """
    if len(data) > MAX_BYTES:
        message = f"{file} has {len(data) / 1024:.0f} KiB, more than the {MAX_BYTES // 1024} KiB that relbuild reads"
        raise ConfigError(
            message, at=Mark(file, 1), hint="give --config the right file; relbuild init writes a new one"
        )
    return _Composer(file, _decode(data, file)).document()


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
    """Makes nodes of events."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines = re.split(_BREAK, text)
        self.events = self._events(text)

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
        if depth > MAX_DEPTH:
            raise self._too_deep(at)
        if event.anchor is not None or getattr(event, "tag", None) is not None:
            hint = "write the value out; a text that begins with &, * or ! needs quotes"
            raise ConfigError("anchors (&), aliases (*) and tags (!) are not supported", at=at, hint=hint)
        if isinstance(event, yaml.ScalarEvent):
            return Scalar(event.value, event.style in (None, ""), at)
        children: list[Node] = []
        while not isinstance(event := next(self.events), (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            children.append(self._node(event, depth + 1))
        if isinstance(event, yaml.SequenceEndEvent):
            return Sequence(tuple(children), at)
        return Mapping(tuple(zip(children[::2], children[1::2], strict=True)), at)

    def _too_deep(self, at: Mark) -> ConfigError:
        return ConfigError(
            f"nested more than {MAX_DEPTH} levels deep", at=at, hint="relbuild.yml needs four levels at most"
        )

    def _unreadable(self, error: yaml.MarkedYAMLError) -> ConfigError:
        at = self._mark(error.problem_mark)
        # The scanner reads ahead: where it has its own limit, it stops before the event of the first bracket.
        before = "\n".join([*self.lines[: at.line - 1], self.lines[at.line - 1][: at.column - 1]])
        if brackets := re.search(rf"(?:[\[{{]\s*){{{MAX_DEPTH}}}(?=[\[{{])", before):
            return self._too_deep(_place(self.file, before[: brackets.end()]))
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
