"""The compilers' errors and warnings in a build's output, with their places.

Elixir 1.15 and later print a diagnostic with a snippet and its place behind ``└─``; earlier versions print a warning
with its place indented below it. All versions end with ``== Compilation error in file F ==`` and the exception
(elixir: lib/elixir/lib/kernel/parallel_compiler.ex).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PLACE = r"(?P<file>[^\s:]+\.(?:exs?|[a-z]*eex|erl|hrl|yrl|xrl)):(?P<line>\d+)(?::(?P<column>\d+))?"
ERROR = re.compile(r"\s*error: (?P<message>.+)")
WARNING = re.compile(r"\s*warning: (?P<message>.+)")
WARNINGS_ARE_ERRORS = "Compilation failed due to warnings while using the --warnings-as-errors option"
# In an umbrella's child `└─ (kid 0.1.0) lib/kid.ex:2:13: Kid.a/0`.
SNIPPET_PLACE = re.compile(rf"\s*└─ (?:\((?P<app>[a-z_][a-z0-9_]*) [^)]*\) )?{PLACE}.*")
# Of a warning without a snippet: `  lib/a.ex:3: A.b/0`; erlc's own are `src/a.erl:3:5: Warning: …`.
INDENTED_PLACE = re.compile(rf"  (?:\((?P<app>[a-z_][a-z0-9_]*) [^)]*\) )?{PLACE}(?::.*)?")
ERLANG_WARNING = re.compile(rf"{PLACE}: Warning: (?P<message>.+)")
IN_FILE = re.compile(r"== Compilation error (?:in file|on file) (?P<file>.+) ==")
EXCEPTION = re.compile(r"\*\* \((?P<kind>[\w.]+)\) ?(?P<message>.*)")
# As EXCEPTION's message, before 1.15: `lib/a.ex:3: undefined function foo/0`; since then `… found on lib/a.ex:3:1:`.
IN_MESSAGE = re.compile(rf"(?:.* on )?{PLACE}:? ?(?P<rest>.*)")
# Of a stack trace: `    lib/a.ex:3: (module)`, `    (shop 0.1.0) lib/a.ex:3: Shop.a/0`.
STACK = re.compile(rf"\s+(?:\([^)]*\) )?{PLACE}: .*")
# gcc's and clang's words for a header that isn't there.
HEADER = re.compile(
    r"(?P<file>[^\s:]+\.(?:c|cc|cpp|cxx|h|hh|hpp)):(?P<line>\d+):(?P<column>\d+): "
    r"fatal error: .*(?:No such file|not found).*"
)
APPLICATION = re.compile(r"==> (?P<app>[a-z_][a-z0-9_]*)")
# A warning's place follows within this many lines: a message, a snippet of its code, and what Elixir suggests.
NEAR = 40


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error or warning; ``app`` is the umbrella's child or the dependency it is in, where Mix names it."""

    message: str
    file: str
    line: int
    column: int = 1
    app: str | None = None


def compile_errors(lines: Sequence[str], workdir: str = "/src") -> tuple[Diagnostic, ...]:
    """Return the compiler's errors in the order they were printed, each once.

    Where warnings are errors, those. ``workdir`` is where the project was built.
    """
    found = tuple(dict.fromkeys(_errors(lines, workdir)))
    if not found and WARNINGS_ARE_ERRORS in lines:
        return compile_warnings(lines, workdir)
    return found


def compile_warnings(lines: Sequence[str], workdir: str = "/src") -> tuple[Diagnostic, ...]:
    """Return the compiler's warnings in the order they were printed, each once."""
    return tuple(dict.fromkeys(_warnings(lines, workdir)))


def raised_exception(lines: Sequence[str], workdir: str = "/src") -> Diagnostic | None:
    """Return the last exception that has a place in the project: a configuration file or mix.exs that raised."""
    for index in range(len(lines) - 1, -1, -1):
        raised = EXCEPTION.fullmatch(lines[index])
        if raised is None:
            continue
        places = (STACK.fullmatch(line) for line in lines[index + 1 : index + 12])
        for place in places:
            if place and place["file"].removeprefix(f"{workdir}/").startswith(("config/", "mix.exs", "apps/", "rel/")):
                return _at(place, f"({raised['kind']}) {raised['message']}", None, workdir)
    return None


def error_without_header(lines: Sequence[str], workdir: str = "/src") -> Diagnostic | None:
    """Return where C code includes a header that isn't there; None outside of the project's directory."""
    app = None
    for line in lines:
        if heading := APPLICATION.fullmatch(line):
            app = heading["app"]
        elif place := HEADER.fullmatch(line):
            found = _at(place, line, app, workdir)
            return None if found.file.startswith(("/", "../", "deps/")) else found
    return None


def _errors(lines: Sequence[str], workdir: str) -> Iterator[Diagnostic]:
    app = message = None
    snippets: set[str] = set()
    for index, line in enumerate(lines):
        if heading := APPLICATION.fullmatch(line):
            app = heading["app"]
        elif error := ERROR.fullmatch(line):
            message = error["message"]
        elif message is not None and (place := SNIPPET_PLACE.fullmatch(line)):
            snippets.add(place["file"])
            yield _at(place, message, place["app"] or app, workdir)
            message = None
        elif (place := IN_FILE.fullmatch(line)) and index + 1 < len(lines):
            reported = place["file"] in snippets
            if raised := _raised(lines[index + 1 :], place["file"], app, workdir, reported=reported):
                yield raised
            message = None


def _warnings(lines: Sequence[str], workdir: str) -> Iterator[Diagnostic]:
    app = message = None
    since = 0
    for index, line in enumerate(lines):
        if heading := APPLICATION.fullmatch(line):
            app = heading["app"]
        elif warning := WARNING.fullmatch(line):
            message, since = warning["message"], index
        elif ERROR.fullmatch(line):
            message = None
        elif erlang := ERLANG_WARNING.fullmatch(line):
            yield _at(erlang, erlang["message"], app, workdir)
        elif message is not None and (place := SNIPPET_PLACE.fullmatch(line) or INDENTED_PLACE.fullmatch(line)):
            if index - since <= NEAR:
                yield _at(place, message, place["app"] or app, workdir)
            message = None


def _raised(lines: Sequence[str], file: str, app: str | None, workdir: str, *, reported: bool) -> Diagnostic | None:
    """Return the exception that ended a file's compilation; None where its diagnostics have been reported."""
    exception = EXCEPTION.fullmatch(lines[0])
    if exception is None:
        return Diagnostic("it doesn't compile", file, 1, app=app)
    if reported and exception["kind"] == "CompileError":
        return None
    message = exception["message"]
    if place := IN_MESSAGE.fullmatch(message):
        return _at(place, place["rest"] or _snippet(lines) or exception["kind"], app, workdir)
    text = f"({exception['kind']}) {message}".rstrip()
    for line in lines[1:]:
        if EXCEPTION.fullmatch(line) or IN_FILE.fullmatch(line):
            break
        if (place := STACK.fullmatch(line)) and place["file"] == file:
            return _at(place, text, app, workdir)
    return Diagnostic(text, file, 1, app=app)


def _snippet(lines: Sequence[str]) -> str | None:
    for line in lines[1:4]:
        if error := ERROR.fullmatch(line):
            return error["message"]
    return None


def _at(place: re.Match[str], message: str, app: str | None, workdir: str) -> Diagnostic:
    file = place["file"].removeprefix(f"{workdir}/")
    message = re.sub(r"\.? Did you mean.*$", "", message)  # what it means follows in the next lines
    return Diagnostic(message, file, int(place["line"]), int(place["column"] or 1), app)
