"""Why a build failed and how to fix it, from the state the build ended in; the warnings of one that succeeded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from relbuild.errors import CommandFailed, EngineError, Mark, PassingFault, Problem, RelbuildError
from relbuild.image.build.causes import CAUSES, OUT_OF_MEMORY, Cause
from relbuild.image.build.diagnostics import (
    Diagnostic,
    compile_errors,
    compile_warnings,
    error_without_header,
    raised_exception,
)
from relbuild.image.build.progress import Build, Step

# The lines of a failed step's output that are shown.
SHOWN = 20
# The last lines of the output that are searched for a cause: what is above them didn't stop the build.
SEARCHED = 100
# GitHub shows at most ten errors of a step.
MOST = 10
PLACE = re.compile(r"(?:.*/)?(?P<file>[^/\s]+):(?P<line>\d+)")
# Lines of the Dockerfile, which the client repeats.
SNIPPET = re.compile(r"\s*\d+ \| .*|-+")
MIX = re.compile(r"\*\* \(Mix\) (.+)")
EXIT_CODE = re.compile(r"exit code: (\d+)")
# What a shell, and so BuildKit, reports for a process that SIGKILL ended: 128 and the signal's number.
SIGKILLED = "137"
# gRPC's code for a call that its caller gave up, and Go's error for it.
CANCELLED = re.compile(r"code = Canceled|context canceled|\bCanceled:")
NO_BUILDX = (
    "'buildx' is not a docker command",
    "unknown command: docker buildx",
    "unknown shorthand flag",
    "unknown flag: --load",
)
# Before buildx 0.13, which brought this mode.
OLD_BUILDX = "invalid progress mode rawjson"
INSTALL_BUILDX = (
    "install docker-buildx-plugin (Docker's packages) or docker-buildx (Debian's and Ubuntu's), 0.13 or newer"
)
# What the client prints when the connection to the engine broke, in grpc-go's and buildx's words.
ENGINE_GONE = re.compile(
    r"error reading from server|code = Unavailable|closing transport|connection reset by peer|broken pipe"
    r"|Cannot connect to the Docker daemon|no active session|unexpected EOF|use of closed network connection"
)


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """A failed build: the step, its place in the Dockerfile, the end of its output, and the error to raise."""

    step: str | None
    at: Mark | None
    tail: tuple[str, ...]
    error: RelbuildError


# Returns the directory of one of the project's own applications, with a slash at its end; None for a dependency.
DirectoryOf = Callable[[str], str | None]


def explain_failure(
    build: Build, exit_code: int, dockerfile: str, directory_of: DirectoryOf, workdir: str = "/src"
) -> BuildFailure:
    """Return why the build failed.

    ``dockerfile`` is the path of the Dockerfile, ``workdir`` the project's directory in the build stages.
    """
    if any(word in line for line in build.lines for word in NO_BUILDX):
        missing = EngineError(
            "the Docker client has no buildx, which it needs to build with BuildKit", hint=INSTALL_BUILDX
        )
        return BuildFailure(None, None, (), missing)
    if any(OLD_BUILDX in line for line in build.lines):
        old = EngineError("the Docker client's buildx is older than 0.13", hint=INSTALL_BUILDX)
        return BuildFailure(None, None, (), old)
    step = build.failed
    at = _place(build, dockerfile)
    if step is None and any(ENGINE_GONE.search(line) for line in build.lines):
        gone = EngineError(
            "the connection to the Docker Engine was lost during the build; nothing was tagged",
            hint="docker version shows whether the engine runs, and its log why it stopped",
        )
        return BuildFailure(None, None, _client_lines(build), gone)
    tail = _without_blanks(step.output)[-SHOWN:] if step is not None else ()
    error = _error(build, exit_code, at, directory_of, workdir)
    return BuildFailure(step.title if step else None, at, tail or _client_lines(build), error)


def build_warnings(build: Build, directory_of: DirectoryOf, workdir: str = "/src") -> tuple[Problem, ...]:
    """Return the compilers' warnings about the project's own code, each with its place."""
    found = (each for step in build.steps.values() for each in compile_warnings(step.output, workdir))
    return tuple(dict.fromkeys(Problem(each.message, mark) for each, mark in _own_code(found, directory_of)))


def _error(build: Build, exit_code: int, at: Mark | None, directory_of: DirectoryOf, workdir: str) -> RelbuildError:
    step = build.failed
    if step.cancelled if step is not None else any(map(CANCELLED.search, build.lines)):
        return CommandFailed("the build was cancelled", hint="nothing was tagged; build again")
    output = step.output if step else []
    text = "\n".join((*output[-SEARCHED:], step.error if step else "", *_without_snippet(build)))
    errors = _own_code(compile_errors(output, workdir)[:MOST], directory_of)
    if problems := tuple(
        Problem(
            f"the build failed: {each.message}",
            mark,
            "the project doesn't compile: fix it and build again; nothing was tagged",
        )
        for each, mark in errors
    ):
        return CommandFailed.of(problems)
    if step is not None and _exit_code(step) == SIGKILLED:
        return CommandFailed(f"the build failed: {OUT_OF_MEMORY.what}", at=at, hint=OUT_OF_MEMORY.how)
    for cause in CAUSES:
        if found := cause.pattern.search(text):
            own = _own_place(cause, output, directory_of, workdir)
            kind = PassingFault if cause.passing else CommandFailed
            return kind(f"the build failed: {cause.message(found)}", at=own or at, hint=cause.hint(found))
    if raised := raised_exception(output, workdir):
        return CommandFailed(
            f"the build failed: {raised.message}", at=_mark(raised), hint="nothing was tagged; the output is above"
        )
    where = f"the step's output is above, the Dockerfile is {at.file}" if at else "docker's output is above"
    # Only at the end: the step went on after an earlier error.
    reason = _mix_error(output[-SHOWN:])
    return CommandFailed(
        f"the build failed{f': {reason}' if reason else _how(step, exit_code)}",
        at=at,
        hint=f"nothing was tagged; {where}",
    )


def _own_code(
    found: Iterator[Diagnostic] | Sequence[Diagnostic], directory_of: DirectoryOf
) -> Iterator[tuple[Diagnostic, Mark]]:
    """Yield the diagnostics that are about the project's own code, with their places from its root."""
    for each in found:
        directory = directory_of(each.app) if each.app else ""
        if directory is not None and not each.file.startswith(("/", "../", "deps/")):
            yield each, Mark(f"{directory}{each.file}", each.line, each.column)


