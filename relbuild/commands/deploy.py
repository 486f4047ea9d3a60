"""relbuild deploy, rollback, status, history, undeploy, lock: an image to a target, and back."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from relbuild.commands.release_image import ReleaseImage, release_image
from relbuild.commands.session import Session
from relbuild.commands.targets.engine import Running
from relbuild.commands.targets.open import OpenTarget, ci_url, locked, open_target, who
from relbuild.commands.variables import Environment, read_env_file, require_variables
from relbuild.deploy.spec import (
    Deployment,
    Service,
    TargetEnvironment,
    find_probe,
    plan_services,
    read_target_environment,
)
from relbuild.deploy.state import Record, age, choose_rollback, old_images
from relbuild.engine import checkout
from relbuild.errors import DeployError, UsageError
from relbuild.image import labels
from relbuild.image.plan.tags import split_reference
from relbuild.release.boot_script import ReleaseCommand
from relbuild.result import Content, Document, TextTable

HEALTHCHECK = "io.relbuild.healthcheck"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be deployed: an image, else the project's, built now; ``migrate`` is None for what the target says."""

    target: str | None = None
    image: str | None = None
    release: str | None = None
    wait: bool = False
    render: bool = False
    checked: bool = True
    migrate: bool | None = None


@dataclass(frozen=True, slots=True)
class Migration:
    """A command of an image that changes the database, run once before the rollout."""

    image: str
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment that ended well; ``changed`` is False where the same one ran already."""

    target: str
    version: str
    image: str
    revision: int
    changed: bool
    exit_code: int = 0

    def text(self) -> str:
        return self.image

    def data(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key != "exit_code"}


def deploy(session: Session, request: Request) -> Deployed | Document:
    """Bring an image to a target.

    Raises DeployError when the new version doesn't become healthy, the old one serving; LockedError while another
    deployment or migration of the target runs.
    """
    image = None if request.image is None else release_image(session, request.image, request.release)
    opened = open_target(session, request.target, image.release if image is not None else request.release)
    opened.engine.require()
    if image is None:
        image = _built(opened, request)
    deployment, environment = _plan(opened, image, request)
    running = opened.engine.running()
    if request.render:
        return Document(opened.engine.render(deployment, _next_revision(opened, running)), "document")
    same = running is not None and (running.digest, running.image) == (deployment.digest, deployment.image)
    if running is not None and same and not _incomplete(running):
        session.note(f"{opened.key} runs {deployment.version} ({deployment.image}) already: nothing changes")
        return Deployed(opened.key, deployment.version, deployment.image, running.revision, changed=False)
    argv = _migration(opened, image, request)
    migration = None if argv is None else Migration(deployment.image, argv)
    with locked(opened, "deploying", deployment.version, wait=request.wait):
        return _act(opened, deployment, environment, migration)


def rollback(session: Session, key: str | None, wanted: str | None, *, wait: bool, rollback_to: str | None) -> Deployed:
    """Bring back what was deployed before, by its digest, with today's settings of the target.

    The database stays as it is unless ``rollback_to`` names the migration to roll back to, which runs first. Raises
    UsageError where there is nothing to go back to.
    """
    opened = open_target(session, key)
    opened.engine.require()
    running = opened.engine.running()
    record = choose_rollback(opened.engine.history(), wanted, running.revision if running else None, opened.key)
    opened.engine.provide(record.image)
    deployment, environment = _plan(opened, release_image(opened.session, record.image), Request(image=record.image))
    migration = None
    if rollback_to is not None:
        if running is None:
            raise UsageError("--rollback-to needs the version that runs, and nothing runs")
        # The earlier version doesn't know the migrations that are to be reverted.
        migration = _rollback_migration(release_image(opened.session, running.image), rollback_to)
    session.note(f"rolling {opened.key} back to {record.version} (revision {record.revision}, {record.image})")
    with locked(opened, "rolling back", record.version, wait=wait):
        return _act(opened, deployment, environment, migration)


def _act(
    opened: OpenTarget, deployment: Deployment, environment: TargetEnvironment, migration: Migration | None
) -> Deployed:
    """Do it under the lock, step by step, and write down how it ended."""
    engine, session = opened.engine, opened.session
    revision = _next_revision(opened, engine.running())
    record = Record(
        revision=revision,
        version=deployment.version,
        image=deployment.image,
        at=datetime.now(UTC).replace(microsecond=0).isoformat(),
        by=who(),
        digest=deployment.digest,
        commit=checkout.head(opened.here.root) or "",
        url=ci_url(),
    )
    _hooks(opened, "before_deploy", record, must=True)
    with _noted(session, f"image {deployment.image}"):
        engine.provide(deployment.image)
    try:
        if environment.secrets:
            with _noted(session, f"secrets {', '.join(deployment.secrets)}"):
                engine.store_secrets(deployment, environment.secrets)
        if migration is not None:
            with _noted(session, f"migrations: {' '.join(migration.argv[1:])}"):
                engine.migrate(replace(deployment, image=migration.image), migration.argv)
        with _noted(session, f"rollout of {deployment.version}"):
            engine.roll_out(deployment, revision)
    except DeployError:
        engine.keep(replace(record, outcome="failed"))
        raise
    engine.keep(record)
    engine.prune(deployment, old_images(engine.history(), opened.target.keep))
    _hooks(opened, "after_deploy", record, must=False)
    return Deployed(opened.key, deployment.version, deployment.image, revision, changed=True)


def _built(opened: OpenTarget, request: Request) -> ReleaseImage:
    """Build the project's image, and push it where its name has a registry or a namespace."""
    from relbuild.commands.image import Caches, image

    session = opened.here
    plan = session.plan(request.release)
    if checkout.dirty(session.root):
        session.warn("the work tree has changes that are not committed: they are deployed, too")
    push = "/" in plan.image
    if not push and opened.target.engine == "kubernetes":
        raise UsageError(
            f"a cluster pulls its images from a registry, and {plan.image} names none",
            hint="write image: registry.example.com/shop into relbuild.yml, or deploy --image REF",
        )
    built = image(session, release=request.release, asked_tags=(), push=push, caches=Caches())
    return release_image(session, built.reference, request.release)


