"""Why a build failed and what usually mends it, from the state the build ended in."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile

from relbuild.errors import CommandFailed, EngineError, Mark, PassingFault, Problem, RelbuildError
from relbuild.image import diagnostics
from relbuild.image.causes import CAUSES, Cause
from relbuild.image.diagnostics import Diagnostic
from relbuild.image.progress import Build, Step
from relbuild.values import dataclass

# How much of a failing step's output is shown, in lines.
SHOWN = 20
# Where a cause is looked for, in lines: further up stands what didn't stop the build.
SEARCHED = 100
# GitHub shows at most ten errors of a step, and nobody mends more at once.
MOST = 10
PLACE = re.compile(r"(?:.*/)?(?P<file>[^/\s]+):(?P<line>\d+)")
# Lines of the Dockerfile, which the client repeats: they tell nothing of what went wrong.
SNIPPET = re.compile(r"\s*\d+ \| .*|-+")
MIX = re.compile(r"\*\* \(Mix\) (.+)")
EXIT_CODE = re.compile(r"exit code: (\d+)")
NO_BUILDX = (
    "'buildx' is not a docker command",
    "unknown command: docker buildx",
    "unknown shorthand flag",
    "unknown flag: --load",
)
# What the client says when the connection to the engine broke, from grpc-go's and buildx's words.
ENGINE_GONE = re.compile(
    r"error reading from server|code = Unavailable|closing transport|connection reset by peer|broken pipe"
    r"|Cannot connect to the Docker daemon|no active session|unexpected EOF|use of closed network connection"
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed build: the step, its place in the Dockerfile, the end of its output, and the error to raise."""

    step: str | None
    at: Mark | None
    tail: tuple[str, ...]
    error: RelbuildError


def explain(
    build: Build,
    exit_code: int,
    dockerfile: str,
    directory_of: Callable[[str], str | None],
    workdir: str = "/src",
) -> Failure:
    """Return what made the build fail.

    ``dockerfile`` is the path it was built from; ``directory_of`` tells the directory of one of the project's own
    applications, None for a dependency. ``workdir`` is the project's directory in the build stages.
    """
    if any(word in line for line in build.words for word in NO_BUILDX):
        return Failure(None, None, (), _no_buildx())
    step = build.failed
    at = _place(build, dockerfile)
    if step is None and any(ENGINE_GONE.search(line) for line in build.words):
        return Failure(None, None, _words(build), _engine_gone())
    tail = _without_blanks(step.output)[-SHOWN:] if step is not None else ()
    error = _error(build, exit_code, at, directory_of, workdir)
    return Failure(step.title if step else None, at, tail or _words(build), error)


def _error(
    build: Build, exit_code: int, at: Mark | None, directory_of: Callable[[str], str | None], workdir: str
) -> RelbuildError:
    step = build.failed
    text = "\n".join((*(step.output[-SEARCHED:] if step else ()), step.error if step else "", *_said(build)))
    if compiled := _uncompiled(step, directory_of, workdir):
        return CommandFailed.of(compiled)
    for cause in CAUSES:
        if found := cause.pattern.search(text):
            message = f"the build failed: {cause.said(found)}"
            own = _own(cause, step, directory_of, workdir)
            kind = PassingFault if cause.passing else CommandFailed
            return kind(message, at=own or at, hint=cause.mending(found))
    if step and (raised := diagnostics.exception(step.output, workdir)):
        return CommandFailed(
            f"the build failed: {raised.message}", at=_mark(raised), hint="nothing was tagged; the output is above"
        )
    # Further up stands what a step went on after.
    if step and (mix := _said_by_mix(step.output[-SHOWN:])):
        return CommandFailed(f"the build failed: {mix}", at=at, hint=f"nothing was tagged; {_where(at)}")
    return CommandFailed(f"the build failed{_how(step, exit_code)}", at=at, hint=f"nothing was tagged; {_where(at)}")


def _own(cause: Cause, step: Step | None, directory_of: Callable[[str], str | None], workdir: str) -> Mark | None:
    """Return the place in the project where a cause is to be mended, or stands; None where it isn't in the project."""
    if step is None:
        return None
    if cause.in_the_project:
        raised = diagnostics.exception(step.output, workdir)
        return _mark(raised) if raised else None
    if "header" not in cause.pattern.groupindex:
        return None
    found = diagnostics.without_header(step.output, workdir)
    directory = (directory_of(found.app) if found.app else "") if found else None
    return None if found is None or directory is None else Mark(f"{directory}{found.file}", found.line, found.column)


def _said_by_mix(lines: Sequence[str]) -> str | None:
    """Return Mix's last error; what ends with a colon goes on in the indented lines below, as names of modules do."""
    for index in range(len(lines) - 1, -1, -1):
        if said := MIX.fullmatch(lines[index]):
            message = said[1].rstrip()
            below = takewhile(lambda line: line[:1].isspace() and line.strip(), lines[index + 1 :])
            return " ".join((message, "; ".join(map(str.strip, below)))).rstrip() if message[-1:] == ":" else message
    return None


def _uncompiled(step: Step | None, directory_of: Callable[[str], str | None], workdir: str) -> tuple[Problem, ...]:
    """Return the compiler's errors in the project's own code; a dependency's are a cause of another kind."""
    problems = []
    for found in diagnostics.find(step.output if step else (), workdir)[:MOST]:
        directory = directory_of(found.app) if found.app else ""
        if directory is None:
            continue
        problems.append(
            Problem(
                f"the build failed: {found.message}",
                Mark(f"{directory}{found.file}", found.line, found.column),
                "the project doesn't compile: mend it and build again; nothing was tagged",
            )
        )
    return tuple(problems)


def _mark(found: Diagnostic) -> Mark:
    return Mark(found.file, found.line, found.column)


def _place(build: Build, dockerfile: str) -> Mark | None:
    """Return the line of the Dockerfile that BuildKit names: ``Dockerfile:41`` before its snippet."""
    name = dockerfile.rpartition("/")[2]
    for line in reversed(build.words):
        if (found := PLACE.fullmatch(line.strip())) and found["file"] == name:
            return Mark(dockerfile, int(found["line"]))
    return None


def _words(build: Build) -> tuple[str, ...]:
    return _without_blanks(_said(build))[-SHOWN:]


def _said(build: Build) -> tuple[str, ...]:
    return tuple(line for line in build.words if not SNIPPET.fullmatch(line))


def _without_blanks(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return the lines up to the last one that says something."""
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    return lines[:end]


def _how(step: Step | None, exit_code: int) -> str:
    if step is None:
        return f" (docker exited with {exit_code})"
    code = EXIT_CODE.search(step.error)
    if code:
        return f": {step.title} exited with {code[1]}"
    return f": {step.title}: {step.error.rpartition(' did not complete successfully: ')[2]}"


def _where(at: Mark | None) -> str:
    return f"the step's output is above, the Dockerfile is {at.file}" if at else "what docker said is above"


def _no_buildx() -> RelbuildError:
    return EngineError(
        "the Docker client has no buildx: it can't build with BuildKit",
        hint="install it: docker-buildx-plugin (Docker's packages), docker-buildx (Debian's and Ubuntu's)",
    )


def _engine_gone() -> RelbuildError:
    return EngineError(
        "the connection to the Docker Engine broke off in the middle of the build; nothing was tagged",
        hint="is it running? docker version tells; its log says why it ended, then build again",
    )
