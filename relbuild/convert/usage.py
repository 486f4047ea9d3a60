"""Where files beside the project call Distillery's task and its release's commands, and what they are called now."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relbuild.errors import Mark, Problem, ProjectError
from relbuild.mix.facts import Known, Tree
from relbuild.mix.project import Project

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
    "reload_config": "restart reads config/runtime.exs anew",
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


def aliases(project: Project) -> Iterator[Problem]:
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