def _plan(opened: OpenTarget, image: ReleaseImage, request: Request) -> tuple[Deployment, TargetEnvironment]:
    """Return what should run, and check what it needs; raise UsageError and CommandFailed."""
    target, config = opened.target, opened.config
    environment = _environment(opened)
    _require_contract(opened, image, environment, checked=request.checked)
    services = plan_services(target, environment)
    if target.engine == "host":
        _require_free_ports(opened, services)
    ports = [port.inside for service in services for port in service.publish]
    version = image.facts.labels.get(labels.VERSION, "")
    return (
        Deployment(
            name=opened.name,
            target=opened.key,
            release=image.release,
            version=version or split_reference(image.reference)[1] or "unknown",
            image=_pinned(opened, image),
            services=services,
            root=image.root,
            user=image.facts.user,
            secrets=tuple(sorted(environment.secrets)),
            secrets_version=environment.version,
            networks=target.networks,
            constraints=target.constraints,
            probe=find_probe(config, image.facts.labels.get(HEALTHCHECK), ports[0] if ports else None),
            stop_timeout=target.stop_timeout or 30,
            wait=target.wait,
        ),
        environment,
    )


def _require_free_ports(opened: OpenTarget, services: tuple[Service, ...]) -> None:
    """Raise UsageError for a role of several copies that publishes a port of its host: only one can have it."""
    for service in services:
        if service.publish and (service.replicas or 1) > 1:
            path = f"targets.{opened.key}"
            marks = opened.config.marks
            at = marks.get(f"{path}.roles.{service.role}.replicas") or marks.get(f"{path}.replicas")
            raise UsageError(
                f"{service.replicas} copies of {service.role} can't publish one port of {opened.session.endpoint}",
                at=at,
                hint="put a proxy before them that finds containers by labels:, and publish none; or use engine: swarm",
            )


def _environment(opened: OpenTarget) -> TargetEnvironment:
    target, session = opened.target, opened.here
    values: dict[str, str] = {}
    if target.env_file is not None:
        beside = session.config_file.parent if session.config_file is not None else session.root
        for entry in read_env_file(str(beside / target.env_file), f"targets.{opened.key}.env_file"):
            value = entry.value if entry.value is not None else os.environ.get(entry.name)
            if value is not None:
                values[entry.name] = value
    return read_target_environment(opened.key, target, opened.config.marks, values, os.environ)


