"""The dependency on Distillery, taken out of mix.exs and mix.lock."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from relbuild.distillery.edits import applied, removal
from relbuild.elixir.syntax import Source, pair_key, parse, parts, walk
from relbuild.errors import Mark, ProjectError
from relbuild.mix import lock

APP = "distillery"
# What Distillery needs itself: https://hex.pm/packages/distillery
_NEEDS = "artificery"


def without(file: str, content: bytes) -> bytes | None:
    """Return a mix.exs without the dependency; None where it isn't written so that it could be taken out."""
    source = parse(file, content)
    found = list(_dependencies(source))
    if len(found) != 1:
        return None
    return _edited(source, content, found)


def left(file: str, content: bytes) -> tuple[list[Mark], list[Mark]]:
    """Return where a mix.exs still names Distillery after `without`: as a dependency, and as anything else."""
    source = parse(file, content)
    gone = list(_dependencies(source)) if without(file, content) is not None else []
    named = [node for node in walk(source.root) if _names(source, node) and not _inside(node, gone)]
    # A pair or a tuple with more than the name, in a list or elsewhere.
    depends = [*_dependencies(source), *(node.parent for node in named if node.parent and _first(node, node.parent))]
    depends = [node for node in dict.fromkeys(depends) if not _inside(node, gone)]
    others = [node for node in named if not _inside(node, depends)]
    return [source.mark(node) for node in depends], [source.mark(node) for node in others]


def _first(node: Node, above: Node) -> bool:
    return above.type == "tuple" and parts(above)[0] == node


def _inside(node: Node, nodes: list[Node]) -> bool:
    return any(each.start_byte <= node.start_byte < each.end_byte for each in nodes)


def _names(source: Source, node: Node) -> bool:
    if node.type == "atom":
        return source.text(node) == f":{APP}"
    return node.type == "pair" and pair_key(source, node) == APP


def unlocked(file: str, content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a mix.lock without Distillery and what only Distillery needs, and which others still need it.

    Where there are such, it stays as it is.
    """
    locked = lock.read_lock(file, content)
    needed = {app: {dep.app for dep in each.deps or () if not dep.optional} for app, each in locked.items()}
    by = tuple(app for app, deps in needed.items() if APP in deps)
    if by or APP not in locked:
        return content, by
    alone = _NEEDS in locked and not any(_NEEDS in deps for app, deps in needed.items() if app != APP)
    goes = {APP, _NEEDS} if alone else {APP}
    source = parse(file, content)
    entries = [node for node in walk(source.root) if node.type == "pair" and _key(source, node) in goes]
    return _edited(source, content, [node for node in entries if _top(node)]) or content, ()


def _dependencies(source: Source) -> Iterator[Node]:
    """Yield what names the dependency in a list: `{:distillery, …}`, or `distillery: …` where a version follows."""
    for node in walk(source.root):
        parent = node.parent
        if node.type == "tuple" and parent is not None and parent.type == "list":
            first = next(iter(parts(node)), None)
            if first is not None and source.text(first) == f":{APP}":
                yield node
        elif node.type == "pair" and pair_key(source, node) == APP and parent is not None:
            value = node.child_by_field_name("value")
            inside = parent.parent is not None and parent.parent.type == "list"
            if inside and value is not None and value.type in ("string", "list", "tuple"):
                yield node


def _key(source: Source, pair: Node) -> str | None:
    key = pair.child_by_field_name("key")
    return "".join(source.text(part) for part in parts(key)) or pair_key(source, pair) if key is not None else None


def _top(node: Node) -> bool:
    """Return whether an entry is the lock's own: keywords, in the map's content, in the map, in the file."""
    above = node.parent
    while above is not None and above.type in ("keywords", "map_content", "map"):
        above = above.parent
    return above is not None and above.parent is None


def _edited(source: Source, content: bytes, nodes: list[Node]) -> bytes | None:
    """Return the content without the nodes, None where what is left isn't Elixir."""
    edited = source.content
    for node in sorted(nodes, key=lambda node: -node.start_byte):
        # From the end on, each by itself: two neighbours share the comma between them.
        again = next(each for each in walk(Source(source.file, edited).root) if _same(each, node))
        edited = applied(edited, removal(Source(source.file, edited), again))
    result = content[: len(content) - len(source.content)] + edited
    try:
        parse(source.file, result)
    except ProjectError:
        return None
    return result


def _same(node: Node, other: Node) -> bool:
    return (node.type, node.start_byte, node.end_byte) == (other.type, other.start_byte, other.end_byte)
