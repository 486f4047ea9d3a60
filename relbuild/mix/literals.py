"""Elixir's literals as values: numbers, characters, and what the parts of a quoted text stand for."""

from __future__ import annotations

from tree_sitter import Node

from relbuild.mix.source import Source

# Python refuses to read longer ones by default, and no project means them.
MAX_DIGITS = 1000

_ESCAPES = {
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "d": "\x7f",
    "e": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "s": " ",
    "t": "\t",
    "v": "\v",
}

# Unicode's White_Space, which String.trim and String.split go by; str.strip takes four control characters more.
WHITESPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
# Those of them that String.split doesn't break at.
NON_BREAKING = "\xa0\u2007\u202f"


class NotLiteral(Exception):
    """The text has no meaning that is surely known; its message says why."""


def integer(text: str) -> int:
    """Return the value of an integer in any of Elixir's bases."""
    digits = text.replace("_", "")
    if len(digits) > MAX_DIGITS:
        raise NotLiteral("the number is too long")
    base = {"0x": 16, "0o": 8, "0b": 2}.get(digits[:2], 10)
    return int(digits if base == 10 else digits[2:], base)


def decimal(text: str) -> float:
    """Return the value of a float."""
    value = float(text.replace("_", ""))
    if value in (float("inf"), float("-inf")):
        raise NotLiteral("the number is out of range")
    return value


def character(text: str) -> int:
    """Return the code point that `?a` stands for."""
    written = text[1:]
    value = unescape(written) if written.startswith("\\") else written
    if len(value) != 1:
        raise NotLiteral("it is no single character")
    return ord(value)


def unescape(text: str) -> str:
    """Return the text with its escapes resolved, as in a double-quoted string."""
    out: list[str] = []
    i = 0
    while (slash := text.find("\\", i)) >= 0:
        out.append(text[i:slash])
        value, i = _escape(text, slash + 1)
        out.append(value)
    out.append(text[i:])
    return "".join(out)


def _escape(text: str, i: int) -> tuple[str, int]:
    """Return what the escape whose letter stands at i means, and where the text goes on."""
    letter = text[i : i + 1]
    if letter == "\n":
        return "", i + 1
    if text[i : i + 2] == "\r\n":
        return "", i + 2
    if letter in ("x", "u"):
        return _code_point(text, i)
    if not letter:
        raise NotLiteral("an escape is not complete")
    return _ESCAPES.get(letter, letter), i + 1


def _code_point(text: str, i: int) -> tuple[str, int]:
    if text[i + 1 : i + 2] == "{":
        end = text.find("}", i)
        digits, after = text[i + 2 : end], end + 1
    else:
        after = i + (3 if text[i] == "x" else 5)
        digits = text[i + 1 : after]
    if not digits or len(digits) > 6 or any(c not in "0123456789abcdefABCDEF" for c in digits):
        raise NotLiteral("an escape is not complete")
    number = int(digits, 16)
    if text[i] == "x" and number > 0x7F:
        raise NotLiteral("it has a byte that may be no character")
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise NotLiteral("it has a code point that is no character")
    return chr(number), after


def quoted(source: Source, node: Node) -> list[str | Node]:
    """Return the raw parts of a quoted text: text as written, without a heredoc's indentation, and interpolations."""
    pieces: list[str | Node] = []
    for child in node.children:
        if child.type == "interpolation":
            pieces.append(child)
        elif child.type in ("quoted_content", "escape_sequence"):
            text = source.text(child)
            if pieces and isinstance(pieces[-1], str):
                pieces[-1] += text
            else:
                pieces.append(text)
    closing = next((c for c in reversed(node.children) if c.type in ('"""', "'''")), None)
    return pieces if closing is None else _dedent(pieces, source.mark(closing).column - 1)


def _dedent(pieces: list[str | Node], indentation: int) -> list[str | Node]:
    """Take a heredoc's first line break away, and from each line as much indentation as its end has."""
    out: list[str | Node] = []
    at_start = True
    for piece in pieces:
        if not isinstance(piece, str):
            out.append(piece)
            at_start = False
            continue
        lines = piece.split("\n")
        if not out and not lines[0].strip():
            lines = lines[1:]
        kept = [line if n == 0 and not at_start else _cut(line, indentation) for n, line in enumerate(lines)]
        out.append("\n".join(kept))
        at_start = False
    return out


def _cut(line: str, indentation: int) -> str:
    i = 0
    while i < min(indentation, len(line)) and line[i] in " \t":
        i += 1
    return line[i:]


def words(text: str) -> list[str]:
    """Return the words of `~w`, split as String.split does."""
    for space in WHITESPACE:
        text = text if space in NON_BREAKING else text.replace(space, " ")
    return [word for word in text.split(" ") if word]
