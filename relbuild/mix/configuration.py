"""What the compile-time configuration sets: `config :app, key: value` in config/config.exs and prod.exs."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from relbuild.elixir.evaluate import Evaluator
from relbuild.elixir.modules import Scope
from relbuild.elixir.syntax import arguments, callee, pair_key, parse, parts, walk
from relbuild.elixir.values import Atom, Term
from relbuild.errors import ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.project import Project


def find(tree: Tree, project: Project, app: str, key: str) -> Term | None:
    """Return the value an application's key is set to, the last one; None when it isn't set where it can be read.

    A file that can't be read sets nothing: whoever compiles it will tell.
    """
    found: Term | None = None
    for path in _files(project):
        try:
            content = tree.read(path)
            if content is None or key.encode() not in content:
                continue
            evaluator = Evaluator(parse(path, content), tree, path.rpartition("/")[0])
        except ProjectError:
            continue
        for call in walk(evaluator.source.root):
            found = _value(evaluator, call, app, key) or found
    return found


def mentions(tree: Tree, project: Project, word: str) -> bool:
    """Say whether the configuration has a word in it, wherever it stands."""
    return any(word in content for _, content in contents(tree, project))


def contents(tree: Tree, project: Project) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each file of the configuration that is there."""
    for path in _files(project):
        content = tree.read(path)
        if content is not None:
            yield path, content.decode("utf-8", "replace")


def _files(project: Project) -> list[str]:
    """Return the files in the order in which Mix reads them, those of an umbrella's applications too."""
    named = [part.config_path.value for part in (project, *project.apps) if isinstance(part.config_path, Known)]
    inside = [path for path in dict.fromkeys(named) if not path.startswith(("..", "/"))]
    return [file for path in inside for file in (path, f"{path.rpartition('/')[0]}/prod.exs")]


def _value(evaluator: Evaluator, call: Node, app: str, key: str) -> Term | None:
    written = arguments(call) if callee(call) == "config" else []
    if len(written) != 2 or written[1].type != "keywords":
        return None
    subject = evaluator.evaluate(written[0], Scope(None))
    if not isinstance(subject, Known) or subject.value != Atom(app):
        return None
    for pair in parts(written[1]):
        value = pair.child_by_field_name("value")
        if pair_key(evaluator.source, pair) == key and value is not None:
            return evaluator.evaluate(value, Scope(None))
    return None
