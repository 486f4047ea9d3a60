"""relbuild doctor: hazards of the project here and of the engine that builds it, each with what mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from relbuild.commands import explanation, machine, secrets
from relbuild.commands.session import Session
from relbuild.config import Steps
from relbuild.engine import checkout, files
from relbuild.engine.connection import has_login
from relbuild.errors import CommandFailed, ConfigError, PassingFault, Problem, ProjectError, UsageError, listed
from relbuild.facts import Known, Tree
from relbuild.image.dockerfile.render import SIGNATURE, render_dockerfile
from relbuild.image.findings import Finding, Status, table
from relbuild.image.plan.base_images import LOCK_FILE as LOCK
from relbuild.image.plan.plan import Plan
from relbuild.image.reference import DOCKER_HUB, Reference
from relbuild.image.verify.secrets import may_hold_secrets, secret_values
from relbuild.mix import distillery
from relbuild.mix.umbrella import released_apps
from relbuild.mix.unavailable import find_unavailable
from relbuild.result import TextTable

# Which exit code a failed check stands for, the first that is found; 1 for the others.
CODES = {"docker": 4, "engine": 4, "buildx": 4, "builder": 4, "project": 3, "secrets": 2, "network": 75}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found; the exit code is that of `relbuild image` with the first fault."""

    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        failed = {each.check for each in self.findings if each.status == "failed"}
        return next((code for check, code in CODES.items() if check in failed), int(bool(failed)))

    def text(self) -> TextTable:
        return table(self.findings)

    def data(self) -> dict[str, Any]:
        return {"findings": [asdict(each) for each in self.findings]}


def doctor(session: Session, release: str | None) -> Diagnosis:
    """Look at the project, where there is one, and at the engine; nothing is built and nothing changed.

    Raises UsageError when there is no such directory.
    """
    found: list[Finding] = []
    plan = None
    tree = session.tree()
    if not (session.root / "mix.exs").exists():
        found.append(
            Finding(
                "project", "note", "there is no mix.exs here: the engine alone is looked at", "-C DIR names a project"
            )
        )
    else:
        try:
            plan = session.plan(release)
        except (ConfigError, ProjectError) as error:
            found += _failed("project", error.problems)
        found += _distillery(tree, plan)
        found += _git(session)
    run = plan.platforms.names if plan is not None and plan.platforms is not None and plan.platforms.emulated else ()
    engine = tuple(machine.find(session, run))
    answers = not any(each.check == "engine" and each.status == "failed" for each in engine)
    if plan is not None:
        found += _unavailable(session, plan)
        found += _project(session, plan)
        found += _bases(session, plan) if answers else ()
    return Diagnosis((*engine, *found))


def _failed(check: str, problems: Iterable[Problem]) -> Iterator[Finding]:
    for each in problems:
        yield Finding(check, "failed", str(each), each.hint)


def _project(session: Session, plan: Plan) -> Iterator[Finding]:
    version = f" {plan.version.value}" if isinstance(plan.version, Known) else ""
    tools = plan.toolchain
    on = f"Elixir {tools.elixir.value}" if tools.elixir is not None else tools.builder_image
    otp = f" on OTP {tools.otp.value}" if tools.otp is not None else ""
    yield Finding("project", "ok", f"{plan.release.name}{version}, {on}{otp}: details: relbuild plan")
    for problem in plan.problems:
        place = f"{problem.at.brief}: " if problem.at is not None else ""
        yield Finding("container", "warning", f"{place}{problem.message}", problem.hint)
    told = (*distillery.distillery_notes(session.tree()), *map(explanation.problem_note, plan.problems))
    for note in explanation.notes(plan):
        if note not in told:
            yield Finding("project", "note", note)
    yield from _written(session, plan)
    try:
        secrets.find(plan.builder)
    except UsageError as error:
        yield from _failed("secrets", error.problems)
    else:
        if names := [each.name for each in plan.builder.all_secrets]:
            yield Finding("secrets", "ok", f"what the build needs is there: {listed(names)}")
    if required := [each.name for each in plan.environment.of("required")]:
        yield Finding("env", "ok", f"requires {listed(required)} at start: check a file with relbuild env --check FILE")
    yield from _login(plan.image)


def _unavailable(session: Session, plan: Plan) -> Iterator[Finding]:
    """Yield what the code uses and the build, or the release, doesn't have."""
    apps = released_apps(plan.project, plan.release)
    has_steps = session.config().builder.steps != Steps()
    for each in find_unavailable(session.tree(), plan.project, apps, plan.release, steps=has_steps):
        status: Status = "failed" if each.certain else "warning"
        yield Finding("project", status, f"{each.at.brief}: {each.message}", each.hint)


