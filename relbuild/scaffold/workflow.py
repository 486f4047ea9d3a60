"""Continuous integration that builds, pushes and migrates, for GitHub and GitLab."""

from __future__ import annotations

import json
import posixpath
import re
import shlex

from relbuild import templates
from relbuild.errors import UsageError
from relbuild.image.location import Location
from relbuild.image.plan import Plan

_PATHS = {"github": ".github/workflows/image{}.yml", "gitlab": ".gitlab-ci.yml"}


def path(service: str, location: Location | None) -> str:
    """Return where a service looks for its workflow, which is below the repository's root, seen from the project.

    GitHub takes any number of them: a project below the root has one of its own.
    """
    return "../" * len(_directories(location)) + _PATHS[service].format(_suffix(location, "-"))


def render(
    service: str,
    plan: Plan,
    location: Location | None,
    *,
    release: str | None,
    config: str | None = None,
    variables: tuple[str, ...],
    requirement: str,
    branch: str,
) -> str:
    """Return the workflow of a service, for the relbuild that a requirement of pip's means.

    The release is given where relbuild.yml doesn't choose it, and where relbuild.yml is, from the project, where it is
    kept elsewhere; the variables are those that a migration reads, and what is pushed to the branch gets an image.
    Raises UsageError for a relbuild.yml outside of the repository.
    """
    directory = "/".join(_directories(location))
    # GitHub's steps run where the project is; GitLab's have no such setting.
    words = ["-C", directory] if directory and service == "gitlab" else []
    if config is not None:
        below = posixpath.normpath(posixpath.join(directory, config))
        if below.startswith(("..", "/")):
            raise UsageError(
                f"--config {config} lies outside of the repository, and a workflow has no more than that",
                hint="move it into the repository",
            )
        words += ["--config", below if service == "gitlab" else config]
    return templates.render(
        f"init/{service}.yml.j2",
        release=plan.release.name,
        options=shlex.join((*words, *(("--release", release) if release else ()))),
        own=_suffix(location, "-"),
        below_name=_suffix(location, "/"),
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


def _suffix(location: Location | None, divider: str) -> str:
    """Return what tells a project below the repository's root from others there, in names of files and images."""
    name = re.sub(r"[^a-z0-9]+", "-", "/".join(_directories(location)).lower()).strip("-")
    return f"{divider}{name}" if name else ""
