"""The environment variables that a file of Elixir can't do without: those it fetches with `System.fetch_env!`."""

from __future__ import annotations

from relbuild.errors import ProjectError
from relbuild.mix.facts import Tree
from relbuild.mix.source import arguments, parse, parts, walk


def required(tree: Tree, path: str) -> tuple[str, ...]:
    """Return the names in the order in which the file fetches them; () for a file that is missing or isn't Elixir."""
    content = tree.read(path)
    try:
        source = parse(path, content or b"")
    except ProjectError:
        return ()
    found = []
    for node in walk(source.root):
        target = node.child_by_field_name("target") if node.type == "call" else None
        if target is not None and source.text(target) == "System.fetch_env!":
            for written in arguments(node)[:1]:
                inside = parts(written)
                if written.type == "string" and [part.type for part in inside] == ["quoted_content"]:
                    found.append(source.text(inside[0]))
    return tuple(dict.fromkeys(found))