# What the engine gives a pod, and what only a cluster's env.sh reads.
GIVEN = {"kubernetes": ("POD_IP", "POD_NAME", "POD_NAMESPACE")}


def _require_contract(
    opened: OpenTarget, image: ReleaseImage, environment: TargetEnvironment, *, checked: bool
) -> None:
    given = {**environment.plain, **environment.secrets}
    given |= dict.fromkeys(GIVEN.get(opened.target.engine, ()), "given by the engine")
    require_variables(image, Environment(given, checked=checked), "start")


def _pinned(opened: OpenTarget, image: ReleaseImage) -> str:
    """Return the reference by which the target gets the image: with its digest where a registry has it."""
    repository, _ = split_reference(image.reference.partition("@")[0])
    digest = image.facts.digest_of(repository)
    if "@sha256:" in image.reference:
        return image.reference
    return f"{repository}@{digest}" if digest is not None and "/" in repository else image.reference


def _migration(opened: OpenTarget, image: ReleaseImage, request: Request) -> tuple[str, ...] | None:
    wanted = opened.target.migrate if request.migrate is None else request.migrate
    if not wanted:
        return None
    if command := image.facts.labels.get(labels.MIGRATE_COMMAND):
        return (f"{image.root}/{command}",)
    expression = image.facts.labels.get(labels.MIGRATE)
    return None if expression is None else ReleaseCommand(image.release, "eval", (expression,), image.root).argv


def _rollback_migration(image: ReleaseImage, version: str) -> Migration:
    from relbuild.mix.migrations import VERSION

    if not version.isdigit():
        raise UsageError(f"--rollback-to {version}: a migration's version is a number", hint="as 20240101120000")
    expression = image.facts.labels.get(labels.ROLLBACK)
    if expression is None:
        raise UsageError(f"the image {image.reference} has no rollback expression", hint="relbuild migrate --help")
    argv = ReleaseCommand(image.release, "eval", (expression.replace(VERSION, version),), image.root).argv
    return Migration(image.reference, argv)


def _next_revision(opened: OpenTarget, running: Running | None) -> int:
    known = [each.revision for each in opened.engine.history()]
    return max((*known, running.revision if running else 0), default=0) + 1


def _incomplete(running: Running) -> bool:
    """Return whether a copy of what runs isn't well, as after somebody changed it by hand."""
    return not running.copies or any(copy.state not in ("healthy", "running") for copy in running.copies)


@contextmanager
def _noted(session: Session, step: str) -> Iterator[None]:
    session.note(f"== {step}")
    yield


def _hooks(opened: OpenTarget, kind: str, record: Record, *, must: bool) -> None:
    """Run the target's hooks with a shell, as they are the user's own; their output goes to stderr."""
    values = {
        "RELBUILD_TARGET": opened.key,
        "RELBUILD_IMAGE": record.image,
        "RELBUILD_VERSION": record.version,
        "RELBUILD_REVISION": str(record.revision),
        "RELBUILD_BY": record.by,
    }
    for index, command in enumerate(getattr(opened.target.hooks, kind)):
        opened.session.note(f"== {kind}: {command}")
        outcome = opened.session.runner.step(("sh", "-c", command), env=values)
        if outcome.exit_code:
            what = f"the hook {kind} failed with exit code {outcome.exit_code}: {command}"
            if must:
                at = opened.config.marks.get(f"targets.{opened.key}.hooks.{kind}[{index}]")
                raise DeployError(f"{what}; nothing was changed", at=at)
            opened.session.warn(what)


@dataclass(frozen=True, slots=True)
class Status:
    """What a target runs, since when and by whom."""

    target: str
    running: Running | None
    record: Record | None
    lock: str | None
    exit_code: int = 0

    def text(self) -> str:
        if self.running is None:
            return f"{self.target}: nothing runs"
        lines = [
            f"{self.target}: {self.running.version}, revision {self.running.revision}",
            f"image    {self.running.image}",
        ]
        if self.record is not None:
            since = age(self.record.at, datetime.now(UTC))
            lines.append(f"deployed {self.record.at} ({since} ago) by {self.record.by}")
            lines += [f"commit   {self.record.commit}"] if self.record.commit else []
            lines += [f"job      {self.record.url}"] if self.record.url else []
        for role, wanted in self.running.wanted.items():
            copies = [copy for copy in self.running.copies if copy.role == role]
            well = sum(copy.state in ("healthy", "running") for copy in copies)
            lines.append(
                f"{role:<8} {well} of {wanted} "
                + ("healthy" if any(c.state == "healthy" for c in copies) else "running")
            )
            lines += [f"  {copy.name} {copy.state} {copy.detail}".rstrip() for copy in copies]
        if self.lock is not None:
            lines.append(f"locked   {self.lock}")
        return "\n".join(lines)

    def data(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "running": None if self.running is None else asdict(self.running),
            "record": None if self.record is None else asdict(self.record),
            "lock": self.lock,
        }


