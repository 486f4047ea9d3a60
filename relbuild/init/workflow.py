"""Continuous integration that builds, pushes and migrates, for GitHub and GitLab."""

from __future__ import annotations

import json
import posixpath
import re
import shlex

from relbuild import templates
from relbuild.errors import UsageError
from relbuild.image.plan.location import Location
from relbuild.image.plan.plan import Plan

_PATHS = {"github": ".github/workflows/image{}.yml", "gitlab": ".gitlab-ci.yml"}


def path(service: str, location: Location | None) -> str:
    """Return the path of a service's workflow in the repository's root, relative to the project.

    GitHub reads any number of workflows: a project below the root gets its own.
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
    """Return the workflow of a service, which installs relbuild by a requirement of pip.

    ``release`` is given where relbuild.yml doesn't choose it, ``config`` where relbuild.yml is another file,
    relative to the project. ``variables`` are those that a migration reads; a push to ``branch`` builds an image.
    Raises UsageError for a relbuild.yml outside of the repository.
    """
    directory = "/".join(_directories(location))
    # GitHub's steps have a working directory; GitLab's jobs don't.
    words = ["-C", directory] if directory and service == "gitlab" else []
    if config is not None:
        below = posixpath.normpath(posixpath.join(directory, config))
        if below.startswith(("..", "/")):
            raise UsageError(
                f"--config {config} is outside the repository, and a workflow has only the repository",
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
    """Return a suffix for names of files and images, unique for each project below the repository's root."""
    name = re.sub(r"[^a-z0-9]+", "-", "/".join(_directories(location)).lower()).strip("-")
    return f"{divider}{name}" if name else ""
