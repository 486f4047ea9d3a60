"""What a failed command's output tells: VMs say a lot when they end, and the reason is one line of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from relbuild.mix.environment import Contract

# How an unset variable is told: by System.fetch_env!/1, by Phoenix's runtime.exs, and by a VM that ends while booting.
UNSET = (
    re.compile(r'could not fetch environment variable "(\w+)"'),
    re.compile(r"environment variable ([A-Z][A-Z0-9_]*) is missing"),
    re.compile(r"#\{env=><<\"(\w+)\">>"),
)
# A shorter message (in characters) of a requirement may stand there by chance.
SHORTEST = 8
# What docker says of a container that it can't start, with what doesn't matter of it, and what runc says in the
# container of a program that needs another one, such as a script's interpreter, which isn't there.
DOCKER = re.compile(
    r"docker: (?:Error response from daemon: )?(?:.*unable to start container process: )?(?P<said>.+?)(?:: unknown)?\.?"
)
RUNC = re.compile(r"exec /\S+: (?:no such file or directory|permission denied)")
# What says nothing of the reason: a report's heading, what an application tells of this machine, where a dump goes.
CHATTER = re.compile(r"^=[A-Z ]+ REPORT=+|\[os_mon\]|crash dump|erl_crash\.dump|^\{exit,terminating,", re.IGNORECASE)
# An exception with its message; (EXIT) alone leads to one, or names what another process ended with.
EXCEPTION = re.compile(r"\*\* \((?!EXIT\))[^)]+\).*")
EXIT = re.compile(r"\*\* \(EXIT\).*[^:]$")
# How a VM ends that can't boot, with an Erlang term (erl_init.c, init.erl; for an application a string that has one).
TERMINATING = re.compile(r"(?:Runtime terminating during boot|Kernel pid terminated) (?:\(\w+\) )?\((?P<term>.*)")
FILE_ERROR = re.compile(r"\b(?:erofs|eacces|eperm)\b|read-only file system|permission denied", re.IGNORECASE)
ERROR = re.compile(r"error|cannot|not found", re.IGNORECASE)
# Longer lines (characters) are terms, of which the beginning has to do.
LONGEST = 300
# In such a term: where a function is, an exception's message, a file that can't be used, and any text.
PLACE = re.compile(r'\{file,"[^"]*"\}')
MESSAGE = re.compile(r'message ?=> ?<<"(?P<text>[^"]+)">>')
FILE = re.compile(r'reason ?=> ?(?P<reason>\w+),path ?=> ?<<"(?P<path>[^"]+)">>')
TEXT = re.compile(r'"(?P<text>[^"]{4,})"')
CHILD = re.compile(r"failed_to_start_child,(?P<child>[^,{}]+),(?P<reason>[\w']+|\{[^{}\[\]]*\})")
# A configuration that doesn't compile; from Elixir 1.15 on the compiler logs why, and at which place, apart from it.
COMPILED = re.compile(
    r"\*\* \((?:CompileError|SyntaxError|TokenMissingError|MismatchedDelimiterError)\)"
    r" (?:.+ on )?(?P<file>\S*(?:runtime|releases)\.exs)(?P<line>:\d+)?[\d:]*: ?(?P<said>.*)"
)
LOGGED = re.compile(r"^ *error: (?P<said>.+)(?:\n(?:.*\n)*? *└─ (?P<place>\S+))?", re.MULTILINE)


def line(output: str) -> str:
    """Return the line that tells most, at most 300 characters of it; empty where there is none."""
    lines = [stripped for each in output.splitlines() if (stripped := each.strip()) and not CHATTER.search(stripped)]
    found = (
        refusal(output)
        or uncompiled(output)
        or _first(EXCEPTION, lines)
        or _first(EXIT, lines[::-1])
        or _terminating(lines)
    )
    if not found:
        named = (each for pattern in (FILE_ERROR, ERROR) for each in lines if pattern.search(each))
        found = next(named, lines[-1] if lines else "")
    return found[:LONGEST]


def uncompiled(output: str) -> str:
    """Return why the release's configuration doesn't compile, with its place; empty where the output doesn't say so."""
    failed = COMPILED.search(output)
    if failed is None:
        return ""
    place, said = f"{failed['file']}{failed['line'] or ''}", failed["said"]
    logged = None if failed["line"] and said else LOGGED.search(output)
    return f"{logged['place'] or place}: {logged['said']}" if logged else f"{place}: {said}"


def refusal(output: str) -> str:
    """Return what docker says of a container that couldn't be started; empty where it says nothing."""
    for each in (line.strip() for line in output.splitlines()):
        if said := DOCKER.fullmatch(each):
            return f"docker: {said['said']}"
        if RUNC.fullmatch(each):
            return each
    return ""


def unset(output: str, contract: Contract | None = None) -> str | None:
    """Return the environment variable that the output says is missing; None where it names none.

    It does so in words of its own, or with the message that a requirement of the contract has for it.
    """
    named = next((found[1] for pattern in UNSET if (found := pattern.search(output))), None)
    if named is not None or contract is None:
        return named
    # In a term, which is how a VM says it that ends while booting, quotes are escaped.
    text = output.replace('\\"', '"')
    told = [
        (len(message), variable.name)
        for variable in contract.variables
        for each in variable.requirements
        if len(message := _beginning(each.message or "")) >= SHORTEST and message in text
    ]
    return max(told, default=(0, None))[1]


def _beginning(message: str) -> str:
    return message.strip().partition("\n")[0].strip()


def _first(pattern: re.Pattern[str], lines: list[str]) -> str:
    return next((found[0] for each in lines if (found := pattern.search(each))), "")


def _terminating(lines: list[str]) -> str:
    """Return the innermost reason of a VM that ended while it booted; its whole line where there is none to be seen."""
    for each in lines:
        ended = TERMINATING.search(each)
        if ended:
            # Of an application it is a string, in which quotes are escaped.
            term = PLACE.sub("", ended["term"].replace('\\"', '"').removeprefix('"'))
            return _reason(term) or ended[0]
    return ""


def _reason(term: str) -> str:
    if said := MESSAGE.search(term):
        return said["text"]
    if file := FILE.search(term):
        return f"{file['path']}: {file['reason']}"
    if text := TEXT.search(term):
        return text["text"]
    children = list(CHILD.finditer(term))
    return f"{children[-1]['child']} doesn't start: {children[-1]['reason']}" if children else ""
