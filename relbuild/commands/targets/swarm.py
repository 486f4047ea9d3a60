"""Docker Swarm as a target: a stack, updated start-first; Swarm itself brings the old version back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from relbuild.commands.session import Session
from relbuild.commands.targets import transfer
from relbuild.commands.targets.engine import Copy, Running, engine_time, failed, last_lines, to_yaml
from relbuild.deploy import compose, health
from relbuild.deploy.spec import SECRETS_DIRECTORY, WEB, Deployment
from relbuild.deploy.state import Holder, Record, in_order, lock_name, outdated
from relbuild.engine.runner import Handling, Outcome
from relbuild.errors import CommandFailed, DeployError, EngineError, TimedOut
from relbuild.image.labels import OCI_VERSION
from relbuild.release.place import SERVICE, Place

DEPLOYMENT = "io.relbuild.deployment"
RECORD = "io.relbuild.record"
LOCK, BEAT = "io.relbuild.lock", "io.relbuild.lock.beat"
# The image that a lock names: a service without tasks never needs it.
NO_IMAGE = "scratch"
# Seconds between two looks at the tasks.
PAUSE = 0.5
# Seconds until Swarm tells of a task that has failed.
SETTLE = 3.0
# So many failed tasks of the new version are a crash loop.
FAILURES = 3
# https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/
ENDED = {"complete", "failed", "shutdown", "rejected", "orphaned", "remove"}
UPDATING = {"updating", "rollback_started"}


@dataclass(frozen=True, slots=True)
class Swarm:
    """A target on a swarm, reached through a manager; ``name`` is the stack's."""

    session: Session
    name: str
    target: str

    def require(self) -> None:
        swarm = self.session.engine.swarm()
        if swarm.get("LocalNodeState") != "active":
            raise EngineError(f"{self.session.endpoint} is in no swarm", hint="docker swarm init makes one of it")
        if not swarm.get("ControlAvailable"):
            managers = ", ".join(each["Addr"] for each in swarm.get("RemoteManagers") or ())
            raise EngineError(
                f"{self.session.endpoint} is a worker of its swarm, and only a manager changes what runs",
                hint=f"name a manager in host; its managers are at {managers}",
            )

    # The lock: a service of this name without tasks; its labels can be changed, so that it can be renewed.

    def holder(self) -> Holder | None:
        found = self.session.engine.inspected("service", lock_name(self.name))
        if found is None:
            return None
        labels = found["Spec"].get("Labels") or {}
        return Holder.parse(labels.get(LOCK, "{}"), labels.get(BEAT) or engine_time(found["CreatedAt"]), found["ID"])

    def take_lock(self, holder: Holder) -> Holder | None:
        labels = ("--label", f"{LOCK}={holder.json()}", "--label", f"{BEAT}={self._now()}")
        words = ("service", "create", "--detach", "--quiet", "--no-resolve-image", "--replicas", "0")
        made = self._captured(*words, "--name", lock_name(self.name), *labels, NO_IMAGE)
        if made.exit_code:
            if any("conflicts with an existing object" in line for line in made.tail):
                return None
            raise CommandFailed("can't make the lock", hint="docker's message is above")
        return Holder.parse(holder.json(), holder.since, made.stdout.strip())

    def renew_lock(self, lock: Holder) -> None:
        self._captured("service", "update", "--detach", "--quiet", "--label-add", f"{BEAT}={self._now()}", lock.id)

    def free_lock(self, lock: Holder) -> None:
        self._captured("service", "rm", lock.id)

    # The history: one config for each record, which every manager has.

    def history(self) -> tuple[Record, ...]:
        configs = self.session.engine.configs(f"{DEPLOYMENT}={self.name}", RECORD)
        return in_order(Record.parse(each["Spec"]["Labels"][RECORD]) for each in configs)

    def keep(self, record: Record) -> None:
        labels = ("--label", f"{DEPLOYMENT}={self.name}", "--label", f"{RECORD}={record.json()}")
        name = self._record_name(record)
        self._captured("config", "rm", name, quiet=True)
        if self._captured("config", "create", *labels, name, "-", stdin=record.json().encode()).exit_code:
            raise CommandFailed("can't keep the record of the deployment", hint="docker's message is above")
        for each in outdated(self.history()):
            self._captured("config", "rm", self._record_name(each))

    def _record_name(self, record: Record) -> str:
        return f"relbuild-history-{self.name}-{record.revision}"

    # What runs.

    def running(self) -> Running | None:
        services = self._services()
        if not services:
            return None
        labels = services[0]["Spec"]["Labels"]
        copies: list[Copy] = []
        wanted = {}
        for service in services:
            role = service["Spec"]["Labels"].get(compose.ROLE_LABEL, WEB)
            wanted[role] = _replicas(service)
            tasks = self.session.engine.all_tasks(service["Spec"]["Name"])
            copies += [_copy(service, task, role) for task in tasks if task["DesiredState"] == "running"]
        return Running(
            digest=labels.get(compose.SPEC_LABEL, ""),
            revision=int(labels.get(compose.REVISION_LABEL, 0)),
            image=str(services[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]),
            version=labels.get(OCI_VERSION, ""),
            copies=tuple(copies),
            wanted=wanted,
        )

    def place(self) -> Place | None:
        specs = [each["Spec"] for each in self._services()]
        best = min(specs, key=lambda spec: (spec["Labels"].get(compose.ROLE_LABEL) != WEB, spec["Name"]), default=None)
        return None if best is None else Place(SERVICE, best["Name"], endpoint=self.session.endpoint)

    def provide(self, image: str) -> str:
        nodes = int(self.session.engine.swarm().get("Nodes") or 1)
        if "@sha256:" not in image and nodes > 1:
            raise CommandFailed(
                f"{image} is in no registry, and the {nodes} nodes of the swarm pull from one",
                hint="write image: registry.example.com/shop into relbuild.yml, and deploy again",
            )
        return transfer.provide(self.session, image)

    def render(self, deployment: Deployment, revision: int) -> str:
        return to_yaml(compose.stack(deployment, revision, self._wanted()))

    def store_secrets(self, deployment: Deployment, values: Mapping[str, str]) -> None:
        there = {each["Spec"]["Name"] for each in self.session.engine.secrets(f"{DEPLOYMENT}={self.name}")}
        for variable, value in values.items():
            name = deployment.secret_name(variable)
            if name in there:
                continue
            content = value.encode("utf-8", "surrogateescape")
            label = ("--label", f"{DEPLOYMENT}={self.name}")
            if self._captured("secret", "create", *label, name, "-", stdin=content).exit_code:
                raise CommandFailed(f"can't make the secret {name}", hint="docker's message is above")

    def migrate(self, deployment: Deployment, argv: tuple[str, ...]) -> None:
        """Run it as a job of the swarm: only a service's tasks get secrets."""
        first, name = deployment.services[0], f"{self.name}-migration"
        program, *arguments = argv
        secrets = [
            f"source={deployment.secret_name(each)},target={each},uid={deployment.uid},mode=0400"
            for each in deployment.secrets
        ]
        network = f"{self.name}_default"
        networks = [network] if self.session.engine.inspected("network", network) is not None else []
        options = (
            *(() if _has_digest(deployment) else ("--no-resolve-image",)),
            *(word for each in secrets for word in ("--secret", each)),
            *(word for each in deployment.secrets for word in ("--env", f"{each}_FILE={SECRETS_DIRECTORY}/{each}")),
            *(word for each in first.env for word in ("--env", each)),
            *(word for each in (*networks, *deployment.networks) for word in ("--network", each)),
            *(word for each in deployment.constraints for word in ("--constraint", each)),
        )
        self._captured("service", "rm", name, quiet=True)
        words = (
            *("service", "create", "--detach", "--quiet", "--with-registry-auth", "--name", name),
            *("--mode", "replicated-job", "--restart-condition", "none", "--no-healthcheck", "--read-only"),
            *("--mount", "type=tmpfs,target=/tmp", "--label", f"{DEPLOYMENT}={self.name}-migration", *options),
            *("--entrypoint", program, deployment.image, *arguments),
        )
        made = self.session.runner.captured(
            (*self.session.endpoint.docker, *words), env=first.env, handling=Handling(stdin=False)
        )
        if made.exit_code:
            raise self._failed("the migration didn't start", "docker's message is above", ())
        if self.session.dry_run:
            return
        try:
            self._await_job(deployment, name)
        finally:
            self._captured("service", "rm", name, quiet=True)

    def _await_job(self, deployment: Deployment, name: str) -> None:
        deadline = time.monotonic() + deployment.wait
        while True:
            task = next(iter(self.session.engine.all_tasks(name)), None)
            state = task["Status"]["State"] if task is not None else "new"
            if state in ENDED:
                log = last_lines(self.session, (*self.session.endpoint.docker, "service", "logs", "--raw", name))
                if state == "complete":
                    for line in log:
                        self.session.note(f"  {line}")
                    return
                hint = "nothing was replaced: fix the migration and deploy again"
                raise self._failed("the migration failed", _why(task), log, hint)
            if time.monotonic() > deadline:
                raise TimedOut(
                    f"the migration had not ended after {deployment.wait} s, and was ended; the old version serves",
                    hint="wait: SECONDS of the target gives it longer",
                )
            time.sleep(PAUSE)

    def roll_out(self, deployment: Deployment, revision: int) -> None:
        before = {service["ID"]: service["Version"]["Index"] for service in self._services()}
        document = compose.stack(deployment, revision, self._wanted())
        resolve = () if _has_digest(deployment) else ("--resolve-image", "never")
        words = ("stack", "deploy", "--detach", "--prune", *resolve, "--with-registry-auth", "--compose-file", "-")
        done = self._captured(*words, self.name, stdin=to_yaml(document).encode())
        if done.exit_code:
            why = done.tail[-1] if done.tail else "docker stack deploy failed"
            raise self._failed(f"{self.name} {deployment.version} wasn't taken", why, ())
        if self.session.dry_run:
            return
        begun = time.monotonic()
        try:
            while not self._is_out(deployment, revision, before):
                if time.monotonic() - begun > deployment.wait + compose.MONITOR:
                    raise self._unhealthy(deployment, revision, f"it wasn't healthy within {deployment.wait} s")
                time.sleep(PAUSE)
        except BaseException:
            # Also when relbuild is interrupted: what was begun is taken back.
            self._roll_back(before)
            raise
        self.session.note(f"{self.name}: healthy after {time.monotonic() - begun:.1f} s")

    def _is_out(self, deployment: Deployment, revision: int, before: Mapping[str, int]) -> bool:
        """Return whether all services have the new version; raise DeployError where one has failed."""
        out = True
        for service in self._services():
            status = (service.get("UpdateStatus") or {}).get("State", "")
            changed = before.get(service["ID"]) != service["Version"]["Index"]
            if changed and (status.startswith("rollback") or status == "paused"):
                raise self._unhealthy(deployment, revision, str(service["UpdateStatus"].get("Message") or status))
            tasks = self._tasks(service, revision)
            bad = [each for each in tasks if each["Status"]["State"] in ("failed", "rejected")]
            if len(bad) >= FAILURES or any(_hopeless(each) for each in bad):
                raise self._unhealthy(deployment, revision, _why(bad[0]))
            running = sum(each["Status"]["State"] == "running" for each in tasks)
            if running < _replicas(service) or status in UPDATING:
                out = False
        return out

    def _tasks(self, service: Any, revision: int) -> list[Any]:
        """Return the tasks that the new version has made, the newest first."""
        own = [
            each
            for each in self.session.engine.all_tasks(service["Spec"]["Name"])
            if (each["Spec"]["ContainerSpec"].get("Labels") or {}).get(compose.REVISION_LABEL) == str(revision)
        ]
        return sorted(own, key=lambda each: str(each["CreatedAt"]), reverse=True)

    def _roll_back(self, before: Mapping[str, int]) -> None:
        """Bring back the old version of what was there; remove what wasn't, as a first deployment that failed."""
        for service in self._services():
            status = (service.get("UpdateStatus") or {}).get("State", "")
            if service["ID"] not in before:
                self._captured("service", "rm", service["ID"])
            elif before[service["ID"]] != service["Version"]["Index"] and not status.startswith("rollback"):
                self._captured("service", "rollback", "--detach", "--quiet", service["ID"])
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and any(
            (each.get("UpdateStatus") or {}).get("State") in ("updating", "rollback_started")
            for each in self._services()
        ):
            time.sleep(PAUSE)

    def _unhealthy(self, deployment: Deployment, revision: int, why: str) -> DeployError:
        """Return the error, with what the newest failed task wrote and what usually causes it."""
        worst = self._ended_task(revision)
        log: tuple[str, ...] = ()
        check = ""
        if worst is not None:
            why = _why(worst) if worst["Status"]["State"] in ENDED else why
            logs = (*self.session.endpoint.docker, "service", "logs", "--raw", "--tail", "25", worst["ID"])
            log = last_lines(self.session, logs)
            container = (worst["Status"].get("ContainerStatus") or {}).get("ContainerID")
            inspected = self.session.engine.inspected("container", container) if container else None
            if inspected is not None and inspected["State"].get("Health"):
                check = health.last_check(inspected["State"]["Health"])
                why = f"{why}; the last check: {check}"
        cause = health.usual_cause(deployment.probe, check, log, None)
        return self._failed(f"{self.name} {deployment.version} isn't healthy", why, log, cause or None)

    def _ended_task(self, revision: int) -> Any:
        """Return the newest task of the new version that has ended, else any; Swarm tells of one a moment later."""
        deadline = time.monotonic() + SETTLE
        while True:
            tasks = [task for service in self._services() for task in self._tasks(service, revision)]
            ended = [each for each in tasks if each["Status"]["State"] in ENDED]
            if ended or time.monotonic() > deadline:
                return next(iter(ended or tasks), None)
            time.sleep(PAUSE)

    def _failed(self, what: str, why: str, log: Sequence[str], hint: str | None = None) -> DeployError:
        running = self.running()
        return failed(what, why, log, hint, serves=running is not None and running.revision > 0)

    def prune(self, deployment: Deployment, images: Sequence[str]) -> None:
        current = {deployment.secret_name(each) for each in deployment.secrets}
        for secret in self.session.engine.secrets(f"{DEPLOYMENT}={self.name}"):
            if secret["Spec"]["Name"] not in current:
                self._captured("secret", "rm", secret["ID"], quiet=True)
        transfer.prune(self.session, images)

    def remove(self) -> tuple[str, ...]:
        removed = [service["Spec"]["Name"] for service in self._services()]
        self._captured("stack", "rm", self.name)
        for secret in self.session.engine.secrets(f"{DEPLOYMENT}={self.name}"):
            self._captured("secret", "rm", secret["ID"])
            removed.append(secret["Spec"]["Name"])
        return tuple(removed)

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        return (*self.session.endpoint.docker, "service", "logs", *options, f"{self.name}_{WEB}")

    def _services(self) -> list[Any]:
        return [
            each
            for each in self.session.engine.labelled_services(f"{DEPLOYMENT}={self.name}")
            if compose.ROLE_LABEL in (each["Spec"].get("Labels") or {})
        ]

    def _wanted(self) -> dict[str, int]:
        return {each["Spec"]["Labels"][compose.ROLE_LABEL]: _replicas(each) for each in self._services()}

    def _now(self) -> str:
        return datetime.now(UTC).replace(microsecond=0).isoformat()

    def _captured(self, *words: str, stdin: bytes | None = None, quiet: bool = False) -> Outcome:
        argv = (*self.session.endpoint.docker, *words)
        if quiet:
            # There need be nothing to remove.
            return self.session.runner.lines(argv, lambda _line: None)
        return self.session.runner.captured(argv, handling=Handling(stdin=False, feed=stdin or b""))


def _has_digest(deployment: Deployment) -> bool:
    """Return whether a registry has the image: for any other, docker would warn that it can't ask one."""
    return "@" in deployment.image


def _replicas(service: Any) -> int:
    return int((service["Spec"]["Mode"].get("Replicated") or {}).get("Replicas") or 0)


def _copy(service: Any, task: Any, role: str) -> Copy:
    checked = service["Spec"]["TaskTemplate"]["ContainerSpec"].get("Healthcheck")
    state = task["Status"]["State"]
    # A task is running only once its health check has passed.
    shown = ("healthy" if checked else "running") if state == "running" else state
    container = (task["Status"].get("ContainerStatus") or {}).get("ContainerID") or ""
    name = f"{service['Spec']['Name']}.{task.get('Slot', '')}"
    return Copy(name, role, shown, task["Status"].get("Err") or "", container)


def _why(task: Any) -> str:
    status = task["Status"]
    if code := (status.get("ContainerStatus") or {}).get("ExitCode"):
        return f"it ended with exit code {code}"
    return str(status.get("Err") or status.get("Message") or status["State"])


def _hopeless(task: Any) -> bool:
    """Return whether no further task can do better: there is no such image, or no node may run it."""
    return "No such image" in str(task["Status"].get("Err") or "")
