"""What Distillery left in rel/, which `mix release` doesn't read: it is told, so that nobody waits for it to work."""

from __future__ import annotations

import re

from relbuild.elixir.versions import Requirement, Version
from relbuild.errors import Mark
from relbuild.facts import Known, Tree
from relbuild.mix.dependencies import Dependency
from relbuild.mix.project import Project

FILE = "rel/config.exs"
_RENAMED, _NEWEST = Version(2, 1, 0), Version(2, 1, 1)
# Distillery 1 and 2: https://hexdocs.pm/distillery/upgrading_to_2_0.html
_USES = re.compile(r"\s*use\s*\(?\s*(?:Mix|Distillery)\.Releases\.Config\b")
# What may lie beside it.
_BESIDE = ("commands/", "hooks/", "plugins/")


def distillery_place(tree: Tree) -> Mark | None:
    """Return where rel/config.exs says that it is Distillery's; None when there is none."""
    # A leftover that is no UTF-8 is nobody's fault.
    lines = (tree.read(FILE) or b"").decode("utf-8", "replace").split("\n")
    return next((Mark(FILE, number) for number, line in enumerate(lines, 1) if _USES.match(line)), None)


def distillery_notes(tree: Tree) -> tuple[str, ...]:
    """Return a note where rel/config.exs is Distillery's: its place, and what moves it to what mix release reads."""
    at = distillery_place(tree)
    if at is None:
        return ()
    beside = [f"rel/{name}" for name in tree.list("rel") if name in _BESIDE]
    also = f", nor {' and '.join(beside)} beside it" if beside else ""
    return (
        f"{at.brief} is Distillery's, which mix release doesn't read{also}: relbuild convert shows what takes its "
        "place, in mix.exs, rel/vm.args.eex, rel/env.sh.eex and config/runtime.exs, and what is left to a person",
    )


def defines_mix_release(tree: Tree, project: Project) -> Dependency | None:
    """Return the dependency on a Distillery that defines `mix release` itself, as versions before 2.1 do; else None.

    https://hexdocs.pm/distillery/changelog.html: 2.1.0 renames its task to `mix distillery.release`.
    """
    named = [dep for part in (project, *project.apps) for dep in part.deps if dep.app == "distillery"]
    dep = next((dep for dep in named if dep.source == "hex" and dep.in_release() is not False), None)
    if dep is None:
        return None
    from relbuild.mix import lock

    lockfile = project.lockfile.value if isinstance(project.lockfile, Known) else "mix.lock"
    content = tree.read(lockfile)
    locked = lock.read_lock(lockfile, content).get("distillery") if content is not None else None
    version = Version.parse(locked.version) if locked is not None and locked.version is not None else None
    if version is not None:
        return dep if version < _RENAMED else None
    requirement = Requirement.parse(dep.requirement) if dep.requirement is not None else None
    return dep if requirement is not None and not requirement.admits(_NEWEST) else None
