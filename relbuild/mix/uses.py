"""The modules of a project that `use` something: its Ecto repositories, its Phoenix endpoints."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Module, Scope
from relbuild.elixir.syntax import Source, arguments, callee, pair_key, parts
from relbuild.elixir.values import Atom
from relbuild.errors import Mark
from relbuild.facts import Known, Tree
from relbuild.mix.elixir_files import modules_with
from relbuild.mix.project import Project


@dataclass(frozen=True, slots=True)
class Use:
    """A module with `use USED, OPTIONS`; of the options those whose value is an atom, modules as they are written."""

    module: str
    options: tuple[tuple[str, str], ...]
    at: Mark

    def option(self, name: str) -> str | None:
        """Return an option's atom, without its colon; None when it is none, or isn't known."""
        return dict(self.options).get(name)


def find(tree: Tree, part: Project, used: str) -> tuple[Use, ...]:
    """Return the modules of one application that use a module such as `Ecto.Repo`, in the order of the files."""
    found = []
    for source, module in modules_with(tree, (part,), (b"use", used.encode())):
        for statement in module.statements:
            written = arguments(statement) if callee(statement) == "use" else []
            if written and source.text(written[0]) == used:
                options = _options(source, module, written[1:], tree)
                found.append(Use(module.name, options, source.mark(module.node)))
    return tuple(found)


def _options(source: Source, module: Module, written: list[Node], tree: Tree) -> tuple[tuple[str, str], ...]:
    found = []
    evaluator = Evaluator(source, tree)
    for pair in (pair for node in written if node.type == "keywords" for pair in parts(node)):
        key, value = pair_key(source, pair), pair.child_by_field_name("value")
        term = evaluator.evaluate(value, Scope(module)) if value is not None else None
        if key is not None and isinstance(term, Known) and isinstance(term.value, Atom):
            found.append((key, term.value.module or term.value.name))
    return tuple(found)
