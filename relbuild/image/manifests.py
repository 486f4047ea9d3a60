"""What the dependencies are compiled by: as little of the project as can be, so that its changes don't reach them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from relbuild.facts import Known, Tree
from relbuild.image.sources import Sources
from relbuild.mix.dependencies import NOT_KNOWN
from relbuild.mix.project import Project

# A version in mix.exs, and where its attribute may be used without anything else depending on it.
_VERSION = re.compile(r'(?:@version|version:) "[^"]*"')
_MADE_OF_IT = re.compile(_VERSION.pattern + r"(?:[ \t]*(?![ \t,\])}#]|$)|\s*(?:\|>|<>))", re.MULTILINE)
_ATTRIBUTE = re.compile(r"@version\b")
_HARMLESS = re.compile(r'@version\s+"[^"]*"\s*$|\bversion:\s*@version\b|\bsource_ref:')
# What a shell takes as it is.
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class Manifests:
    """What is left out of the files that the dependencies are compiled by.

    `versioned` are the mix.exs files whose version is replaced. With `configured` config.exs is rewritten to what it
    sets for dependencies. `options` are those that dependencies are compiled with, None where mix.exs may compute one.
    """

    versioned: tuple[str, ...]
    configured: bool
    options: tuple[str, ...] | None
    notes: tuple[str, ...] = ()


def plan_manifests(tree: Tree, project: Project, sources: Sources, *, has_secrets: bool) -> Manifests:
    """Return what can be left out without any dependency being compiled otherwise."""
    own = [posixpath.join(part.path, "mix.exs") for part in (project, *project.apps)]
    versioned = tuple(path for path in own if _has_plain_version(tree, path))
    file = project.config_path.value if isinstance(project.config_path, Known) else "config/config.exs"
    named = all(isinstance(part.app, Known) for part in (project.apps or (project,)))
    is_there = file in sources.compile_config
    return Manifests(
        versioned=versioned,
        configured=is_there and named and not has_secrets,
        options=_options(project),
        notes=tuple(_notes(project, file if is_there else "", own, versioned, named=named, has_secrets=has_secrets)),
    )


def _has_plain_version(tree: Tree, path: str) -> bool:
    """Return whether the version in a mix.exs can be replaced: only `version` itself depends on it."""
    content = (tree.read(path) or b"").decode("utf-8", "replace")
    if not _VERSION.search(content) or _MADE_OF_IT.search(content) or not _PLAIN.fullmatch(path):
        return False
    return all(_HARMLESS.search(line) for line in content.splitlines() if _ATTRIBUTE.search(line))


def _options(project: Project) -> tuple[str, ...] | None:
    deps = [dep for part in project.parts for dep in part.deps]
    if any(each.what.startswith("dep") for each in project.unknown) or any(dep.built == NOT_KNOWN for dep in deps):
        return None
    return tuple(sorted({f"{dep.app}: {dep.built}" for dep in deps if dep.built}))


def _notes(
    project: Project, file: str, own: list[str], versioned: tuple[str, ...], *, named: bool, has_secrets: bool
) -> Iterator[str]:
    """Yield what makes the dependencies or the project be compiled from scratch more often than they need to."""
    computed = [path for path in own if path not in versioned]
    if computed and (project.apps or project.deps):
        yield (
            f"each new version compiles the whole project: the version in {' and '.join(computed)} is computed, or "
            'more depends on it than `version:`; a plain `version: "1.2.3"` avoids that'
        )
    if file and has_secrets:
        yield (
            f"each change of {file} compiles all dependencies: it may use builder.secrets, which no layer may hold; "
            "read what is secret in runtime.exs"
        )
    elif file and not named:
        yield (
            f"each change of {file} compiles all dependencies: which of it is the project's own depends on `app:` in "
            "mix.exs, which is computed"
        )
