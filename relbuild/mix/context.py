"""What a function of Elixir's library knows about the place of its call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from relbuild.errors import Mark
from relbuild.mix.facts import Known, Tree, Unknown
from relbuild.mix.terms import Term, Value


class Context(Protocol):
    """What a function uses besides its arguments: the place of the call, the project's files, other functions."""

    @property
    def at(self) -> Mark: ...
    @property
    def tree(self) -> Tree: ...
    @property
    def directory(self) -> str: ...
    @property
    def reads(self) -> set[str]: ...
    @property
    def required(self) -> list[str]: ...
    @property
    def git(self) -> list[Mark]: ...
    def apply(self, function: Term, args: list[Term]) -> Term:
        """Return what a function value gives for the arguments."""


Result: TypeAlias = Value | Known[Value] | Unknown
Pure: TypeAlias = Callable[..., Result]


def at(context: Context, value: Value) -> Known[Value]:
    """Return the value as one that comes from the call."""
    return Known(value, context.at)
