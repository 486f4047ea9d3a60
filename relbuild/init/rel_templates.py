"""rel/env.sh.eex and rel/vm.args.eex for a project that has none."""

from __future__ import annotations

from relbuild import templates
from relbuild.mix.project import Project

NAMES = ("env.sh.eex", "vm.args.eex")

# Phoenix's own, which connects nodes where DNS_CLUSTER_QUERY is set, and libraries that connect nodes in any case.
_DNS_CLUSTER = "dns_cluster"
_CLUSTERING = {"horde", "libcluster", "partisan", "peerage", "swarm", "syn"}


def render(name: str, project: Project) -> str:
    """Return one of the two files, for a project that clusters or one that doesn't."""
    deps = {dependency.app for each in (project, *project.apps) for dependency in each.deps}
    clusters = not deps.isdisjoint(_CLUSTERING)
    query = _DNS_CLUSTER in deps and not clusters
    return templates.render(f"rel/{name}.j2", clustering=clusters or query, query=query)
