"""The kinds of value a key of relbuild.yml can have; decoding, messages and the JSON Schema all follow from them.

A pattern describes the whole value and keeps to what Python's and JSON Schema's regular expressions share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field, fields
from types import MappingProxyType
from typing import Any, NamedTuple

# Kubernetes holds replicas and seconds in 32 bits.
LARGEST = 2**31 - 1

MAX_TEXT = 512
"""The longest text that has a pattern, in characters; an image's name with tag and digest takes 455 at most."""


class Text(NamedTuple):
    """Text: taken as it is written, so that an unquoted 1.10 stays 1.10."""

    what: str
    pattern: str | None = None
    lines: bool = False
    """It may hold line breaks."""
    empty: bool = False
    """It may be empty."""
    private: bool = False
    """It may be, or be mistaken for, a secret: no message repeats it."""
    advice: Callable[[str], str | None] | None = None
    """The next action for a certain bad text; None where the key's example says enough."""


class Choice(NamedTuple):
    """One of a few words, or, with an `other`, a text of that kind."""

    words: tuple[str, ...]
    other: Text | None = None


class Whole(NamedTuple):
    """A whole number within bounds."""

    minimum: int = 1
    maximum: int = LARGEST


class Flag(NamedTuple):
    """true or false."""


class Listing(NamedTuple):
    """A list of texts."""

    what: str
    item: Text
    unique: bool = False


class Commands(NamedTuple):
    """The word `word`, false, or a list with at least one command."""

    word: str
    item: Text


class Table(NamedTuple):
    """A mapping from names to texts, or to sections."""

    what: str
    name: Text
    value: Text | Section
    bare: bool = False
    """A name may stand alone, without a value."""


class Section(NamedTuple):
    """A mapping with keys of its own, one for each field of the dataclass."""

    of: type[Any]


Kind = Text | Choice | Whole | Flag | Listing | Commands | Table | Section


class Key(NamedTuple):
    """What is declared of a key: its kind, what it means, what holds without it, and a value to show."""

    kind: Kind
    means: str
    default: str
    example: str
    required: bool = False
    engines: tuple[str, ...] = ()
    """The engines whose targets may have this key; () for all."""


def key(
    kind: Kind,
    means: str,
    *,
    default: str = "",
    example: str,
    value: Any = None,
    factory: Callable[[], Any] | None = None,
    engines: tuple[str, ...] = (),
) -> Any:
    """Return a dataclass field for an optional key; `default` tells what `value` or `factory` makes."""
    metadata = {"key": Key(kind, means, default, example, engines=engines)}
    return field(default_factory=factory, metadata=metadata) if factory else field(default=value, metadata=metadata)


def nothing() -> Mapping[str, Any]:
    """Return what a mapping is without its key."""
    return MappingProxyType({})


def required(kind: Kind, means: str, *, example: str) -> Any:
    """Return a dataclass field for a key that must be given."""
    return field(metadata={"key": Key(kind, means, "", example, required=True)})


def keys(of: type[Any]) -> dict[str, Key]:
    """Return the keys of a section, by name, in the order they are declared."""
    return {declared.name: declared.metadata["key"] for declared in fields(of) if "key" in declared.metadata}
