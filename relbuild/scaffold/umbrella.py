"""The release that an umbrella's mix.exs has to define, written into it where its syntax says it belongs."""

from __future__ import annotations

import re

from relbuild.errors import ProjectError
from relbuild.mix.facts import Known, Tree
from relbuild.mix.project import Project
from relbuild.scaffold import project_list

_INDENT = "  "


def lacks_release(project: Project) -> bool:
    """Say whether the project is an umbrella that surely defines no release."""
    known = all(unknown.what not in ("releases", "apps_path", "project") for unknown in project.unknown)
    return project.umbrella and known and not project.releases and bool(_applications(project))


def with_release(tree: Tree, project: Project) -> str:
    """Return the root's mix.exs with a release of all the umbrella's applications.

    Raises ProjectError, with what to write by hand, where mix.exs isn't written so that it can be put in.
    """
    release = _release(project)
    edited = project_list.with_lines(tree.read("mix.exs") or b"", release, "releases")
    if edited is None:
        raise ProjectError(
            "an umbrella project has to define its releases, and `project` in mix.exs is no plain keyword list "
            "that relbuild could add one to",
            at=project.at,
            hint="add to it:\n" + "\n".join(release),
        )
    return edited


def _release(project: Project) -> list[str]:
    """Return the lines of `releases:`, as `mix format` leaves them."""
    applications = _applications(project)
    name = _name(project, applications)
    # A release takes the root's version; where that has none, the version of the application that gives the name.
    version = []
    if project.version is None:
        version = [f"version: {{:from_app, :{name if name in applications else applications[0]}}},"]
    listed = [f"{_INDENT}{app}: :permanent" for app in applications]
    options = [*version, "applications: [", *(f"{each}," for each in listed[:-1]), listed[-1], "]"]
    return ["releases: [", f"{_INDENT}{name}: [", *(f"{_INDENT * 2}{each}" for each in options), f"{_INDENT}]", "],"]


def _name(project: Project, applications: list[str]) -> str:
    """Return a name for the release: the root module's own, as `Shop.Umbrella.MixProject` is shop's."""
    words = re.sub(r"\.?(Umbrella|MixProject|Mixfile|Project)\b", "", project.module)
    words = words.removesuffix("Umbrella").replace(".", "_")
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", words).lower()
    name = re.sub(r"_+", "_", name).strip("_")
    return name if re.fullmatch(r"[a-z][a-z0-9_]*", name) else applications[0]


def _applications(project: Project) -> list[str]:
    return sorted(app.app.value for app in project.apps if isinstance(app.app, Known))
