"""Uses of Distillery in files, code and configuration of the project, and the replacement of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from relbuild.distillery.shell import RENAMED
from relbuild.elixir.modules import Module, aliases, modules
from relbuild.elixir.syntax import Source, arguments, callee, module_name, parse, parts, walk
from relbuild.errors import Mark, Problem, ProjectError
from relbuild.facts import Known, Tree
from relbuild.mix.elixir_files import files_below, modules_with, source_directories
from relbuild.mix.project import Project
from relbuild.mix.unavailable import find_mix_calls

# No directory is walked: these, and what the project's root has of scripts and compose files.
_FILES = (
    *("Dockerfile", "Makefile", "Procfile", "docker-compose.yml", "docker-compose.yaml", "compose.yml"),
    *("compose.yaml", ".gitlab-ci.yml", ".travis.yml", "cloudbuild.yaml"),
)
_MATCHING = re.compile(r"[\w.-]+\.sh|docker-compose\.[\w.-]+\.ya?ml|Dockerfile\.[\w.-]+")

_INSTEAD = {
    "foreground": "start",
    "start": "daemon",
    "start_boot": "daemon",
    "console": "start_iex",
    "console_boot": "start_iex",
    "console_clean": "eval",
    "remote_console": "remote",
    "command": "eval 'Module.function()'",
    "describe": "version",
    "ping": "pid",
    "reboot": "restart",
}
_GONE = {
    "attach": "remote is what is nearest",
    "pingpeer": "rpc 'Node.ping(:\"name@host\")' does it",
    "info": "version and rpc say it",
    "reload_config": "restart reads config/runtime.exs again",
    "upgrade": "start the new release in place of the old one",
    "downgrade": "start the old release in place of the new one",
    "install": "start the new release in place of the old one",
    "unpack": "start the new release in place of the old one",
    "escript": "eval calls a function of the release",
    "rpcterms": "rpc takes an expression: rpc 'Module.function(arguments)'",
}
_TASK = re.compile(
    r"\bmix\b[^&|;#\n]*?[\s,](?P<task>(?:distillery\.)?release(?:\.init|\.clean|\.gen\.appup)?)(?P<rest>[^&|;#\n]*)"
)
_REPLACED = re.compile(r"\b(?:REPLACE_OS_VARS|RELX_REPLACE_OS_VARS)\b")
_OPTION = re.compile(
    r"--(?:env|no-tar|verbose|silent|quiet|profile|name|upgrade|upfrom|executable|transient|erl|warnings-as-errors|no-warn-missing)\b(?!\.)"
)
_KEPT = ("--quiet",)
# What an entry point, bin/NAME, is given.
_GIVEN = re.compile(
    r"^\s*(?:CMD|command:)\s*\[?\s*[\"']?(?P<word>foreground|console|console_clean|remote_console)(?![\w.-])"
)
_PACKED = "steps: [:assemble, :tar] in the release's options packs NAME-VERSION.tar.gz; or copy _build/prod/rel/NAME"


def look(tree: Tree, releases: tuple[str, ...], commands: frozenset[str]) -> Iterator[Problem]:
    """Yield each place where a file in the project's root has Distillery's words; `commands` are the project's own."""
    words = "|".join(sorted(map(re.escape, {*_INSTEAD, *_GONE, *commands}), key=len, reverse=True))
    names = "|".join((*map(re.escape, releases), r"\$\{?\w+\}?"))
    called = re.compile(rf"bin/(?P<name>{names})[\"']?[\s,]+[\"']?(?P<word>{words})(?![\w.-])")
    packed = re.compile(rf"releases/[^\s\"']*?(?:{names}|\*)\.tar\.gz")
    for file in _present(tree):
        try:
            text = (tree.read(file) or b"").decode()
        except (ProjectError, UnicodeDecodeError):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if line.lstrip().startswith("#"):
                continue
            for column, message, hint in (*_line(line, called), *_given(line), *_packed(line, packed)):
                yield Problem(message, Mark(file, number, column), hint)


