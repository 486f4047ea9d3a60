"""Which functions of a module run Ecto's migrations: told by what they call, whatever they are called themselves."""

from __future__ import annotations

from tree_sitter import Node

from relbuild.mix.modules import Module, aliases
from relbuild.mix.source import Source, arguments, operands, walk

# https://hexdocs.pm/ecto_sql/Ecto.Migrator.html: with_repo/3 starts a repository for whatever is done to it.
_MIGRATOR, _RUN = "Ecto.Migrator", "run"


def running(source: Source, module: Module, preferred: str) -> dict[str, Node]:
    """Return the public functions that need no argument and migrate, themselves or through others of their module.

    The preferred name, where it is among them, stands for them all. Else one that calls another of them, as one does
    that stops the VM afterwards, is left out.
    """
    if _MIGRATOR.rpartition(".")[2].encode() not in source.content:
        return {}
    short = aliases(source, [])
    reached = _reached(source, module)
    runs = {each.name for each in module.clauses if any(_migrates(source, node, short) for node in walk(each.node))}
    found = {
        clause.name: clause.node
        for clause in reversed(module.clauses)
        if clause.public and 0 in clause.arities and reached[clause.name] & runs
    }
    if preferred in found:
        return {preferred: found[preferred]}
    return {name: node for name, node in reversed(found.items()) if reached[name] & set(found) == {name}}


def _reached(source: Source, module: Module) -> dict[str, set[str]]:
    """Return for each function those of its module that it may call, itself among them.

    A variable of such a name counts as a call: it isn't told apart.
    """
    found: dict[str, set[str]] = {clause.name: {clause.name} for clause in module.clauses}
    for clause in module.clauses:
        found[clause.name].update(source.text(node) for node in walk(clause.node) if _is_local(source, node))
    direct = {name: called & set(found) for name, called in found.items()}
    for _ in direct:
        direct = {name: set[str]().union(*(direct[each] for each in called)) for name, called in direct.items()}
    return direct


def _is_local(source: Source, node: Node) -> bool:
    """Say whether a name may be that of a function in the same module."""
    if node.type != "identifier":
        return False
    above = node.parent
    if above is None or above.type != "dot":
        return True
    # `fun.()` has nothing on the right.
    left, right = above.child_by_field_name("left"), above.child_by_field_name("right")
    return right is None or node.id != right.id or (left is not None and source.text(left) == "__MODULE__")


def _migrates(source: Source, node: Node, short: dict[str, str | None]) -> bool:
    """Say whether a node calls the migrator, and not to take migrations back."""
    target = node.child_by_field_name("target") if node.type == "call" else None
    if target is None or target.type != "dot" or target.child_by_field_name("right") is None:
        return False
    left, right = (source.text(each) for each in operands(target))
    downwards = any(source.text(each) == ":down" for each in arguments(node))
    return short.get(left, left) == _MIGRATOR and right == _RUN and not downwards