def _distillery(tree: Tree, plan: Plan | None) -> Iterator[Finding]:
    """Yield what Distillery left, which the build doesn't heed, and Distillery itself."""
    for note in distillery.distillery_notes(tree):
        yield Finding("distillery", "warning", note, "relbuild convert")
    dep = distillery.defines_mix_release(tree, plan.project) if plan is not None else None
    if dep is not None:
        message = f"{dep.at.brief}: distillery before 2.1 defines its own mix release, which the build would run"
        yield Finding("distillery", "warning", message, "relbuild convert removes it")


def _git(session: Session) -> Iterator[Finding]:
    """Yield what git has and shouldn't, or should and hasn't."""
    tracked = checkout.tracked(session.root)
    if tracked is None:
        return
    if session.tree().read("mix.lock") is not None and "mix.lock" not in tracked:
        yield Finding(
            "git",
            "warning",
            "mix.lock isn't in git: another machine builds with other versions of the dependencies",
            "git add mix.lock, and take it out of .gitignore where that names it",
        )
    tree = session.tree()
    for path in sorted(filter(may_hold_secrets, tracked)):
        content = tree.read(path)
        found = [*secret_values(path, content.decode("utf-8", "replace"))] if content is not None else []
        if found:
            values = listed([f"{each.name} ({each.at.brief}), {each.kind}" for each in found])
            yield Finding(
                "git",
                "warning",
                f"git tracks {path}, which looks like it holds secrets: {values}",
                f"git rm --cached {path}, add it to .gitignore, and change the secrets",
            )


def _written(session: Session, plan: Plan) -> Iterator[Finding]:
    """Yield what is to be said of files that relbuild has written."""
    try:
        present = files.read_text(session.root / "Dockerfile")
    except CommandFailed as error:
        yield from _failed("dockerfile", error.problems)
        return
    if present is not None and SIGNATURE not in present:
        yield Finding("dockerfile", "note", "the project's own Dockerfile has no say in relbuild image")
    elif present is not None and present != render_dockerfile(plan):
        mending = "relbuild dockerfile --write renews it, --check shows the difference"
        yield Finding("dockerfile", "warning", "the written Dockerfile has gone stale", mending)
    if plan.lock is None:
        mending = f"relbuild lock writes their digests into {LOCK}"
        yield Finding("lock", "note", "the base images' tags are not pinned and may change", mending)


def _login(image: str) -> Iterator[Finding]:
    reference = Reference.parse(image)
    if reference.registry == DOCKER_HUB or reference.is_loopback:
        return
    try:
        known = has_login(reference.registry)
    except CommandFailed as error:
        # A build does without.
        yield from (Finding("registry", "warning", each.message, each.hint) for each in error.problems)
        return
    if known:
        yield Finding("registry", "ok", f"docker has a login for {reference.registry}")
    else:
        said = f"docker has no login for {reference.registry}, which a push may need"
        yield Finding("registry", "warning", said, reference.login)


def _bases(session: Session, plan: Plan) -> Iterator[Finding]:
    """Yield whether the images that the build is based on are at the engine or in their registry."""
    mirror = session.config().registry_mirror
    for image in dict.fromkeys((plan.builder.image, plan.runner.image)):
        facts = session.engine.image(image)
        if facts is not None:
            # Of an image for other platforms a base may well be another platform's.
            own = session.engine.architecture() if plan.platforms is None else facts.architecture
            yield _here(image, facts.architecture, own)
            continue
        where = Reference.parse(image).at(mirror)
        try:
            there = session.engine.manifest(where) is not None
        except PassingFault as error:
            yield Finding("network", "failed", f"{image}: {error.problems[0].message}", error.problems[0].hint)
        except CommandFailed as error:
            yield from _failed("images", error.problems)
        else:
            if there:
                yield Finding("images", "ok", f"{image}, as {where.registry} has it")
            else:
                mending = "another version or toolchain in relbuild.yml; relbuild plan shows what requires it"
                yield Finding("images", "failed", f"{where.registry} has no {where}", mending)


def _here(image: str, architecture: str, own: str) -> Finding:
    """Return what is to be said of an image that the engine has: BuildKit takes one of another platform, too."""
    if architecture == own:
        return Finding("images", "ok", f"{image}, as the engine has it")
    said = f"the engine has {image} for linux/{architecture}, and is linux/{own} itself: a build takes it all the same"
    return Finding("images", "warning", said, f"docker pull --platform linux/{own} {image}")
