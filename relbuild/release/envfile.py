"""Env files: ``NAME=value`` lines as dotenv's readers take them, also from Windows, every fault at its place.

Where it differs from ``docker run --env-file``, which has no quotes: quotes around a value are taken off and let it go
over several lines, a ``#`` after white space begins a comment, ``export`` may stand before a name. As there, ``NAME``
alone passes relbuild's own variable on, a ``$`` is a ``$``, and the last one of a name holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from relbuild.errors import Mark, Problem, UsageError

# A file made by hand is far smaller; the kernel refuses an environment of that size anyway.
MAX_BYTES = 1_000_000

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_EXPORT = re.compile(r"export[ \t]+")
_BLANKS = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"(?<=[ \t])#")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=?&-]*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}
_WRITTEN = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A variable of an env file; its value is None where the name stands alone."""

    name: str
    value: str | None
    at: Mark


def parse(file: str, content: bytes) -> tuple[Entry, ...]:
    """Return the file's variables in their order.

    Raises UsageError with all that is wrong, each at its place.
    """
    reading = _Reading(file, _text(file, content))
    reading.read()
    if reading.problems:
        raise UsageError.of(reading.problems)
    return tuple(reading.entries)


def render(values: Mapping[str, str]) -> str:
    """Return an env file with these values, which ``parse`` reads back; no value can have a NUL character."""
    return "".join(f"{name}={quoted(value)}\n" for name, value in values.items())


def quoted(value: str) -> str:
    """Return a value as an env file has it: bare where nothing in it has a meaning, else in double quotes."""
    return value if _PLAIN.fullmatch(value) else f'"{value.translate(_WRITTEN)}"'


def _text(file: str, content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise UsageError(f"{file}: larger than {MAX_BYTES // 1000} kB", at=Mark(file, 1), hint="is it an env file?")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{file}: is UTF-16, not UTF-8", at=Mark(file, 1), hint='save it as UTF-8, not as "Unicode"')
    body = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        before = body[: error.start].decode()
        at = _place(file, before, len(before))
        raise UsageError(f"{file}: is not UTF-8", at=at, hint="save it as UTF-8") from error
    nul = text.find("\0")
    if nul >= 0:
        raise UsageError(f"{file}: has a NUL character", at=_place(file, text, nul), hint="no variable can hold one")
    return text.replace("\r\n", "\n")


def _place(file: str, text: str, offset: int) -> Mark:
    return Mark(file, text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))


class _Reading:
    """Where the reading of a text is, and what was found so far."""

    def __init__(self, file: str, text: str) -> None:
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []
        self._file = file
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0

    def read(self) -> None:
        while self._at < len(self._text):
            self._take(_BLANKS)
            if self._next() not in ("", "\n", "#"):
                self._entry()
            self._at = self._end_of_line() + 1

    def _entry(self) -> None:
        self._take(_EXPORT)
        start = self._at
        name = self._take(_NAME)
        self._take(_BLANKS)
        if not name or self._next() not in ("=", "", "\n", "#"):
            written = self._text[start : self._end_of_line()].partition("=")[0].strip()
            shown = f"{written!r} is no name" if written else "there is no name before the ="
            self._wrong(start, shown, "write NAME=value; a name is letters, digits and _")
            return
        at = self._mark(start)
        if self._next() != "=":
            self.entries.append(Entry(name, None, at))
            return
        self._at += 1
        self._take(_BLANKS)
        value = self._quoted() if self._next() in ("'", '"') else self._bare()
        if value is not None:
            self.entries.append(Entry(name, value, at))

    def _bare(self) -> str:
        start, self._at = self._at, self._end_of_line()
        comment = _COMMENT.search(self._text, start, self._at)
        return self._text[start : comment.start() if comment else self._at].rstrip(" \t")

    def _quoted(self) -> str | None:
        """Return the value in quotes that stands here; None after noting what is wrong with it."""
        start, quote = self._at, self._next()
        value = self._single() if quote == "'" else self._double()
        if value is None:
            self._wrong(start, f"the value's {quote} has no closing one", "close it on the same line or a later one")
            # Whether what follows is a value or lines of their own can't be told.
            self._at = len(self._text)
            return None
        self._take(_BLANKS)
        if self._next() not in ("", "\n", "#"):
            self._wrong(self._at, f"something follows the closing {quote}", 'inside double quotes \\" stands for one')
            return None
        return value

    def _single(self) -> str | None:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            return None
        value, self._at = self._text[self._at + 1 : end], end + 1
        return value

    def _double(self) -> str | None:
        out: list[str] = []
        i = self._at + 1
        while i < len(self._text):
            character = self._text[i]
            if character == '"':
                self._at = i + 1
                return "".join(out)
            escaped = _ESCAPES.get(self._text[i + 1 : i + 2]) if character == "\\" else None
            out.append(character if escaped is None else escaped)
            i += 1 if escaped is None else 2
        return None

    def _next(self) -> str:
        """Return the next character; an empty text at the end."""
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found.group() if found else ""

    def _end_of_line(self) -> int:
        end = self._text.find("\n", self._at)
        return end if end >= 0 else len(self._text)

    def _mark(self, offset: int) -> Mark:
        # Lines are counted from the last mark: a file is read once, not once for each mark.
        self._line += self._text.count("\n", self._counted, offset)
        self._counted = max(self._counted, offset)
        return Mark(self._file, self._line, offset - self._text.rfind("\n", 0, offset))

    def _wrong(self, offset: int, message: str, hint: str) -> None:
        self.problems.append(Problem(message, self._mark(offset), hint))
