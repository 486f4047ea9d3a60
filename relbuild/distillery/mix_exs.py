"""What mix.exs says instead of rel/config.exs: `releases:`, with what Mix wouldn't do by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

from relbuild.distillery.dependency import APP
from relbuild.distillery.rel_config import RelConfig, Release, Setting, atom
from relbuild.elixir.values import Term, Tuple
from relbuild.elixir.versions import Requirement, Version
from relbuild.errors import Mark, Problem
from relbuild.facts import Known, Unknown
from relbuild.init.mix_exs import with_lines
from relbuild.mix.distillery import FILE
from relbuild.mix.project import Project

# The first Elixir with `mix release`, and with `version: {:from_app, …}`.
FIRST = Version(1, 9, 0)
_FROM_APP = Version(1, 11, 0)
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Written:
    """The mix.exs with its releases (None: as it was), and what is left to look at."""

    content: str | None
    look: tuple[Problem, ...]
    recorded: bool = True
    """Whether it says now, or said before, what rel/config.exs says of the releases."""


def with_releases(content: bytes, project: Project, config: RelConfig) -> Written:
    """Return mix.exs with `releases:` for each of Distillery's; one that defines its releases stays as it is."""
    if any(release.defined for release in project.releases):
        return Written(None, ())
    if not config.releases:
        return Written(None, (), recorded=not config.look)
    entries, look = [], list[Problem]()
    for release in config.releases:
        options, unclear = _options(release, project)
        look += unclear
        entries.append((release.name, options))
    lines = _lines(entries)
    if len(entries) > 1 and project.default_release is None:
        lines.insert(0, f"default_release: :{config.default},")
    edited = with_lines(content, lines, "releases")
    if edited is None:
        then = f"then relbuild convert removes {FILE} and what it names, which stay until mix.exs has its releases"
        hint = "\n".join(("add to it:", *lines, then))
        look.insert(0, Problem("`project` is no plain keyword list that releases could be added to", project.at, hint))
    return Written(edited, tuple(look), recorded=edited is not None)


def stripped(project: Project, config: RelConfig) -> tuple[str, ...]:
    """Return a note on what Mix does unasked and Distillery doesn't: to strip the compiled modules."""
    if any(release.defined for release in project.releases):
        return ()
    if all("strip_debug_info" in release.settings for release in config.releases):
        return ()
    return (
        "mix release strips compiled modules of their documentation and debug information, as Distillery did only "
        "where it was told to; strip_beams: false in the release's options keeps them",
    )


def older(project: Project) -> list[Problem]:
    """Return where an Elixir is allowed that has no `mix release`."""
    found = []
    for fact in project.required_elixir:
        requirement = Requirement.parse(fact.value) if isinstance(fact, Known) else None
        before = (Version(1, minor, patch) for minor in range(FIRST.minor) for patch in range(20))
        if requirement is not None and any(requirement.admits(version) for version in before):
            message = f'elixir: "{requirement.source}" allows versions before 1.9, the first with mix release'
            found.append(Problem(message, fact.at, 'write elixir: "~> 1.9", or the version that you use'))
    return found


def too_old(project: Project, config: RelConfig, elixir: Version | None) -> list[Problem]:
    """Return the versions that are taken from an application, which the project's Elixir can't do."""
    if elixir is None or elixir >= _FROM_APP:
        return []
    named = [release.settings["version"] for release in config.releases if "version" in release.settings]
    message = f"version: {{:from_app, …}} in mix.exs needs Elixir 1.11, this is {elixir}"
    taken = [each for each in named if each.version_of is not None and not _own(project, each.version_of)]
    return [Problem(message, each.at, "write the version itself, or take a newer Elixir") for each in taken]


def _lines(entries: list[tuple[str, list[str]]]) -> list[str]:
    lines = ["releases: ["]
    for number, (name, options) in enumerate(entries, 1):
        lines += [f"{_INDENT}{name}: [", *(f"{_INDENT * 2}{line}" for line in options)]
        lines.append(f"{_INDENT}]" + "," * (number < len(entries)))
    return [*lines, "],"]


