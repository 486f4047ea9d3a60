"""What a function of Elixir's library sees of the place where it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from relbuild.errors import Mark
from relbuild.mix.facts import Known, Tree, Unknown
from relbuild.mix.terms import Term, Value


class Context(Protocol):
    """What a function may see besides its arguments: where it is called, the project's files, other functions."""

    @property
    def at(self) -> Mark: ...
    @property
    def tree(self) -> Tree: ...
    @property
    def directory(self) -> str: ...
    @property
    def reads(self) -> set[str]: ...
    def apply(self, function: Term, args: list[Term]) -> Term:
        """Return what a function value gives for the arguments."""


Result: TypeAlias = Value | Known[Value] | Unknown
Pure: TypeAlias = Callable[..., Result]


def at(context: Context, value: Value) -> Known[Value]:
    """Return the value as one that comes from the call."""
    return Known(value, context.at)
