"""What a failed command's output tells: VMs say a lot when they end, and the reason is one line of it."""

from __future__ import annotations

import re

# How an unset variable is told: by System.fetch_env!/1, by Phoenix's runtime.exs, and by a VM that ends while booting.
UNSET = (
    re.compile(r'could not fetch environment variable "(\w+)"'),
    re.compile(r"environment variable ([A-Z][A-Z0-9_]*) is missing"),
    re.compile(r"#\{env=><<\"(\w+)\">>"),
)
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


def line(output: str) -> str:
    """Return the line that tells most, at most 300 characters of it; empty where there is none."""
    lines = [stripped for each in output.splitlines() if (stripped := each.strip()) and not CHATTER.search(stripped)]
    found = _first(EXCEPTION, lines) or _first(EXIT, lines[::-1]) or _terminating(lines)
    if not found:
        named = (each for pattern in (FILE_ERROR, ERROR) for each in lines if pattern.search(each))
        found = next(named, lines[-1] if lines else "")
    return found[:LONGEST]


def unset(output: str) -> str | None:
    """Return the environment variable that the output says is missing; None where it names none."""
    return next((found[1] for pattern in UNSET if (found := pattern.search(output))), None)


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
