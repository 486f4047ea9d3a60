"""Erlang's terms as a release's own files have them: NAME.rel, and the NAME.app of each application."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

# No file of a release is nested this deep.
MOST_NESTED = 100

_TOKEN = re.compile(
    r"""(?P<space>\s+|%[^\n]*)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<quoted>'(?:[^'\\]|\\.)*')
      | (?P<number>[+-]?\d[\d_]*(?:\#[0-9a-zA-Z]+|\.\d+(?:[eE][+-]?\d+)?)?)
      | (?P<character>\$(?:\\.|.))
      | (?P<atom>[a-z\u00df-\u00f6\u00f8-\u00ff][\w@]*)
      | (?P<mark>\#\{|=>|<<|>>|/|:|[{}\[\],|.])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:x\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|([0-7]{1,3})|\^(.)|(.))", re.DOTALL)
_LETTERS = {"b": "\b", "d": "\x7f", "e": "\x1b", "f": "\f", "n": "\n", "r": "\r", "s": " ", "t": "\t", "v": "\v"}


class NotATerm(ValueError):
    """The text is no Erlang term."""


@dataclass(frozen=True, slots=True)
class Atom:
    """An atom."""

    name: str


class _Token(NamedTuple):
    kind: str
    text: str


def parse(text: str) -> Any:
    """Return the first term of a file as Python's values and `Atom`; a map is the list of its pairs.

    Raises NotATerm (https://www.erlang.org/doc/system/data_types.html has the syntax).
    """
    tokens = [*_tokens(text), _Token("end", "")]
    reader = _Reader(tokens)
    value = reader.term(0)
    reader.expect(".")
    return value


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotATerm(f"no token of Erlang's at {text[at : at + 20]!r}")
        at = found.end()
        if found.lastgroup != "space":
            yield _Token(str(found.lastgroup), found[0])


class _Reader:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def _next(self) -> _Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _is(self, mark: str) -> bool:
        return self._tokens[self._at] == _Token("mark", mark)

    def expect(self, mark: str) -> None:
        token = self._next()
        if token != ("mark", mark):
            raise NotATerm(f"{mark!r} should stand where {token.text!r} does")

    def term(self, depth: int) -> Any:
        if depth > MOST_NESTED:
            raise NotATerm("nested too deeply")
        token = self._next()
        match token.kind, token.text:
            case "string", text:
                return self._joined(text)
            case "quoted", text:
                return Atom(_unescaped(text))
            case "atom", text:
                return Atom(text)
            case "number", text:
                return _number(text)
            case "character", text:
                return ord(_unescaped(f"'{text[1:]}'")[:1] or "\0")
            case "mark", "{":
                return tuple(self._until("}", depth))
            case "mark", "[":
                return self._list(depth)
            case "mark", "#{":
                return self._map(depth)
            case "mark", "<<":
                return self._binary(depth)
        raise NotATerm(f"no term begins with {token.text!r}")

    def _joined(self, text: str) -> str:
        """Return a string with those that stand right behind it, as Erlang joins them."""
        value = _unescaped(text)
        while self._tokens[self._at].kind == "string":
            value += _unescaped(self._next().text)
        return value

    def _until(self, end: str, depth: int) -> Iterator[Any]:
        if self._is(end):
            self._next()
            return
        while True:
            yield self.term(depth + 1)
            if self._is(end):
                self._next()
                return
            self.expect(",")

    def _list(self, depth: int) -> list[Any]:
        items: list[Any] = []
        if self._is("]"):
            self._next()
            return items
        while True:
            items.append(self.term(depth + 1))
            if self._is("|"):
                self._next()
                tail = self.term(depth + 1)
                self.expect("]")
                return [*items, *tail] if isinstance(tail, list) else [*items, tail]
            if self._is("]"):
                self._next()
                return items
            self.expect(",")

    def _map(self, depth: int) -> list[tuple[Any, Any]]:
        """Return a map's pairs; what is a key in Erlang may be none in Python."""
        pairs: list[tuple[Any, Any]] = []
        while not self._is("}"):
            key = self.term(depth + 1)
            self.expect("=>")
            pairs.append((key, self.term(depth + 1)))
            if not self._is("}"):
                self.expect(",")
                if self._is("}"):
                    raise NotATerm("a key should stand after ','")
        self._next()
        return pairs

    def _binary(self, depth: int) -> bytes:
        content = b""
        for part in self._until_binary(depth):
            content += part.encode() if isinstance(part, str) else bytes([part & 255])
        return content

    def _until_binary(self, depth: int) -> Iterator[str | int]:
        while not self._is(">>"):
            part = self.term(depth + 1)
            if not isinstance(part, str | int):
                raise NotATerm("no part of a binary")
            while self._is("/") or self._is(":"):  # how it is encoded: <<"a"/utf8>>
                self._next()
                self._next()
            yield part
            if not self._is(">>"):
                self.expect(",")
        self._next()


def _number(text: str) -> int | float:
    digits = text.replace("_", "")
    try:
        if "#" in digits:
            base, _, rest = digits.partition("#")
            return int(rest, int(base))
        return float(digits) if "." in digits else int(digits)
    except ValueError as error:
        raise NotATerm(f"{text[:40]!r} is no number") from error


def _unescaped(quoted: str) -> str:
    return _ESCAPE.sub(_character, quoted[1:-1])


def _character(found: re.Match[str]) -> str:
    long, short, octal, control, letter = found.groups()
    if control is not None:
        return chr(ord(control) & 31)
    if letter is not None:
        return _LETTERS.get(letter, str(letter))
    code = int(octal, 8) if octal is not None else int(long or short, 16)
    if code > 0x10FFFF:
        raise NotATerm(f"\\x{{{code:x}}} is no character")
    return chr(code)


# Binaries and charlists as OTP prints those in which a character isn't printable to it, such as a line break.
_BYTES = re.compile(r"<<(\d{1,3}(?:,\s*\d{1,3})*)>>")
_CHARACTERS = re.compile(r"\[(\d{1,7}(?:,\s*\d{1,7}){3,})\]")


def decoded(output: str) -> str:
    """Return a VM's output in which the texts that OTP prints as numbers are texts; all other numbers stay."""
    return _CHARACTERS.sub(_charlist, _BYTES.sub(_binary, output))


def _binary(found: re.Match[str]) -> str:
    codes = [int(code) for code in found[1].split(",")]
    try:
        text = bytes(codes).decode()
    except ValueError:
        return found[0]
    return f"<<{_quoted(text)}>>" if _readable(text) else found[0]


def _charlist(found: re.Match[str]) -> str:
    codes = [int(code) for code in found[1].split(",")]
    text = "".join(map(chr, codes)) if max(codes) <= 0x10FFFF else ""
    # Of numbers that mean something else, few are letters of ASCII.
    return _quoted(text) if _readable(text) and 2 * sum(map(str.isascii, text)) > len(text) else found[0]


def _readable(text: str) -> bool:
    """Return whether people would read it: printable, with a letter in it."""
    return all(each.isprintable() or each in "\n\r\t" for each in text) and any(each.isalpha() for each in text)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'
