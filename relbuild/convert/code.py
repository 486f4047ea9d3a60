"""Code and configuration of the project that need Distillery: its modules, its settings, its variables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relbuild.convert.shell import RENAMED
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.mix.elixir_files import directories, files
from relbuild.mix.facts import Tree
from relbuild.mix.project import Project
from relbuild.mix.source import Source, arguments, callee, parse, walk

# Distillery 1 and 2. `Mix.Release`, without the s, is Elixir's.
_MODULE = re.compile(r"(?:Elixir\.)?(?:Mix\.Releases|Distillery)(?:\.|$)")
_PLACES = {
    "Plugin": "write a function that does the same into the release's steps: in mix.exs",
    "Provider": "Elixir's own behaviour for it is Config.Provider, named in config_providers: of the release's options",
}
_NO_PLACE = "it goes with the dependency: mix release has no such module"
# Distillery's docs/extensibility/shell_scripts.md, and https://hexdocs.pm/mix/Mix.Tasks.Release.html
_VARIABLES = {
    **RENAMED,
    "REL_DIR": "RELEASE_ROOT, with releases/ and RELEASE_VSN after it",
    "REL_LIB_DIR": "RELEASE_ROOT, with lib after it",
    "RELEASES_DIR": "RELEASE_ROOT, with releases after it",
    "RELEASE_CONFIG_DIR": "RELEASE_ROOT",
    "RELEASE_MUTABLE_DIR": "RELEASE_TMP",
    "SYS_CONFIG_PATH": "RELEASE_SYS_CONFIG, which lacks the .config at its end",
    "VMARGS_PATH": "RELEASE_VM_ARGS",
}
_READ = re.compile(rf"(?:System\.\w+!?\(\s*\"|:system,\s*\"|\$\{{)({'|'.join(_VARIABLES)})(?=[\"}}])")
_WORDS = re.compile(rb"Mix\.Releases|Distillery|:distillery|" + "|".join(_VARIABLES).encode())


def look(tree: Tree, project: Project) -> Iterator[Problem]:
    """Yield each place in lib, in rel/plugins and in config files that needs what comes with Distillery alone.

    A file that isn't Elixir throughout, or can't be read, counts for nothing: the compiler will tell.
    """
    for path in _files(tree, project):
        try:
            content = tree.read(path)
            if content is None or not _WORDS.search(content):
                continue
            source = parse(path, content)
        except ProjectError:
            continue
        yield from _modules(source)
        yield from _settings(source)
        yield from _variables(source)


def _files(tree: Tree, project: Project) -> Iterator[str]:
    for directory in directories(project, *project.apps):
        yield from files(tree, directory)
    for directory in ("rel/plugins", *(f"{part.path}/config".lstrip("/") for part in (project, *project.apps))):
        if not directory.startswith(".."):
            yield from (f"{directory}/{name}" for name in tree.list(directory) if name.endswith(".exs"))


def _modules(source: Source) -> Iterator[Problem]:
    """Yield the first place of each of Distillery's modules."""
    found: dict[str, Mark] = {}
    for node in walk(source.root):
        if node.type == "alias" and _MODULE.match(source.text(node)):
            found.setdefault(source.text(node), source.mark(node))
    for name, at in found.items():
        yield Problem(f"{name} is Distillery's", at, _PLACES.get(name.rpartition(".")[2], _NO_PLACE))


def _settings(source: Source) -> Iterator[Problem]:
    for node in walk(source.root):
        written = arguments(node) if callee(node) == "config" else []
        if written and source.text(written[0]) == ":distillery":
            yield Problem("config :distillery configures nothing any more", source.mark(node), "leave it out")


def _variables(source: Source) -> Iterator[Problem]:
    for number, line in enumerate(source.content.decode("utf-8", "replace").split("\n"), 1):
        for match in _READ.finditer(line) if not line.lstrip().startswith("#") else ():
            at = Mark(source.file, number, match.start(1) + 1)
            yield Problem(f"{match[1]} is a variable of Distillery's", at, f"Mix has {_VARIABLES[match[1]]}")