def _own_place(cause: Cause, output: Sequence[str], directory_of: DirectoryOf, workdir: str) -> Mark | None:
    """Return the place in the project that a cause is about; None where it isn't in the project."""
    if cause.in_the_project:
        raised = raised_exception(output, workdir)
        return _mark(raised) if raised else None
    if "header" not in cause.pattern.groupindex:
        return None
    found = error_without_header(output, workdir)
    return next((mark for _, mark in _own_code([found] if found else [], directory_of)), None)


def _mix_error(lines: Sequence[str]) -> str | None:
    """Return Mix's last error; one that ends with a colon goes on in the indented lines below it."""
    for index in range(len(lines) - 1, -1, -1):
        if error := MIX.fullmatch(lines[index]):
            message = error[1].rstrip()
            below = takewhile(lambda line: line[:1].isspace() and line.strip(), lines[index + 1 :])
            return " ".join((message, "; ".join(map(str.strip, below)))).rstrip() if message[-1:] == ":" else message
    return None


def _mark(found: Diagnostic) -> Mark:
    return Mark(found.file, found.line, found.column)


def _place(build: Build, dockerfile: str) -> Mark | None:
    """Return the line of the Dockerfile that BuildKit names: ``Dockerfile:41`` before its snippet."""
    name = dockerfile.rpartition("/")[2]
    for line in reversed(build.lines):
        if (found := PLACE.fullmatch(line.strip())) and found["file"] == name:
            return Mark(dockerfile, int(found["line"]))
    return None


def _client_lines(build: Build) -> tuple[str, ...]:
    return _without_blanks(_without_snippet(build))[-SHOWN:]


def _without_snippet(build: Build) -> list[str]:
    return [line for line in build.lines if not SNIPPET.fullmatch(line)]


def _without_blanks(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the lines up to the last one that isn't blank."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return tuple(lines[:end])


def _how(step: Step | None, exit_code: int) -> str:
    if step is None:
        return f" (docker exited with {exit_code})"
    code = _exit_code(step)
    if code is not None:
        return f": {step.title} exited with {code}"
    return f": {step.title}: {step.error.rpartition(' did not complete successfully: ')[2]}"


def _exit_code(step: Step) -> str | None:
    """Return the exit code of a step's process; None where BuildKit reports none."""
    found = EXIT_CODE.search(step.error)
    return found[1] if found else None
