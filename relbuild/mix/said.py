"""What the functions of one mix.exs give, however it was found out."""

from __future__ import annotations

from collections.abc import Callable

from relbuild.errors import Mark
from relbuild.mix.fields import Fields
from relbuild.mix.terms import Term
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """The keyword lists of a mix.exs' `project/0` and `application/0`.

    `directory` is relative to the tree's root, `reads` are the files that it reads, and `run` gives the value of a
    function without arguments.
    """

    directory: str
    module: str
    at: Mark
    given: Fields
    application: Fields
    reads: frozenset[str]
    run: Callable[[Term], Term]
