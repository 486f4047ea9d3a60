"""What a stage needn't see: the less it is given, the fewer changes come to it."""

from __future__ import annotations

import posixpath
import re

from relbuild.image.sources import Sources
from relbuild.mix.facts import Known, Tree
from relbuild.mix.project import Project
from relbuild.mix.releases import Release
from relbuild.values import dataclass

# A version in mix.exs, and where its attribute may be used without anything else depending on it.
_VERSION = re.compile(r'(?:@version|version:) "[^"]*"')
_MADE_OF_IT = re.compile(_VERSION.pattern + r"(?:[ \t]*(?![ \t,\])}#]|$)|\s*(?:\|>|<>))", re.MULTILINE)
_ATTRIBUTE = re.compile(r"@version\b")
_HARMLESS = re.compile(r'@version\s+"[^"]*"\s*$|\bversion:\s*@version\b|\bsource_ref:')
# What a configuration may ask of the project or of files: a stage that has but a part of them would answer otherwise.
# A trailing comment counts: a `#` may as well stand in a string.
_ASKS = re.compile(
    r"^(?![ \t]*#).*(?:(?<![\w.])(?:File|Code|EEx|Port|Mix\.(?:Project|Dep\w*)|System\.(?:cmd|shell)|Path\.wildcard)\b"
    r"|(?<!\w):(?:file|filelib|os|code|erl_\w+|epp|prim_file|zip)\b)",
    re.MULTILINE,
)
# What stands in Elixir's ~w() and in a shell's words as it is.
_PLAIN = re.compile(r"[A-Za-z0-9_./-]+")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The compile-time configuration: the file that Mix reads, and those that it imports."""

    file: str
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuntimeConfiguration:
    """config/runtime.exs, which is put into the release of this version without assembling it anew."""

    path: str
    version: str


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is kept from the stages: the version in the `versioned` mix.exs files and the project's own part of the
    `configuration` from the dependencies, `runtime` from the build. `asks` tells that the configuration may ask for
    more than itself, so that the dependencies are given all.
    """

    asks: bool
    versioned: tuple[str, ...]
    configuration: Configuration | None
    runtime: RuntimeConfiguration | None


def decide(tree: Tree, project: Project, release: Release, sources: Sources, *, has_secrets: bool) -> Narrowing:
    """Return what can be kept from the stages without any of them coming to another result."""
    own = (project, *project.apps)
    asks = any(_asks(tree, path) for path in sources.compile_config)
    versioned = (path for part in own if _is_versioned(tree, path := posixpath.join(part.path, "mix.exs")))
    return Narrowing(
        asks=asks,
        versioned=() if asks else tuple(versioned),
        # The configuration is written into a stage as it was read, which a secret must not be.
        configuration=None if has_secrets or asks else _configuration(project, sources),
        runtime=_runtime(project, release, sources),
    )


def _asks(tree: Tree, path: str) -> bool:
    """Tell whether a file of the configuration, or one in a directory of it, may ask for more than itself."""
    if path.endswith("/"):
        return any(_asks(tree, path + name) for name in tree.list(path.removesuffix("/")))
    content = (tree.read(path) or b"").decode("utf-8", "replace") if path.endswith(".exs") else ""
    return _ASKS.search(content) is not None


def _is_versioned(tree: Tree, path: str) -> bool:
    """Tell whether the version in a mix.exs can be replaced: only `version` itself depends on it."""
    content = (tree.read(path) or b"").decode("utf-8", "replace")
    if not _VERSION.search(content) or _MADE_OF_IT.search(content) or not _PLAIN.fullmatch(path):
        return False
    return all(_HARMLESS.search(line) for line in content.splitlines() if _ATTRIBUTE.search(line))


def _configuration(project: Project, sources: Sources) -> Configuration | None:
    file = project.config_path.value if isinstance(project.config_path, Known) else "config/config.exs"
    named = all(isinstance(part.app, Known) for part in (project.apps or (project,)))
    paths = sources.compile_config
    if file not in paths or not named or not all(map(_PLAIN.fullmatch, paths)):
        return None
    return Configuration(file, tuple(path for path in paths if path != file and path.endswith(".exs")))


def _runtime(project: Project, release: Release, sources: Sources) -> RuntimeConfiguration | None:
    """Return config/runtime.exs where Mix only copies it (Mix.Tasks.Release) and no step of the release sees it."""
    config = project.config_path.value if isinstance(project.config_path, Known) else "config/config.exs"
    path = posixpath.join(posixpath.dirname(config), "runtime.exs")
    assembled = release.steps is None or (isinstance(release.steps, Known) and release.steps.value == ("assemble",))
    plain = release.runtime_config_path is None and not release.unknown and assembled
    if path not in sources.late or not plain or not isinstance(release.version, Known):
        return None
    return RuntimeConfiguration(path, release.version.value)
