"""Continuous integration that builds, pushes and migrates, for GitHub and GitLab."""

from __future__ import annotations

from relbuild import templates
from relbuild.image.plan import Plan

PATHS = {"github": ".github/workflows/image.yml", "gitlab": ".gitlab-ci.yml"}


def render(service: str, plan: Plan, variables: tuple[str, ...], requirement: str) -> str:
    """Return the workflow of a service of PATHS, for the relbuild that a requirement of pip's means.

    The variables are those that a migration reads.
    """
    return templates.render(
        f"init/{service}.yml.j2",
        release=plan.release.name,
        requirement=requirement,
        migrate=plan.migrate is not None,
        ssh=plan.builder.needs_ssh,
        secrets=tuple(each.name for each in plan.builder.all_secrets),
        variables=variables,
    )