def task_aliases(project: Project) -> Iterator[Problem]:
    """Yield the aliases of mix.exs whose tasks are Distillery's."""
    for alias in (alias for part in (project, *project.apps) for alias in part.aliases):
        for task in alias.tasks.value if isinstance(alias.tasks, Known) else ():
            for _, message, hint in _tasks(f"mix {task}"):
                yield Problem(f"alias {alias.name}: {message}", alias.at, hint)


def _present(tree: Tree) -> list[str]:
    return [name for name in tree.list("") if name in _FILES or _MATCHING.fullmatch(name)]


def _line(line: str, called: re.Pattern[str]) -> Iterator[tuple[int, str, str]]:
    yield from _tasks(line)
    for match in _REPLACED.finditer(line):
        yield match.start() + 1, f"{match[0]} has no meaning any more", "leave it out"
    for match in called.finditer(line):
        word, name = match["word"], match["name"]
        message = f"bin/{name} {word} is Distillery's"
        if word in _GONE:
            hint = f"mix release has no {word}: {_GONE[word]}"
        elif word in _INSTEAD:
            hint = f"write bin/{name} {_INSTEAD[word]}"
        else:
            hint = f"write bin/{name} eval, with what {word} called"
        yield match.start("word") + 1, message, hint


def _given(line: str) -> Iterator[tuple[int, str, str]]:
    if match := _GIVEN.match(line):
        word = match["word"]
        yield match.start("word") + 1, f"{word} is Distillery's", f"write {_INSTEAD[word]}"


def _packed(line: str, packed: re.Pattern[str]) -> Iterator[tuple[int, str, str]]:
    for match in packed.finditer(line):
        yield match.start() + 1, "mix release makes no archive unasked", _PACKED


def _tasks(line: str) -> Iterator[tuple[int, str, str]]:
    for match in _TASK.finditer(line):
        options = [each[0] for each in _OPTION.finditer(match["rest"]) if each[0] not in _KEPT]
        said = " ".join((match["task"], *options))
        if match["task"] == "release.init":
            yield (
                match.start("task") + 1,
                "mix release.init writes templates for Mix's own",
                "relbuild init writes them",
            )
        elif match["task"] != "release" and match["task"] != "distillery.release":
            yield match.start("task") + 1, f"mix {match['task']} is gone", "leave it out"
        elif said != "release":
            hint = "mix release, with MIX_ENV=prod and the release's name where there are several"
            yield match.start("task") + 1, f"mix {said} is Distillery's", hint


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


def code_look(tree: Tree, project: Project) -> Iterator[Problem]:
    """Yield each place in lib, in rel/plugins and in config files that needs what comes with Distillery alone.

    A file that isn't Elixir throughout, or can't be read, counts for nothing: the compiler will tell.
    """
    for path in _code_files(tree, project):
        try:
            content = tree.read(path)
            if content is None or not _WORDS.search(content):
                continue
            source = parse(path, content)
        except ProjectError:
            continue
        yield from _modules(source)
        yield from _distillery_settings(source)
        yield from _distillery_variables(source)


def _code_files(tree: Tree, project: Project) -> Iterator[str]:
    for directory in source_directories(project, *project.apps):
        yield from files_below(tree, directory)
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


def _distillery_settings(source: Source) -> Iterator[Problem]:
    for node in walk(source.root):
        written = arguments(node) if callee(node) == "config" else []
        if written and source.text(written[0]) == ":distillery":
            yield Problem("config :distillery configures nothing any more", source.mark(node), "leave it out")


def _distillery_variables(source: Source) -> Iterator[Problem]:
    for number, line in enumerate(source.content.decode("utf-8", "replace").split("\n"), 1):
        for match in _READ.finditer(line) if not line.lstrip().startswith("#") else ():
            at = Mark(source.file, number, match.start(1) + 1)
            yield Problem(f"{match[1]} is a variable of Distillery's", at, f"Mix has {_VARIABLES[match[1]]}")


