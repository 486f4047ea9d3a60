"""Continuous integration that builds, pushes and migrates, for GitHub and GitLab."""

from __future__ import annotations

import json
import shlex

from relbuild import templates
from relbuild.image.location import Location
from relbuild.image.plan import Plan

_PATHS = {"github": ".github/workflows/image.yml", "gitlab": ".gitlab-ci.yml"}


def path(service: str, location: Location | None) -> str:
    """Return where a service looks for its workflow, which is below the repository's root, seen from the project."""
    return "../" * len(_directories(location)) + _PATHS[service]


def render(
    service: str,
    plan: Plan,
    location: Location | None,
    *,
    release: str | None,
    variables: tuple[str, ...],
    requirement: str,
    branch: str,
) -> str:
    """Return the workflow of a service, for the relbuild that a requirement of pip's means.

    The release is given where relbuild.yml doesn't choose it; the variables are those that a migration reads, and
    what is pushed to the branch gets an image.
    """
    directory = "/".join(_directories(location))
    # GitHub's steps run where the project is; GitLab's have no such setting.
    words = ("-C", directory) if directory and service == "gitlab" else ()
    return templates.render(
        f"init/{service}.yml.j2",
        release=plan.release.name,
        options=shlex.join((*words, *(("--release", release) if release else ()))),
        directory=directory and json.dumps(directory, ensure_ascii=False),
        below=directory and json.dumps(f"{directory}/**{'/*' * (service == 'gitlab')}", ensure_ascii=False),
        branch=json.dumps(branch, ensure_ascii=False),
        requirement=requirement,
        migrate=plan.migrate is not None,
        ssh=plan.builder.needs_ssh,
        secrets=tuple(each.name for each in plan.builder.all_secrets),
        variables=variables,
    )


def _directories(location: Location | None) -> tuple[str, ...]:
    """Return the names that lead from the repository's root to the project; () where no repository is known."""
    return location.names if location is not None and location.git else ()
