"""A mix.exs as a Mix project's module and the keyword lists that its functions give."""

from __future__ import annotations

import posixpath

from relbuild.errors import Mark, ProjectError
from relbuild.mix import calls
from relbuild.mix.evaluate import Evaluator
from relbuild.mix.facts import Known, Tree, Unknown
from relbuild.mix.fields import Fields
from relbuild.mix.modules import Module
from relbuild.mix.said import Said
from relbuild.mix.source import parse
from relbuild.mix.terms import Function, Gap, List, Term, show
from relbuild.values import dataclass


@dataclass(slots=True)
class MixFile:
    """A mix.exs: its Mix project's module, and the keyword list that its `project/0` gives."""

    evaluator: Evaluator
    module: Module
    given: Fields
    at: Mark

    @classmethod
    def of(cls, tree: Tree, path: str, content: bytes) -> MixFile:
        """Return the mix.exs of that content in a directory; raise ProjectError when it is no Mix project's."""
        file = posixpath.join(path, "mix.exs")
        if not content.strip(b"\xef\xbb\xbf \t\r\n"):
            raise ProjectError(f"{file} is empty", at=Mark(file, 1), hint="`mix new` shows what belongs into it")
        evaluator = Evaluator(parse(file, content), tree, path)
        module = _project_module(evaluator, file)
        definition = next((c for c in module.clauses if c.name == "project" and not c.parameters), None)
        if definition is None and not _may_define(module, "project"):
            raise ProjectError(
                f"{module.name} has no `project` function",
                at=evaluator.source.mark(module.node),
                hint="add `def project, do: [app: …, version: …]`",
            )
        node = definition.node if definition is not None else module.node
        term = evaluator.guarded(node, lambda: calls.local(evaluator, module, "project", [], node))
        if isinstance(term, Known) and not isinstance(term.value, List):
            raise ProjectError(
                f"`project` should give a keyword list, gives {show(term.value)}",
                at=term.at,
                hint="write [app: …, version: …]",
            )
        keywords = term.value if isinstance(term, Known) and isinstance(term.value, List) else _open(term)
        return cls(evaluator, module, Fields(keywords, "", path), evaluator.source.mark(node))

    def said(self) -> Said:
        """Return what its functions give."""
        application = self.application()
        self.evaluator.note_reads()
        return Said(
            self.evaluator.directory,
            self.module.name,
            self.at,
            self.given,
            application,
            frozenset(self.evaluator.reads),
            self.run,
        )

    def run(self, term: Term) -> Term:
        """Return the value of a function without arguments; anything else as it is."""
        if isinstance(term, Known) and isinstance(term.value, Function):
            node = term.value.node
            return self.evaluator.guarded(node, lambda: calls.apply(self.evaluator, term, [], node))
        return term

    def application(self) -> Fields:
        """Return the keyword list that `application/0` gives."""
        node = self.module.node
        if not any(c.name == "application" for c in self.module.clauses) and not _may_define(
            self.module, "application"
        ):
            return Fields(List(()))
        term = self.evaluator.guarded(node, lambda: calls.local(self.evaluator, self.module, "application", [], node))
        return Fields(term.value if isinstance(term, Known) and isinstance(term.value, List) else _open(term))


def _may_define(module: Module, function: str) -> bool:
    """Say whether the module may have a function that isn't written in it plainly."""
    return module.uses != {"Mix.Project"} or not module.hidden_functions.isdisjoint((function, "*"))


def _open(term: Term) -> List:
    unknown = term if isinstance(term, Unknown) else Unknown("project", "it is no keyword list", term.at)
    return List((Gap(unknown),))


def _project_module(evaluator: Evaluator, file: str) -> Module:
    """Return the module that Mix takes for the project: the one with `use Mix.Project` that is compiled last."""
    found = [module for module in evaluator.modules if "Mix.Project" in module.uses]
    if not found:
        raise ProjectError(
            f"{file}: no module in it has `use Mix.Project`",
            at=Mark(file, 1),
            hint="`mix new` shows what a mix.exs looks like",
        )
    return found[-1]
