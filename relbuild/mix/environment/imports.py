"""What an Elixir file imports: which functions of other modules it calls by their plain names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tree_sitter import Node

from relbuild.mix.source import Source, arguments, callee, pair_key, parts, walk
from relbuild.values import dataclass

_Functions = frozenset[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Import:
    """A module that is imported: all of it, or `only` some functions of it, but for the `hidden` ones."""

    module: str
    only: _Functions | None = None
    hidden: _Functions = frozenset()

    def brings(self, name: str, arity: int) -> bool:
        """Say whether a function of the module with that name can be called without the module's."""
        return (name, arity) not in self.hidden and (self.only is None or (name, arity) in self.only)

    def names(self, name: str, arity: int) -> bool:
        """Say whether the function is written out."""
        return self.only is not None and (name, arity) in self.only


def read(source: Source, module_name: Callable[[str], str | None]) -> tuple[Import, ...]:
    """Return the file's imports; `module_name` gives the full name of a module."""
    return tuple(_read(source, module_name))


def _read(source: Source, module_name: Callable[[str], str | None]) -> Iterator[Import]:
    for node in walk(source.root):
        written = arguments(node) if callee(node) == "import" else []
        if not written or written[0].type not in ("alias", "atom"):
            continue
        name = source.text(written[0])
        options = {pair_key(source, pair): pair.child_by_field_name("value") for pair in _pairs(written[-1])}
        only = _functions(source, options.get("only"))
        yield Import(module_name(name) or name, only, _functions(source, options.get("except")) or frozenset())


def _functions(source: Source, node: Node | None) -> _Functions | None:
    """Return the functions of `[get_env: 1]`; None where it isn't such a list."""
    if node is None or node.type != "list":
        return None
    pairs = [pair for keywords in parts(node) for pair in _pairs(keywords)]
    written = [(pair_key(source, pair), pair.child_by_field_name("value")) for pair in pairs]
    found = [(name, source.text(value)) for name, value in written if name is not None and value is not None]
    return frozenset((name, int(arity)) for name, arity in found if arity.isdecimal())


def _pairs(node: Node) -> list[Node]:
    return parts(node) if node.type == "keywords" else []
