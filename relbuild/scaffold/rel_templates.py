"""rel/env.sh.eex and rel/vm.args.eex, as a project without wishes of its own has them."""

from __future__ import annotations

from relbuild import templates
from relbuild.mix.project import Project

NAMES = ("env.sh.eex", "vm.args.eex")

# Libraries that connect nodes; without any of them there is no reason to be a node.
_CLUSTERING = {"dns_cluster", "horde", "libcluster", "partisan", "peerage", "swarm", "syn"}


def render(name: str, project: Project) -> str:
    """Return one of the two, for a project that clusters or one that doesn't."""
    deps = {dependency.app for each in (project, *project.apps) for dependency in each.deps}
    return templates.render(f"rel/{name}.j2", clustering=not deps.isdisjoint(_CLUSTERING))
