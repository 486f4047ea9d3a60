"""Distillery's own commands of a project: what each calls, and how relbuild and the release call it."""

from __future__ import annotations

import posixpath
import re
import shlex
from dataclasses import dataclass

from relbuild.distillery import rel_config
from relbuild.distillery.outcome import Outcome
from relbuild.distillery.rel_config import RelConfig, Release
from relbuild.errors import Mark, Problem
from relbuild.mix.migrations import find_migrations
from relbuild.mix.project import Project

# `bin/shop command Elixir.Shop.Release migrate`, with a path or a variable in place of bin/shop.
_COMMAND = re.compile(
    r"(?:exec\s+)?(?P<bin>\S+)\s+command\s+(?:Elixir\.)?(?P<module>[A-Z][\w.]*)\s+(?P<function>\w+[?!]?)"
)
_CTL = re.compile(
    r"(?:exec\s+)?(?P<where>release_ctl|release_remote_ctl)\s+(?P<verb>eval|rpc)\s+--mfa[ =]"
    r"[\"']?(?:Elixir\.)?(?P<module>[A-Z][\w.]*)\.(?P<function>\w+[?!]?)/(?P<arity>\d+)[\"']?(?P<argv>\s+--argv)?"
)
_EVAL = re.compile(r"(?:exec\s+)?(?:release_ctl|release_remote_ctl)\s+(?P<verb>eval|rpc)\s+(?P<text>['\"].*['\"])")
_FORWARDED = re.compile(r"\s*(?:--)?\s*\"?\$\{?[@*1-9]\}?\"?(?:\s+\"?\$\{?[@*1-9]\}?\"?)*")
_SETUP = re.compile(r"\s*(?:#.*|set\s+[-+][a-z\s]+)?")


@dataclass(frozen=True, slots=True)
class _Call:
    expression: str
    verb: str
    line: int
    forwards: bool


def tell(outcome: Outcome, config: RelConfig, project: Project) -> None:
    """Note for each command what takes its place; let those go that are one call, which is told whole.

    One that several releases have is told with the first of them.
    """
    known = {each.expression for each in find_migrations(outcome.tree, project, project.apps).found}
    told: set[tuple[str, str]] = set()
    for release in config.releases:
        setting = release.settings.get("commands")
        if setting is not None and setting.items is None:
            outcome.look.append(Problem("commands can't be read without running Elixir", setting.at))
        scripts = [(name, posixpath.normpath(written), at) for name, written, at in rel_config.pairs(setting)]
        _tell(outcome, release, [each for each in scripts if each[:2] not in told], known)
        told.update((name, path) for name, path, _ in scripts)


def _tell(outcome: Outcome, release: Release, scripts: list[tuple[str, str, Mark]], known: set[str]) -> None:
    for name, path, at in scripts:
        content = outcome.read(path)
        if content is None:
            message = f"bin/{release.name} {name} is gone, and {path}, which it ran, isn't there"
            outcome.look.append(Problem(message, at))
            continue
        call = _only_call(content)
        if call is None:
            message = f"bin/{release.name} {name} is gone: mix release has no commands of a project's own"
            hint = f"write a function that does the same, for relbuild eval 'Module.function()', then remove {path}"
            outcome.look.append(Problem(message, Mark(path, 1), hint))
            continue
        outcome.look.append(_told(release.name, name, path, call, known))
        outcome.remove(path)


def _told(release: str, name: str, path: str, call: _Call, known: set[str]) -> Problem:
    quoted = shlex.quote(call.expression)
    message = f"bin/{release} {name} is gone: it called {call.expression}"
    hint = f"relbuild {call.verb} {quoted}, or bin/{release} {call.verb} {quoted}"
    if call.forwards:
        message += ", with the command's arguments"
        hint += ", with them after it (for relbuild after --): System.argv() gives them from Elixir 1.15 on"
    if name == "migrate" and call.verb == "eval":
        alone = call.expression.replace("(System.argv())", "([])")
        there = alone in known
        way = "relbuild migrate does it" + ("" if there else f" with `migrate: {alone}` in relbuild.yml")
        hint = f"{way}{', without arguments' if call.forwards else ''}; else {hint}"
    return Problem(message, Mark(path, call.line), hint)


def _only_call(text: str) -> _Call | None:
    """Return the one call that a script consists of; None where it does more."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if not _SETUP.fullmatch(line)]
    if len(lines) != 1:
        return None
    number, line = lines[0]
    if match := _COMMAND.match(line):
        rest = line[match.end() :]
        if not rest or _FORWARDED.fullmatch(rest):
            # The function has no parameters: it reads what it is given with :init.get_plain_arguments/0.
            return _Call(f"{match['module']}.{match['function']}()", "eval", number, bool(rest))
    elif match := _CTL.match(line):
        return _mfa(match, line[match.end() :], number)
    elif match := _EVAL.fullmatch(line):
        try:
            words = shlex.split(match["text"])
        except ValueError:
            return None
        if len(words) == 1 and "$" not in words[0]:
            return _Call(words[0], _verb(match), number, forwards=False)
    return None


def _mfa(match: re.Match[str], rest: str, number: int) -> _Call | None:
    forwards = bool(_FORWARDED.fullmatch(rest)) and bool(rest.strip())
    if rest.strip() and not forwards:
        return None
    function = f"{match['module']}.{match['function']}"
    if match["arity"] == "0":
        return _Call(f"{function}()", _verb(match), number, forwards)
    if match["arity"] == "1" and match["argv"]:
        # With --argv the function gets the arguments as a list.
        given = "System.argv()" if forwards and _verb(match) == "eval" else "[]"
        return _Call(f"{function}({given})", _verb(match), number, forwards)
    return None


def _verb(match: re.Match[str]) -> str:
    return "rpc" if match["verb"] == "rpc" or match.groupdict().get("where") == "release_remote_ctl" else "eval"
