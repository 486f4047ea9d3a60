"""Which of a project's releases is meant: the one that is named, the default one, or the only one."""

from __future__ import annotations

from relbuild.errors import ProjectError
from relbuild.facts import Known, Unknown
from relbuild.mix import releases
from relbuild.mix.project import Project
from relbuild.mix.releases import Release


def select_release(project: Project, name: str | None = None) -> Release:
    """Return the release of that name; without one, the default release or the only one; else raise ProjectError."""
    if name is None and isinstance(project.default_release, Known):
        name = project.default_release.value
    open_end = next((unknown for unknown in project.unknown if unknown.what in ("releases", "app", "apps_path")), None)
    release = next((release for release in project.releases if release.name == name), None)
    if release is None and name is not None and open_end is not None:
        return releases.unread(name, open_end)
    if name is None and len(project.releases) == 1 and open_end is None:
        release = project.releases[0]
    if release is None:
        raise _no_release(project, name, open_end)
    if project.umbrella and (
        release.applications is None or (isinstance(release.applications, Known) and not release.applications.value)
    ):
        raise _no_applications(project, release)
    return release


def _no_release(project: Project, name: str | None, open_end: Unknown | None) -> ProjectError:
    names = ", ".join(release.name for release in project.releases)
    hint = "say which: `--release NAME`, or `release: NAME` in relbuild.yml"
    if open_end is not None:
        known = f"mix.exs defines {names}, and what else" if names else "which releases mix.exs defines"
        lists = "`relbuild plan --evaluate` asks Mix, and lists them"
        return ProjectError(f"{known} can't be read: {open_end.reason}", at=open_end.at, hint=f"{hint}; {lists}")
    if name is not None and names:
        return ProjectError(f"there is no release {name}: mix.exs defines {names}", at=project.at, hint=hint)
    if names:
        return ProjectError(f"mix.exs defines several releases: {names}", at=project.releases[0].at, hint=hint)
    if not project.umbrella:
        return ProjectError("the project has no app, so nothing to release", at=project.at, hint="add app: :my_app")
    return ProjectError(
        "an umbrella project has to define its releases, and this one has none",
        at=project.at,
        hint=f'add to `project` in mix.exs: releases: [my_release: [version: "0.1.0", {_example(project)}]]',
    )


def _no_applications(project: Project, release: Release) -> ProjectError:
    return ProjectError(
        f"release {release.name} has no applications, which it needs in an umbrella project",
        at=release.at,
        hint=f"add to it: {_example(project)}",
    )


def _example(project: Project) -> str:
    apps = [app.app.value for app in project.apps if isinstance(app.app, Known)] or ["my_app"]
    return f"applications: [{', '.join(f'{app}: :permanent' for app in apps)}]"