def status(session: Session, key: str | None) -> Status:
    """Return what a target runs; exit code 1 where nothing runs or a copy isn't well."""
    opened = open_target(session, key)
    opened.engine.require()
    running = opened.engine.running()
    record = next((each for each in opened.engine.history() if running and each.revision == running.revision), None)
    holder = opened.engine.holder()
    bad = running is None or _incomplete(running)
    return Status(opened.key, running, record, str(holder) if holder else None, exit_code=1 if bad else 0)


def watch(session: Session, key: str | None) -> Status:
    """Show the status again every two seconds, until Ctrl-C ends it."""
    last = ""
    while True:
        now = status(session, key)
        if now.text() != last:
            session.note(now.text())
        last = now.text()
        time.sleep(2)


@dataclass(frozen=True, slots=True)
class History:
    """The deployments of a target, the newest first."""

    target: str
    records: tuple[Record, ...]
    exit_code: int = 0

    def text(self) -> Content:
        if not self.records:
            return f"nothing was deployed to {self.target}"
        return TextTable(
            tuple(
                (str(each.revision), each.version, each.at, each.by, each.outcome, each.commit[:7], each.image)
                for each in self.records
            ),
            header=("REVISION", "VERSION", "DEPLOYED", "BY", "OUTCOME", "COMMIT", "IMAGE"),
        )

    def data(self) -> dict[str, Any]:
        return {"target": self.target, "records": [asdict(each) for each in self.records]}


def history(session: Session, key: str | None) -> History:
    """Return what was deployed to a target."""
    opened = open_target(session, key)
    opened.engine.require()
    return History(opened.key, opened.engine.history())


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed from a target."""

    names: tuple[str, ...]
    exit_code: int = 0

    def text(self) -> str:
        return "\n".join(f"removed {name}" for name in self.names)

    def data(self) -> dict[str, Any]:
        return {"removed": list(self.names)}


def undeploy(
    session: Session, key: str | None, confirm: Callable[[str], bool] | None, *, wait: bool = False
) -> Removed:
    """Remove what a target runs, its secrets and its network; its history stays, so that a rollback brings it back.

    ``confirm`` asks the user, None where there is no need to. Raises UsageError when the answer is no.
    """
    opened = open_target(session, key)
    opened.engine.require()
    if confirm is not None and not confirm(f"Remove everything that {opened.key} runs?"):
        raise UsageError("nothing was removed", hint="--yes doesn't ask")
    with locked(opened, "undeploying", "", wait=wait):
        return Removed(opened.engine.remove())


@dataclass(frozen=True, slots=True)
class Locked:
    """Who holds a target's lock; ``holder`` is None where it is free."""

    target: str
    holder: Mapping[str, str] | None
    message: str
    exit_code: int = 0

    def text(self) -> str:
        return self.message

    def data(self) -> dict[str, Any]:
        return {"target": self.target, "holder": self.holder}


def lock(session: Session, action: str, key: str | None) -> Locked:
    """Show who holds a target's lock, or free it, whoever holds it; raise UsageError for any other action."""
    if action not in ("show", "release"):
        raise UsageError(f"relbuild lock has no action {action}", hint="relbuild lock show, or relbuild lock release")
    opened = open_target(session, key)
    opened.engine.require()
    holder = opened.engine.holder()
    if holder is None:
        return Locked(opened.key, None, f"{opened.key} isn't locked")
    if action == "show":
        return Locked(opened.key, asdict(holder), str(holder))
    opened.engine.free_lock(holder)
    return Locked(opened.key, asdict(holder), f"freed the lock of {opened.key}: {holder}")
