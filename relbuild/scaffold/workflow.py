"""Continuous integration that builds, pushes and migrates, for GitHub and GitLab."""

from __future__ import annotations

from relbuild import __version__, templates
from relbuild.image.plan import Plan

PATHS = {"github": ".github/workflows/image.yml", "gitlab": ".gitlab-ci.yml"}


def render(service: str, plan: Plan, variables: tuple[str, ...]) -> str:
    """Return the workflow of a service of PATHS; the variables are those that a migration reads."""
    return templates.render(
        f"init/{service}.yml.j2",
        release=plan.release.name,
        version=__version__,
        migrate=plan.migrate is not None,
        secrets=tuple(each.name for each in plan.builder.all_secrets),
        variables=variables,
    )
