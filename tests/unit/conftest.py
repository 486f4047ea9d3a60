"""A project's files in memory, and Elixir expressions evaluated among them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Scope
from relbuild.elixir.syntax import parse
from relbuild.elixir.values import Gap, Item, List, Map, Tuple
from relbuild.facts import Unknown


class DictTree:
    """A Tree of files given as text or bytes."""

    def __init__(self, files: dict[str, str | bytes]) -> None:
        self.files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.asked: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self.files.get(path)

    def list(self, directory: str) -> tuple[str, ...]:
        inside = f"{directory}/" if directory else ""
        names = [path[len(inside) :].partition("/") for path in self.files if path.startswith(inside)]
        return tuple(sorted({name + slash for name, slash, _ in names}))


class Open:
    """Stands for anything that isn't known."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Open)

    def __repr__(self) -> str:
        return "OPEN"


OPEN = Open()


def plain(term: Item) -> object:
    """Return a term as nested Python values; lists as lists, tuples as tuples, maps as pairs."""
    if isinstance(term, Unknown | Gap):
        return OPEN
    value = term.value
    if isinstance(value, List):
        return [plain(item) for item in value.items]
    if isinstance(value, Tuple):
        return tuple(plain(item) for item in value.items)
    if isinstance(value, Map):
        return {"map": [(plain(key), plain(found)) for key, found in value.pairs]}
    return value


@pytest.fixture(scope="session")
def dict_tree() -> type[DictTree]:
    return DictTree


@pytest.fixture(scope="session")
def anything() -> Open:
    return OPEN


@pytest.fixture(scope="session")
def evaluate() -> Callable[..., object]:
    def evaluated(expression: str, module: str = "", files: dict[str, str | bytes] | None = None) -> object:
        source = parse("mix.exs", f"defmodule M do\n{module}\ndef it do\n{expression}\nend\nend\n".encode())
        environment = BuildEnvironment({"SET": "yes"}, frozenset({"V"}))
        evaluator = Evaluator(source, DictTree(files or {}), environment=environment)
        clause = next(clause for clause in evaluator.modules[-1].clauses if clause.name == "it")
        scope = Scope(evaluator.modules[-1], {})
        return plain(evaluator.block(list(clause.expressions or ()), scope, clause.node))

    return evaluated
