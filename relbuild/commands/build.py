"""Building an image under a name of its own, watched; what relbuild image does before it verifies and tags."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from relbuild.commands import candidates
from relbuild.commands.session import Session
from relbuild.engine import files, git, timelines
from relbuild.engine.runner import Outcome
from relbuild.errors import CommandFailed, UsageError
from relbuild.image import buildx, dockerfile, dockerignore, timeline
from relbuild.image.buildx import Caches, Clean
from relbuild.image.masking import mask
from relbuild.image.plan import Plan
from relbuild.image.progress import Build, Reader, Vertex
from relbuild.mix.facts import Known
from relbuild.mix.project import Project
from relbuild.progress import Display
from relbuild.values import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be built: ``secrets`` says where each comes from; a ``clean`` build takes nothing up from others."""

    plan: Plan
    secrets: Mapping[str, str] = field(default_factory=dict)
    caches: Caches = Caches()
    platforms: tuple[str, ...] = ()
    clean: bool = False


def build(session: Session, request: Request, exported: Callable[[str], None] | None = None) -> str:
    """Build under a name of this call's own and return the name.

    ``exported`` is called with the name when the engine has the image, which may be before the build's end; not every
    builder says that. The end is waited for: a client that leaves while BuildKit walks what it remembers ends the whole
    engine when another begins then (BuildKit before 0.19, moby/buildkit #5606). Raises the error that says why the
    build failed; then there is no image of that name.
    """
    if not request.clean:
        return _build(session, request, None, exported)
    epoch = _epoch(session)
    if epoch is None or not session.engine.rewrites_times():
        return _build(session, request, Clean(epoch), exported)
    with TemporaryDirectory(prefix="relbuild-") as directory:
        return _build(session, request, Clean(epoch, f"{directory}/image.tar"))


def _epoch(session: Session) -> int | None:
    """Return the time that a clean build bears, in seconds since 1970: as given, else that of the project's commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    if given:
        if not given.isdigit():
            raise UsageError(f"SOURCE_DATE_EPOCH: {given!r} is no number of seconds", hint="unset it, or write one")
        return int(given)
    return git.commit_time(session.root)


def _build(
    session: Session,
    request: Request,
    clean: Clean | None,
    exported: Callable[[str], None] | None = None,
) -> str:
    plan = request.plan
    candidate = candidates.name(session, plan.release.name)
    path = str(files.dockerfile_path(dockerfile.render(plan, clean=clean is not None), dockerignore.render(plan)))
    argv = partial(
        buildx.build,
        plan,
        session.endpoint,
        dockerfile=path,
        tag=candidate,
        context=build_context(session.root, plan.sources.context.up),
        secrets=request.secrets,
        platforms=request.platforms,
        caches=request.caches,
        clean=clean,
    )
    with _nothing_left(session, candidate) as there:

        def begin() -> None:
            there.set()
            if exported is not None:
                exported(candidate)

        state = run(session, argv, path, request.secrets, plan.project, begin, plan.sources.context.workdir)
    if clean and clean.archive:
        loaded = session.runner.captured(buildx.load(clean.archive, session.endpoint))
        if loaded.exit_code:
            raise CommandFailed("the engine can't take the image up", hint="what docker said is above")
    _remember(session, candidate, state)
    return candidate


@contextmanager
def _nothing_left(session: Session, candidate: str) -> Iterator[Event]:
    """Take the image away again when what follows fails after it was there, as a registry's refusal of the cache."""
    there = Event()
    try:
        yield there
    except BaseException:
        if there.is_set():
            session.runner.captured(buildx.untag(candidate, session.endpoint))
        raise


def _remember(session: Session, image: str, state: Build) -> None:
    """Keep when each step ran, for relbuild inspect."""
    told = None if session.dry_run else timeline.of(state)
    if told is not None:
        timelines.keep(session.engine.built(image).id, told)


def _ignored() -> None:
    return


def run(
    session: Session,
    argv: Callable[..., tuple[str, ...]],
    path: str,
    secrets: Iterable[str],
    project: Project,
    exported: Callable[[], None] = _ignored,
    workdir: str = "/src",
) -> Build:
    """Run a build of the Dockerfile at the path, watched, and return what it said.

    ``argv`` gives the command for a kind of progress; ``workdir`` is the project's directory in the build stages.
    Raises the error that says why it failed.
    """
    with session.progress() as display:
        outcome, state = _watched(session, secrets, argv(), display, exported)
        if outcome.exit_code and buildx.no_rawjson(state.words):
            outcome, state = _watched(session, secrets, argv(progress="plain"), display, exported)
    if outcome.exit_code:
        from relbuild.image.failures import explain

        failure = explain(state, outcome.exit_code, path, lambda app: _directory_of(project, app), workdir)
        display.failed(failure.step, failure.at.brief if failure.at else "", failure.tail)
        raise failure.error
    return state


def _watched(
    session: Session,
    secrets: Iterable[str],
    argv: tuple[str, ...],
    display: Display,
    exported: Callable[[], None],
) -> tuple[Outcome, Build]:
    """Run the build, shown as it goes on, without the secrets it was given."""
    reader = Reader(mask(os.environ[name] for name in secrets if name in os.environ))
    state = Build()
    told = False

    def read(line: str) -> None:
        nonlocal state, told
        for event in reader.read(line):
            state = state.after(event)
            display.show(event, state)
            if isinstance(event, Vertex) and state.steps[event.id].exported and not told:
                told = True
                exported()

    return session.runner.lines(argv, read), state


def build_context(root: Path, up: str = ".") -> str:
    """Return the build context as docker is given it; never something it could take for an option or an address."""
    if up != ".":
        return os.fspath((root.resolve() / up).resolve())
    return "." if root.resolve() == Path.cwd() else os.fspath(root.absolute())


def _directory_of(project: Project, app: str) -> str | None:
    """Return where one of the project's own applications is, from its root; None for a dependency."""
    for one in project.parts:
        if isinstance(one.app, Known) and one.app.value == app:
            return f"{one.path}/" if one.path else ""
    return None
