"""Building an image under a name of its own, with its progress shown; relbuild image then verifies and tags it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from relbuild.commands import candidates
from relbuild.commands.session import Session
from relbuild.engine import checkout, files, timelines
from relbuild.engine.runner import Outcome
from relbuild.errors import CommandFailed, Problem, UsageError
from relbuild.facts import Known
from relbuild.image.build import buildx, progress
from relbuild.image.build.buildx import Caches, Clean
from relbuild.image.build.progress import Build, ProgressReader
from relbuild.image.dockerfile.dockerignore import render_dockerignore
from relbuild.image.dockerfile.render import cache_name, dockerfile_scripts, render_dockerfile
from relbuild.image.plan.plan import Plan
from relbuild.mix.project import Project
from relbuild.progress import Display


@dataclass(frozen=True, slots=True)
class Request:
    """What to build: ``secrets`` are the source of each secret; a ``clean`` build ignores the build cache."""

    plan: Plan
    secrets: Mapping[str, str] = field(default_factory=dict)
    caches: Caches = Caches()
    platforms: tuple[str, ...] = ()
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that was built, under a name of its own, and the compilers' warnings about the project's code."""

    name: str
    warnings: tuple[Problem, ...] = ()


def build(session: Session, request: Request, exported: Callable[[str], None] | None = None) -> Candidate:
    """Build an image under a name of this call's own and return it.

    ``exported`` is called with the name when the engine has the image, which may be before the build's end; not every
    builder reports that. This waits for the end: a client that leaves while BuildKit walks its cache ends the whole
    engine when another build begins then (BuildKit before 0.19, moby/buildkit #5606). Raises the error that explains
    why the build failed; then there is no image of that name.
    """
    if not request.clean:
        return _build(session, request, None, exported)
    epoch = _epoch(session)
    if epoch is None or not session.engine.rewrites_times():
        return _build(session, request, Clean(epoch), exported)
    with TemporaryDirectory(prefix="relbuild-") as directory:
        return _build(session, request, Clean(epoch, f"{directory}/image.tar"))


def _epoch(session: Session) -> int | None:
    """Return the time of all files of a clean build, in seconds since 1970: SOURCE_DATE_EPOCH, else the commit's."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given:
        if not given.isdigit():
            raise UsageError(f"SOURCE_DATE_EPOCH: {given!r} is no number of seconds", hint="unset it, or correct it")
        return int(given)
    return checkout.commit_time(session.root)


def _build(
    session: Session,
    request: Request,
    clean: Clean | None,
    exported: Callable[[str], None] | None = None,
) -> Candidate:
    plan = request.plan
    candidate = candidates.name(session, plan.release.name)
    text = render_dockerfile(plan, clean=clean is not None)
    directory = files.build_directory(
        {
            "Dockerfile": text,
            "Dockerfile.dockerignore": render_dockerignore(plan),
            **{f"scripts/{name}": script for name, script in dockerfile_scripts(text).items()},
        }
    )
    path = directory / "Dockerfile"
    argv = buildx.build(
        plan,
        session.endpoint,
        dockerfile=str(path),
        tag=candidate,
        context=build_context(session.root, plan.sources.context.up),
        scripts=str(directory / "scripts"),
        cache=f"{cache_name(plan)}-{files.short_hash(checkout.project_name(session.root))}",
        secrets=request.secrets,
        platforms=request.platforms,
        caches=request.caches,
        clean=clean,
    )
    with _removed_on_failure(session, candidate) as there:

        def begin() -> None:
            there.set()
            if exported is not None:
                exported(candidate)

        workdir = plan.sources.context.workdir
        state = run(session, argv, path, request.secrets, plan.project, begin, workdir)
    if clean and clean.archive:
        loaded = session.runner.captured(buildx.load(clean.archive, session.endpoint))
        if loaded.exit_code:
            raise CommandFailed("the engine can't load the image", hint="docker's output is above")
    timeline = None if session.dry_run else progress.timeline(state)
    if timeline is not None:
        timelines.save(session.engine.built(candidate).id, timeline)
    from relbuild.image.build.failures import build_warnings

    return Candidate(candidate, build_warnings(state, lambda app: _directory_of(plan.project, app), workdir))


@contextmanager
def _removed_on_failure(session: Session, candidate: str) -> Iterator[Event]:
    """Give an event that tells that the image is there, and remove it when what follows fails, as a cache's export."""
    there = Event()
    try:
        yield there
    except BaseException:
        if there.is_set():
            session.runner.captured(buildx.untag(candidate, session.endpoint))
        raise


def _nothing() -> None:
    return


def run(
    session: Session,
    argv: tuple[str, ...],
    path: Path,
    secrets: Iterable[str],
    project: Project,
    exported: Callable[[], None] = _nothing,
    workdir: str = "/src",
) -> Build:
    """Run a build of the Dockerfile at the path with its progress shown, and return the state it ended in.

    ``workdir`` is the project's directory in the build stages. Raises the error that explains why it failed.
    """
    state = Build(progress.stages(files.read_text(path) or ""))
    with session.progress() as display:
        outcome = _watched(session, secrets, argv, display, state, exported)
    if outcome.exit_code:
        from relbuild.image.build.failures import explain_failure

        failure = explain_failure(state, outcome.exit_code, str(path), lambda app: _directory_of(project, app), workdir)
        display.failed(failure.step, failure.at.brief if failure.at else "", failure.tail)
        raise failure.error
    return state


def _watched(
    session: Session,
    secrets: Iterable[str],
    argv: tuple[str, ...],
    display: Display,
    state: Build,
    exported: Callable[[], None],
) -> Outcome:
    """Run the build, and show its progress without the secrets it was given."""
    reader = ProgressReader(progress.mask(os.environ[name] for name in secrets if name in os.environ))
    reported = False

    def read(line: str) -> None:
        nonlocal reported
        for event in reader.read(line):
            state.add(event)
            display.show(event, state)
            step = state.step_of(event)
            if step is not None and step.exported and not reported:
                reported = True
                exported()

    return session.runner.lines(argv, read)


def build_context(root: Path, up: str = ".") -> str:
    """Return the build context's path for docker, in a form that is never taken for an option or an address."""
    if up != ".":
        return os.fspath((root.resolve() / up).resolve())
    return "." if root.resolve() == Path.cwd() else os.fspath(root.absolute())


def _directory_of(project: Project, app: str) -> str | None:
    """Return where one of the project's own applications is, from its root; None for a dependency."""
    for one in project.parts:
        if isinstance(one.app, Known) and one.app.value == app:
            return f"{one.path}/" if one.path else ""
    return None
