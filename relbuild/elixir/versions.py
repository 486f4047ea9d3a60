"""Versions and requirements as Elixir's ``Version`` module reads them, and the dotted versions of OTP.

The rules are those of Elixir's own lib/elixir/lib/version.ex, to the digit: a requirement that relbuild takes and
Mix does not would only fail later, inside the build.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

# Elixir limits a numeric part to 14 digits.
_NUMBER = re.compile(r"0|[1-9][0-9]{0,13}")
_IDENTIFIER = re.compile(r"[0-9A-Za-z-]+")
_DIGITS = re.compile(r"[0-9]+")
_TOKEN = re.compile(r">=|<=|~>|==|!=|>|<|!| or | and | |(?:(?!>=|<=|~>|==|!=| ).)", re.DOTALL)
_OTP = re.compile(r"[0-9]{1,4}(?:\.[0-9]{1,6}){0,5}(?:-rc\.?[0-9]{1,3})?", re.ASCII)

Pre = tuple[int | str, ...]


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """An Elixir version: MAJOR.MINOR.PATCH and perhaps a pre-release."""

    major: int
    minor: int
    patch: int
    pre: Pre = ()

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Return the version, or None when Elixir's ``Version.parse`` would answer ``:error``."""
        parts = _parts(text)
        if parts is None or parts[2] is None:
            return None
        return cls(parts[0], parts[1], parts[2], parts[3])

    @property
    def line(self) -> str:
        """MAJOR.MINOR, which is what Elixir's compatibility with OTP goes by."""
        return f"{self.major}.{self.minor}"

    def __str__(self) -> str:
        pre = "-" + ".".join(str(part) for part in self.pre) if self.pre else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}"

    def __lt__(self, other: Version) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]:
        # A pre-release comes before its release, a number before a word.
        pre = tuple((False, part, "") if isinstance(part, int) else (True, 0, part) for part in self.pre)
        return self.major, self.minor, self.patch, not self.pre, pre


@dataclass(frozen=True, slots=True)
class _Comparison:
    operator: str
    version: Version
    has_patch: bool

    def admits(self, version: Version) -> bool:
        wanted = self.version
        match self.operator:
            case "==":
                return version == wanted
            case "!=" | "!":
                return version != wanted
            case ">":
                return version > wanted
            case ">=":
                return version >= wanted
            case "<":
                return version < wanted
            case "<=":
                return version <= wanted
        # "~>"; the bound's own pre-releases stay out, and 0 sorts before every one of them.
        if self.has_patch:
            return wanted <= version < Version(wanted.major, wanted.minor + 1, 0, (0,))
        return wanted <= version < Version(wanted.major + 1, 0, 0, (0,))


@dataclass(frozen=True, slots=True)
class Requirement:
    """An Elixir requirement such as ``~> 1.15 and < 1.19.0``."""

    source: str
    _either: tuple[tuple[_Comparison, ...], ...]

    @classmethod
    def parse(cls, source: str) -> Requirement | None:
        """Return the requirement, or None when Elixir's ``Version.parse_requirement`` would answer ``:error``."""
        tokens = _lex(source)
        either: list[list[_Comparison]] = [[]]
        for place in range(0, len(tokens) + 1, 3):
            # OPERATOR VERSION, and between two of these `and` or `or`.
            if place + 2 > len(tokens) or tokens[place] not in _OPERATORS:
                return None
            comparison = _comparison(tokens[place], tokens[place + 1])
            if comparison is None:
                return None
            either[-1].append(comparison)
            join = tokens[place + 2] if place + 2 < len(tokens) else None
            if join is None:
                return cls(source, tuple(map(tuple, either)))
            if join not in ("and", "or"):
                return None
            if join == "or":
                either.append([])
        return None

    def admits(self, version: Version) -> bool:
        """Tell whether the version satisfies it; ``and`` binds tighter than ``or``."""
        return any(all(comparison.admits(version) for comparison in every) for every in self._either)


_OPERATORS = frozenset({"==", "!=", "!", ">", ">=", "<", "<=", "~>"})


def _lex(source: str) -> list[str]:
    # A version without an operator means ==, as in Elixir's lexer.
    tokens: list[str] = []
    buffer = ""

    def flush() -> None:
        nonlocal buffer
        if buffer:
            if not tokens or tokens[-1] not in _OPERATORS:
                tokens.append("==")
            tokens.append(buffer)
        buffer = ""

    for piece in _TOKEN.findall(source):
        if piece in _OPERATORS:
            flush()
            tokens.append(piece)
        elif piece in (" or ", " and "):
            flush()
            tokens.append(piece.strip())
        elif piece == " ":
            flush()
        else:
            buffer += piece
    flush()
    return tokens


def _comparison(operator: str, text: str) -> _Comparison | None:
    parts = _parts(text)
    if parts is None:
        return None
    major, minor, patch, pre = parts
    if patch is None and operator != "~>":
        return None
    return _Comparison(operator, Version(major, minor, patch or 0, pre), patch is not None)


def _parts(text: str) -> tuple[int, int, int | None, Pre] | None:
    rest, plus, build = text.partition("+")
    release, dash, pre_text = rest.partition("-")
    numbers = release.split(".")
    if len(numbers) not in (2, 3) or not all(_NUMBER.fullmatch(number) for number in numbers):
        return None
    if plus and not all(_IDENTIFIER.fullmatch(part) for part in build.split(".")):
        return None
    pre: list[int | str] = []
    for part in pre_text.split(".") if dash else ():
        if _NUMBER.fullmatch(part):
            pre.append(int(part))
        elif _IDENTIFIER.fullmatch(part) and not _DIGITS.fullmatch(part):
            pre.append(part)
        else:
            return None
    return int(numbers[0]), int(numbers[1]), int(numbers[2]) if len(numbers) == 3 else None, tuple(pre)


@total_ordering
@dataclass(frozen=True, slots=True)
class OtpVersion:
    """A version of OTP: one part when only the major is said, two to four (or more) when it is a release."""

    parts: tuple[int, ...]
    candidate: str = ""

    @classmethod
    def parse(cls, text: str) -> OtpVersion | None:
        """Return the version (a leading ``OTP-`` is dropped), or None when the text is none."""
        text = text.removeprefix("OTP-")
        if not _OTP.fullmatch(text):
            return None
        numbers, _, candidate = text.partition("-")
        return cls(tuple(int(number) for number in numbers.split(".")), candidate)

    @property
    def major(self) -> int:
        """The OTP release, such as 27."""
        return self.parts[0]

    def starts(self, other: OtpVersion) -> bool:
        """Tell whether the other is this version or a later patch of it: 27 starts 27.3.4, 27.3 does too."""
        if self.candidate:
            return self == other
        return other.parts[: len(self.parts)] == self.parts and not other.candidate

    def __str__(self) -> str:
        return ".".join(map(str, self.parts)) + (f"-{self.candidate}" if self.candidate else "")

    def __lt__(self, other: OtpVersion) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[tuple[int, ...], bool, int, str]:
        # 28.0-rc3 comes before 28.0; rc10 after rc9.
        number = int(re.sub(r"\D", "", self.candidate) or 0)
        return self.parts, not self.candidate, number, self.candidate
