"""Whether a project is one of an umbrella's applications, which are released from the umbrella's root."""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from relbuild.elixir.build_environment import BuildEnvironment
from relbuild.errors import ProjectError
from relbuild.facts import Known, Tree, Unknown
from relbuild.mix.mixfile import MixFile
from relbuild.mix.project import Project, Release, children, project_of


@dataclass(frozen=True, slots=True)
class _Umbrella:
    """The directories of an umbrella's applications, and its releases; None where Mix would refuse it."""

    apps: tuple[str, ...]
    releases: tuple[Release, ...] | None


def refuse_child(tree: Tree, project: Project, release: Release, names: Sequence[str], here: str) -> None:
    """Raise ProjectError for an application of an umbrella that lies above it, but for one with releases of its own.

    ``names`` are the directories that lead down to the project, of those that a build may see, ``here`` the way to it
    from where the user is, who is told what to call from there.
    """
    if release.defined or not isinstance(project.app, Known):
        return
    for up, umbrella in _above(tree, names):
        app = project.app.value
        raise ProjectError(
            f"{app} is an application of the umbrella project in {up}, which is built as a whole: its configuration, "
            "its lock file and its releases are there",
            at=project.app.at,
            hint=_from_its_root(umbrella, app, up, posixpath.normpath(posixpath.join(here, up))),
        )


def refuse_to_convert_child(tree: Tree, project: Project, names: Sequence[str], here: str) -> None:
    """Raise ProjectError for an application of an umbrella that lies above it, whatever releases it has.

    ``names`` and ``here`` are those of `refuse_child`.
    """
    for up, _ in _above(tree, names):
        app = project.app.value if isinstance(project.app, Known) else "this"
        directory = posixpath.normpath(posixpath.join(here, up))
        raise ProjectError(
            f"{app} is an application of the umbrella project in {up}, which is converted as a whole: its "
            "configuration, its lock file and its releases are there",
            at=project.app.at if isinstance(project.app, Known) else project.at,
            hint=f"relbuild convert -C {shlex.quote(directory)}",
        )


def _above(tree: Tree, names: Sequence[str]) -> Iterator[tuple[str, _Umbrella]]:
    """Yield the way up to each umbrella that the project is an application of, the nearest first."""
    own = "/" + "/".join(names)
    for levels in range(1, len(names) + 1):
        up = "/".join([".."] * levels)
        umbrella = _umbrella_in(tree, up)
        if umbrella is not None and own in (posixpath.normpath(posixpath.join(own, path)) for path in umbrella.apps):
            yield up, umbrella


def released_apps(project: Project, release: Release) -> tuple[Project, ...]:
    """Return the applications of an umbrella that are in a release; all of them where that can't be read.

    Those are the release's own, and what each of them depends on (Mix.Release.from_config!/3).
    """
    if not isinstance(release.applications, Known):
        return project.apps
    # In an umbrella the directory has the application's name (Mix.Project.apps_paths/1).
    by_name = {posixpath.basename(app.path): app for app in project.apps}
    pending = [name for name, _ in release.applications.value]
    found: dict[str, Project] = {}
    while pending:
        app = by_name.get(pending.pop())
        if app is None or app.path in found:
            continue
        found[app.path] = app
        if any(unknown.what == "deps" for unknown in app.unknown) or isinstance(app.extra_applications, Unknown):
            return project.apps
        pending += [dep.app for dep in app.deps if dep.in_release() is not False]
        pending += app.extra_applications.value if app.extra_applications else ()
    return tuple(app for app in project.apps if app.path in found)


def _umbrella_in(tree: Tree, directory: str) -> _Umbrella | None:
    try:
        content = tree.read(posixpath.join(directory, "mix.exs"))
        if content is None or b"apps_path" not in content:
            return None
        definition = MixFile.of(tree, directory, content, BuildEnvironment()).definition()
    except ProjectError:
        # Another project's mix.exs, which isn't to be judged here.
        return None
    try:
        project = project_of(definition, lambda root: children(tree, root, BuildEnvironment()))
    except ProjectError:
        # Mix would refuse it, and it is an umbrella all the same.
        apps_path = definition.given.fact("apps_path", definition.given.path)
        names = tree.list(apps_path.value) if isinstance(apps_path, Known) else ()
        above = apps_path.value if isinstance(apps_path, Known) else ""
        return _Umbrella(tuple(posixpath.join(above, name.rstrip("/")) for name in names), None)
    return _Umbrella(tuple(app.path for app in project.apps), project.releases)


def _from_its_root(umbrella: _Umbrella, app: str, up: str, directory: str) -> str:
    there = f" -C {shlex.quote(directory)}" if directory != "." else ""
    if umbrella.releases is None:
        return f"relbuild plan{there} says what is wrong there"
    having = [
        release.name
        for release in umbrella.releases
        if isinstance(release.applications, Known) and app in dict(release.applications.value)
    ]
    if having:
        return "; or ".join(f"relbuild image{there} --release {name}" for name in having)
    return (
        f"add to `project` in {up}/mix.exs: releases: [{app}: [applications: [{app}: :permanent]]], "
        f"then relbuild image{there}"
    )
