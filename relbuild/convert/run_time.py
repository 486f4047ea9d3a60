"""Code of lib that holds in a release of Distillery's and doesn't in one of Mix's, or in neither."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from relbuild.errors import Problem
from relbuild.mix.elixir_files import modules_with
from relbuild.mix.facts import Tree
from relbuild.mix.modules import Module
from relbuild.mix.project import Project
from relbuild.mix.source import Source, operands, walk


def look(tree: Tree, project: Project) -> Iterator[Problem]:
    """Yield the calls of `:init.get_plain_arguments` and of Mix in functions, outside of Mix's own tasks."""
    for source, module in modules_with(tree, (project, *project.apps), (b"get_plain_arguments",), (b"Mix.",)):
        if "/mix/tasks/" in source.file or module.name.startswith("Mix."):
            continue
        for node in _expressions(module):
            left, right = _called(node)
            if left is None or right is None:
                continue
            name = f"{source.text(left)}.{source.text(right)}"
            if name == ":init.get_plain_arguments":
                hint = "System.argv() has them in eval from Elixir 1.15 on, as strings; or make them parameters"
                yield Problem(f"{name}() has what eval itself is given, too", source.mark(node), hint)
            elif _is_mix(source, left):
                hint = "read it while compiling, into a module attribute, or take it from the configuration"
                yield Problem(f"{name} in {module.name}: a release has no Mix", source.mark(node), hint)


def _expressions(module: Module) -> Iterator[Node]:
    """Yield what runs in a release: what stands in functions, but for code that they quote."""
    for clause in module.clauses:
        for expression in clause.expressions or ():
            yield from walk(expression)


def _called(node: Node) -> tuple[Node | None, Node | None]:
    """Return the module and the function of a call, None for each where the node is none."""
    target = node.child_by_field_name("target") if node.type == "call" else None
    return (
        operands(target)
        if target is not None and target.type == "dot" and len(target.named_children) == 2
        else (None, None)
    )


def _is_mix(source: Source, module: Node) -> bool:
    # What Distillery 1 has below Mix's name is told as Distillery's.
    return module.type == "alias" and source.text(module).split(".")[0] == "Mix" and not _distillery(source, module)


def _distillery(source: Source, module: Node) -> bool:
    return source.text(module).split(".")[1:2] == ["Releases"]
