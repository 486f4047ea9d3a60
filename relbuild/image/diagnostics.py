"""The Elixir compiler's errors found in a build's output, with their places.

Elixir 1.15 and later print a diagnostic with a snippet and its place behind ``└─``; all versions end with
``== Compilation error in file F ==`` and the exception (elixir: lib/elixir/lib/kernel/parallel_compiler.ex).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from relbuild.values import dataclass

PLACE = r"(?P<file>[^\s:]+\.(?:exs?|[a-z]*eex|erl|hrl|yrl|xrl)):(?P<line>\d+)(?::(?P<column>\d+))?"
SNIPPET_ERROR = re.compile(r"\s*error: (?P<message>.+)")
SNIPPET_WARNING = re.compile(r"\s*warning: (?P<message>.+)")
WARNINGS_ARE_ERRORS = "Compilation failed due to warnings while using the --warnings-as-errors option"
# In an umbrella's child `└─ (kid 0.1.0) lib/kid.ex:2:13: Kid.a/0`.
SNIPPET_PLACE = re.compile(rf"\s*└─ (?:\((?P<app>[a-z_][a-z0-9_]*) [^)]*\) )?{PLACE}.*")
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


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error of the compiler; ``app`` is the umbrella's child or the dependency it is in, where Mix said so."""

    message: str
    file: str
    line: int
    column: int = 1
    app: str | None = None


def find(lines: Sequence[str], workdir: str = "/src") -> tuple[Diagnostic, ...]:
    """Return the errors in the order they were printed, each once; ``workdir`` is where the project was built."""
    found = tuple(dict.fromkeys(_found(lines, SNIPPET_ERROR, workdir)))
    if not found and WARNINGS_ARE_ERRORS in lines:
        return tuple(dict.fromkeys(_found(lines, SNIPPET_WARNING, workdir)))
    return found


def exception(lines: Sequence[str], workdir: str = "/src") -> Diagnostic | None:
    """Return the last exception that has a place in the project: a configuration file or mix.exs that raised.

    ``workdir`` is where the Dockerfile has the project.
    """
    for index in range(len(lines) - 1, -1, -1):
        raised = EXCEPTION.fullmatch(lines[index])
        if raised is None:
            continue
        places = (STACK.fullmatch(line) for line in lines[index + 1 : index + 12])
        for place in places:
            if place and place["file"].removeprefix(f"{workdir}/").startswith(("config/", "mix.exs", "apps/", "rel/")):
                return _at(place, f"({raised['kind']}) {raised['message']}", None, workdir)
    return None


def without_header(lines: Sequence[str], workdir: str = "/src") -> Diagnostic | None:
    """Return where C code includes a header that isn't there; None outside of the project's directory."""
    app = None
    for line in lines:
        if heading := APPLICATION.fullmatch(line):
            app = heading["app"]
        elif place := HEADER.fullmatch(line):
            found = _at(place, line, app, workdir)
            return None if found.file.startswith(("/", "../", "deps/")) else found
    return None


def _found(lines: Sequence[str], snippet: re.Pattern[str], workdir: str) -> Iterator[Diagnostic]:
    app = message = None
    snippets: set[str] = set()
    for index, line in enumerate(lines):
        if heading := APPLICATION.fullmatch(line):
            app = heading["app"]
        elif said := snippet.fullmatch(line):
            message = said["message"]
        elif message is not None and (place := SNIPPET_PLACE.fullmatch(line)):
            snippets.add(place["file"])
            yield _at(place, message, place["app"] or app, workdir)
            message = None
        elif (place := IN_FILE.fullmatch(line)) and index + 1 < len(lines):
            told = place["file"] in snippets
            if raised := _raised(lines[index + 1 :], place["file"], app, workdir, told=told):
                yield raised
            message = None


def _raised(lines: Sequence[str], file: str, app: str | None, workdir: str, *, told: bool) -> Diagnostic | None:
    """Return the exception that ended a file's compilation; None where its diagnostics have been told."""
    exception = EXCEPTION.fullmatch(lines[0])
    if exception is None:
        return Diagnostic("it doesn't compile", file, 1, app=app)
    if told and exception["kind"] == "CompileError":
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
        if said := SNIPPET_ERROR.fullmatch(line):
            return said["message"]
    return None


def _at(place: re.Match[str], message: str, app: str | None, workdir: str) -> Diagnostic:
    file = place["file"].removeprefix(f"{workdir}/")
    return Diagnostic(message, file, int(place["line"]), int(place["column"] or 1), app)