def _options(release: Release, project: Project) -> tuple[list[str], list[Problem]]:
    """Return the lines of a release's options, as `mix format` has them."""
    look: list[Problem] = []
    options = [["include_executables_for: [:unix]"]]
    version = _version(release.settings.get("version"), project, look)
    if version is not None:
        options.append([f"version: {version}"])
    applications = _applications(release.settings.get("applications"), project, look)
    if applications:
        listed = [f"{_INDENT}{app}: :{mode}" for app, mode in applications]
        options.append(["applications: [", *(f"{each}," for each in listed[:-1]), listed[-1], "]"])
    for key, name, kept in (("include_erts", "include_erts", True), ("strip_debug_info", "strip_beams", False)):
        setting = release.settings.get(key)
        if setting is None:
            continue
        value = setting.value.value if isinstance(setting.value, Known) else None
        if value is False:
            options.append([f"{name}: false"])
        elif kept and setting.text is not None:
            options.append([f"{name}: {json.dumps(setting.text, ensure_ascii=False)}"])
        elif value is not True:
            look.append(unread(setting))
    return [line for each in _joined(options) for line in each], look


def _joined(options: list[list[str]]) -> list[list[str]]:
    return [[*each[:-1], f"{each[-1]},"] for each in options[:-1]] + options[-1:]


def unread(setting: Setting) -> Problem:
    """Return what to say of a setting whose value isn't known."""
    why = f": {setting.value.reason}" if isinstance(setting.value, Unknown) and setting.key != "cookie" else ""
    hint = "what it sets belongs into `releases` in mix.exs"
    return Problem(f"{setting.key} can't be read without running Elixir{why}", setting.at, hint)


def _version(setting: Setting | None, project: Project, look: list[Problem]) -> str | None:
    """Return what a release's version is written as; None where Mix takes the project's."""
    if setting is None:
        # Distillery's own default, for an umbrella's root that has none.
        return '"0.1.0"' if project.version is None else None
    if setting.version_of is not None:
        return None if _own(project, setting.version_of) else f"{{:from_app, :{setting.version_of}}}"
    if setting.text is not None:
        own = isinstance(project.version, Known) and project.version.value == setting.text
        return None if own else json.dumps(setting.text, ensure_ascii=False)
    look.append(unread(setting))
    return None


def _own(project: Project, app: str) -> bool:
    return isinstance(project.app, Known) and project.app.value == app and project.version is not None


def _applications(setting: Setting | None, project: Project, look: list[Problem]) -> list[tuple[str, str]]:
    """Return the applications that Mix wouldn't take by itself, or not in that mode."""
    if setting is None:
        return []
    if setting.items is None:
        look.append(unread(setting))
        return []
    found: dict[str, str] = {}
    for item in setting.items:
        app, mode = _application(item)
        if app is None:
            look.append(Problem("an application that can't be read: it isn't taken over", _place(item, setting)))
        elif app != APP and (mode != "permanent" or not _by_itself(project, app)):
            found[app] = mode
    return list(found.items())


def _place(item: Term, setting: Setting) -> Mark:
    return item.at if isinstance(item, Known) else setting.at


def _application(item: Term) -> tuple[str | None, str]:
    value = item.value if isinstance(item, Known) else None
    if isinstance(value, Tuple) and len(value.items) == 2:
        return atom(value.items[0]), atom(value.items[1]) or "permanent"
    return atom(item), "permanent"


def _by_itself(project: Project, app: str) -> bool:
    """Return whether Mix takes an application into the release unasked: the project's own, and what that needs.

    In an umbrella none: a release of Mix's has those of the umbrella's applications that it lists.
    """
    if project.umbrella:
        return False
    if isinstance(project.app, Known) and project.app.value == app:
        return True
    extra = project.extra_applications.value if isinstance(project.extra_applications, Known) else ()
    return app in extra or any(dep.app == app and dep.runtime is not False for dep in project.deps)