def plain_arguments(tree: Tree, project: Project) -> Iterator[Problem]:
    """Yield the calls of `:init.get_plain_arguments` in functions, outside of Mix tasks."""
    for source, module in modules_with(tree, (project, *project.apps), (b"get_plain_arguments",)):
        if "/mix/tasks/" in source.file or module.name.startswith("Mix."):
            continue
        for node in (node for clause in module.clauses for node in walk(clause.node)):
            target = node.child_by_field_name("target") if node.type == "call" else None
            if target is not None and source.text(target) == ":init.get_plain_arguments":
                hint = "use System.argv(), which Elixir 1.15 and later set in eval; or make them parameters"
                message = ":init.get_plain_arguments() also returns the arguments of eval itself"
                yield Problem(message, source.mark(node), hint)


def mix_calls(tree: Tree, project: Project) -> Iterator[Problem]:
    """Yield the functions that call Mix, which a release doesn't have."""
    for each in find_mix_calls(tree, (project, *project.apps)):
        yield Problem(each.message, each.at, each.hint)


_CONFIG_READS = re.compile(r"Application\.(?:(?:get|fetch)_env!?|compile_env!?)")
# What is inside of these is carried out when it is called.
_LATER = ("def", "defp", "defmacro", "defmacrop", "defdelegate", "quote")


def compile_time_reads(tree: Tree, keys: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    """Yield a problem for each place in lib/ that reads one of the applications' keys while it is compiled.

    A file that isn't Elixir throughout, or can't be read, counts for nothing: the compiler will tell.
    """
    apps = [name.rstrip("/") for name in tree.list("apps") if name.endswith("/")]
    for directory in ("lib", *(f"apps/{name}/lib" for name in apps)):
        for path in files_below(tree, directory) if keys else ():
            try:
                content = tree.read(path)
                if content is None or b"Application." not in content or b"_env" not in content:
                    continue
                source = parse(path, content)
            except ProjectError:
                continue
            yield from _in_file(source, keys)


def _in_file(source: Source, keys: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    defined = modules(source)
    short = aliases(source, defined)
    for module in defined:
        for node in _compiled(module):
            app, key = _read_key(source, node, module, short)
            if key is not None and key in keys.get(app, ()):
                yield Problem(
                    f"{module.name} reads {_shown(key)} of :{app} at compile time, and config/runtime.exs sets it "
                    "at boot",
                    source.mark(node),
                    f"read it in a function, with Application.fetch_env!(:{app}, {_shown(key)})",
                )


def _shown(key: str) -> str:
    return key.removeprefix("Elixir.") if key.startswith("Elixir.") else f":{key}"


def _compiled(module: Module) -> Iterator[Node]:
    """Yield the calls in a module's own body, in the order of the text."""
    pending = list(reversed(module.statements))
    while pending:
        node = pending.pop()
        if callee(node) in _LATER or module_name(node) is not None:
            continue
        if node.type == "call":
            yield node
        pending.extend(reversed(node.children))


def _read_key(source: Source, node: Node, module: Module, short: Mapping[str, str | None]) -> tuple[str, str | None]:
    """Return the application and the key that a call reads; None for another call, or where it can't be told."""
    target, written = node.child_by_field_name("target"), arguments(node)
    if (
        target is None
        or not _CONFIG_READS.fullmatch(source.text(target))
        or len(written) < 2
        or written[0].type != "atom"
    ):
        return "", None
    key = written[1]
    if key.type == "list" and parts(key):
        key = parts(key)[0]
    text = source.text(key)
    if key.type == "atom":
        return source.text(written[0])[1:], text[1:]
    if text == "__MODULE__":
        return source.text(written[0])[1:], f"Elixir.{module.name}"
    if key.type == "alias":
        first, dot, rest = text.removeprefix("Elixir.").partition(".")
        return source.text(written[0])[1:], f"Elixir.{short.get(first) or first}{dot}{rest}"
    return "", None
