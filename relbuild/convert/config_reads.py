"""Where the project reads a key while it is compiled, which a value of the release's start comes too late for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from relbuild.errors import Problem, ProjectError
from relbuild.mix.elixir_files import files
from relbuild.mix.facts import Tree
from relbuild.mix.modules import Module, aliases, modules
from relbuild.mix.source import Source, arguments, callee, module_name, parse, parts

_READS = re.compile(r"Application\.(?:(?:get|fetch)_env!?|compile_env!?)")
# What is inside of these is carried out when it is called.
_LATER = ("def", "defp", "defmacro", "defmacrop", "defdelegate", "quote")


def found(tree: Tree, keys: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    """Yield a problem for each place in lib/ that reads one of the applications' keys while it is compiled.

    A file that isn't Elixir throughout, or can't be read, counts for nothing: the compiler will tell.
    """
    apps = [name.rstrip("/") for name in tree.list("apps") if name.endswith("/")]
    for directory in ("lib", *(f"apps/{name}/lib" for name in apps)):
        for path in files(tree, directory) if keys else ():
            try:
                content = tree.read(path)
                if content is None or b"Application." not in content or b"_env" not in content:
                    continue
                source = parse(path, content)
            except ProjectError:
                continue
            yield from _in_file(source, keys)


def _in_file(source: Source, keys: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    defined = modules(source)
    short = aliases(source, defined)
    for module in defined:
        for node in _compiled(module):
            app, key = _read(source, node, module, short)
            if key is not None and key in keys.get(app, ()):
                yield Problem(
                    f"{module.name} reads {_shown(key)} of :{app} while it is compiled, and its value is known only "
                    "when the release starts",
                    source.mark(node),
                    f"read it in a function, with Application.fetch_env!(:{app}, {_shown(key)})",
                )


def _shown(key: str) -> str:
    return key.removeprefix("Elixir.") if key.startswith("Elixir.") else f":{key}"


def _compiled(module: Module) -> Iterator[Node]:
    """Yield the calls in a module's own body, in the order of the text."""
    pending = list(reversed(module.statements))
    while pending:
        node = pending.pop()
        if callee(node) in _LATER or module_name(node) is not None:
            continue
        if node.type == "call":
            yield node
        pending.extend(reversed(node.children))


def _read(source: Source, node: Node, module: Module, short: Mapping[str, str | None]) -> tuple[str, str | None]:
    """Return the application and the key that a call reads; None for another call, or where it can't be told."""
    target, written = node.child_by_field_name("target"), arguments(node)
    if target is None or not _READS.fullmatch(source.text(target)) or len(written) < 2 or written[0].type != "atom":
        return "", None
    key = written[1]
    if key.type == "list" and parts(key):
        key = parts(key)[0]
    text = source.text(key)
    if key.type == "atom":
        return source.text(written[0])[1:], text[1:]
    if text == "__MODULE__":
        return source.text(written[0])[1:], f"Elixir.{module.name}"
    if key.type == "alias":
        first, dot, rest = text.removeprefix("Elixir.").partition(".")
        return source.text(written[0])[1:], f"Elixir.{short.get(first) or first}{dot}{rest}"
    return "", None
