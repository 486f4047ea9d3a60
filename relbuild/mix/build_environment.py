"""What a mix.exs surely finds around it when a release is built: MIX_ENV=prod and no MIX_TARGET, as relbuild builds."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from tree_sitter import Node

from relbuild.mix import control
from relbuild.mix.coerce import Undecided
from relbuild.mix.facts import Known
from relbuild.mix.source import Source, arguments, callee, walk
from relbuild.mix.terms import Term

if TYPE_CHECKING:
    from relbuild.mix.evaluate import Evaluator

_SURE = {"MIX_ENV": "prod", "MIX_TARGET": None}
# With an argument they set what they give without one.
_SETTERS = {"Mix.env", "Mix.target"}


def read(on: Evaluator, name: str, args: list[Term], at: Node) -> Term:
    """Return what a function gives that asks for the environment; Undecided for all that only the build has."""
    given = args[0].value if args and isinstance(args[0], Known) else None
    if name == "System.get_env" and isinstance(given, str) and given in _SURE and _is_as_built(on.source):
        value = _SURE[given]
        return args[1] if value is None and len(args) > 1 else on.known(at, value)
    raise Undecided(f"{name}{f'({given})' if isinstance(given, str) else ''} is known only when it runs")


def _is_as_built(source: Source) -> bool:
    # A release's configuration is read where it runs, without either; and a file may set them for itself.
    return posixpath.basename(source.file) == "mix.exs" and b"put_env" not in source.content


def require_unset(on: Evaluator, name: str, args: list[Term]) -> None:
    """Raise Undecided for Mix.env/0 and Mix.target/0 in a file that sets what they give."""
    if name not in _SETTERS or args or f"{name}(:".encode() not in on.source.content:
        return
    for node in walk(on.source.root):
        target = node.child_by_field_name("target") if node.type == "call" else None
        if target is not None and on.source.text(target) == name and arguments(node) and not _is_conditional(node):
            raise Undecided(f"the file sets it with {name}/1")


def _is_conditional(node: Node) -> bool:
    around = node.parent
    while around is not None and around.type != "stab_clause" and callee(around) not in control.SPECIAL:
        around = around.parent
    return around is not None
