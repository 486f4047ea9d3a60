"""A mix.exs as a Mix project's module and the keyword lists that its functions return."""

from __future__ import annotations

import contextlib
import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from relbuild.elixir import calls
from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Module
from relbuild.elixir.syntax import parse
from relbuild.elixir.values import Function, Gap, List, Term, show
from relbuild.errors import Mark, ProjectError
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix.fields import Fields


@dataclass(frozen=True, slots=True)
class MixDefinition:
    """The keyword lists of a mix.exs' `project/0` and `application/0`, whoever evaluated them.

    `directory` is relative to the tree's root, `reads` are the files that it reads, directories with a ``/``, `git` the
    places that need a git repository, and `run` returns the value of a function without arguments.
    """

    directory: str
    module: str
    at: Mark
    given: Fields
    application: Fields
    reads: frozenset[str]
    run: Callable[[Term], Term]
    git: tuple[Mark, ...] = ()


@dataclass(slots=True)
class MixFile:
    """A mix.exs: its Mix project's module, and the keyword list that its `project/0` returns."""

    evaluator: Evaluator
    module: Module
    given: Fields
    at: Mark

    @classmethod
    def of(cls, tree: Tree, path: str, content: bytes, environment: BuildEnvironment) -> MixFile:
        """Return the mix.exs of that content in a directory; raise ProjectError when it is no Mix project's."""
        file = posixpath.join(path, "mix.exs")
        if not content.strip(b"\xef\xbb\xbf \t\r\n"):
            raise ProjectError(f"{file} is empty", at=Mark(file, 1), hint="`mix new` shows what belongs into it")
        evaluator = Evaluator(parse(file, content), tree, path, environment)
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
                f"`project` should return a keyword list, returns {show(term.value)}",
                at=term.at,
                hint="write [app: …, version: …]",
            )
        keywords = term.value if isinstance(term, Known) and isinstance(term.value, List) else _open(term)
        return cls(evaluator, module, Fields(keywords, "", path), evaluator.source.mark(node))

    def definition(self) -> MixDefinition:
        """Return what its functions return."""
        on = self.evaluator
        application = self.application()
        git = tuple(dict.fromkeys(on.git))
        on.note_reads()
        # Relative paths in a file that mix.exs evaluates start where mix.exs is.
        for path in on.required:
            content = on.tree.read(path)
            with contextlib.suppress(ProjectError):
                inner = Evaluator(parse(path, content or b""), on.tree, posixpath.dirname(path), on.environment)
                inner.cwd, inner.reads, inner.required = on.directory, on.reads, on.required
                inner.note_reads()
        return MixDefinition(
            on.directory, self.module.name, self.at, self.given, application, frozenset(on.reads), self.run, git
        )

    def run(self, term: Term) -> Term:
        """Return the value of a function without arguments; anything else as it is."""
        if isinstance(term, Known) and isinstance(term.value, Function):
            node = term.value.node
            return self.evaluator.guarded(node, lambda: calls.apply(self.evaluator, term, [], node))
        return term

    def application(self) -> Fields:
        """Return the keyword list that `application/0` returns."""
        node = self.module.node
        if not any(c.name == "application" for c in self.module.clauses) and not _may_define(
            self.module, "application"
        ):
            return Fields(List(()))
        term = self.evaluator.guarded(node, lambda: calls.local(self.evaluator, self.module, "application", [], node))
        return Fields(term.value if isinstance(term, Known) and isinstance(term.value, List) else _open(term))


def _may_define(module: Module, function: str) -> bool:
    """Return whether the module may have a function that isn't written in it plainly."""
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
