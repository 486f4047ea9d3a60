"""Edits of the keyword list that `project/0` of a mix.exs returns, and the release that an umbrella has to define."""

from __future__ import annotations

import re

from tree_sitter import Node

from relbuild.elixir import modules
from relbuild.elixir.syntax import Source, pair_key, parse, parts
from relbuild.errors import ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.project import Project

_INDENT = "  "


def lacks_release(project: Project) -> bool:
    """Return whether the project is an umbrella that surely defines no release."""
    known = all(unknown.what not in ("releases", "apps_path", "project") for unknown in project.unknown)
    return project.umbrella and known and not project.releases and bool(_applications(project))


def with_release(tree: Tree, project: Project) -> str:
    """Return the root's mix.exs with a release of all the umbrella's applications.

    Raises ProjectError, with the lines to add by hand, where `project/0` doesn't return a plain keyword list.
    """
    release = _release(project)
    edited = with_lines(tree.read("mix.exs") or b"", release, "releases")
    if edited is None:
        raise ProjectError(
            "an umbrella project has to define its releases, and `project` in mix.exs isn't a plain keyword list "
            "that relbuild can add one to",
            at=project.at,
            hint="add to it:\n" + "\n".join(release),
        )
    return edited


def _release(project: Project) -> list[str]:
    """Return the lines of `releases:`, as `mix format` leaves them."""
    applications = _applications(project)
    name = _name(project, applications)
    # A release has the root's version; where there is none, the version of the application with the release's name.
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


def last_pair(source: Source, *absent: str) -> Node | None:
    """Return the last `key: value` of the list; None without such a list, or where it has one of the absent keys."""
    found = [module for module in modules.modules(source) if "Mix.Project" in module.uses]
    clauses = [clause for module in found[-1:] for clause in module.clauses if clause.name == "project"]
    if len(clauses) != 1 or not clauses[0].expressions:
        return None
    written = clauses[0].expressions[-1]
    inside = parts(written) if written.type == "list" else []
    pairs = parts(inside[-1]) if inside and inside[-1].type == "keywords" else []
    return pairs[-1] if pairs and all(pair_key(source, pair) not in absent for pair in pairs) else None


def with_lines(content: bytes, lines: list[str], *absent: str) -> str | None:
    """Return a mix.exs with these lines before the last pair of its list, None where it has no such list.

    The lines are formatted, not indented, and end with a comma.
    """
    source = parse("mix.exs", content)
    last = last_pair(source, *absent)
    if last is None:
        return None
    at = last.start_byte
    before = source.content[:at]
    line = before[before.rfind(b"\n") + 1 :].decode()
    newline = "\r\n" if b"\r\n" in content else "\n"
    # The lines go before a pair that begins its line; in `[a: 1, b: 2]` they are joined on its line.
    text = newline.join(f"{'' if number == 0 else line}{each}" for number, each in enumerate(lines)) + newline + line
    if line.strip():
        text = " ".join(each.strip() for each in lines).replace("[ ", "[").replace(" ]", "]") + " "
    edited = before + text.encode() + source.content[at:]
    return (content[: len(content) - len(source.content)] + edited).decode()
