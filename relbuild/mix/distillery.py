"""What Distillery left in rel/, which `mix release` doesn't read: it is told, so that nobody waits for it to work."""

from __future__ import annotations

import re

from relbuild.errors import Mark
from relbuild.mix.facts import Tree

FILE = "rel/config.exs"
# Distillery 1 and 2: https://hexdocs.pm/distillery/upgrading_to_2_0.html
_USES = re.compile(r"\s*use\s*\(?\s*(?:Mix|Distillery)\.Releases\.Config\b")
# What may lie beside it.
_BESIDE = ("commands/", "hooks/", "plugins/")


def place(tree: Tree) -> Mark | None:
    """Return where rel/config.exs says that it is Distillery's; None when there is none."""
    # A leftover that is no UTF-8 is nobody's fault.
    lines = (tree.read(FILE) or b"").decode("utf-8", "replace").split("\n")
    return next((Mark(FILE, number) for number, line in enumerate(lines, 1) if _USES.match(line)), None)


def notes(tree: Tree) -> tuple[str, ...]:
    """Return a note where rel/config.exs is Distillery's: its place, and what moves it to what mix release reads."""
    at = place(tree)
    if at is None:
        return ()
    beside = [f"rel/{name}" for name in tree.list("rel") if name in _BESIDE]
    also = f", nor {' and '.join(beside)} beside it" if beside else ""
    return (
        f"{at.brief} is Distillery's, which mix release doesn't read{also}: relbuild convert shows what takes its "
        "place, in mix.exs, rel/vm.args.eex, rel/env.sh.eex and config/runtime.exs, and what is left to a person",
    )
