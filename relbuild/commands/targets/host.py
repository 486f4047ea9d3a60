"""One Docker host as a target: each revision is a Compose project of its own; the one before can be started again."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relbuild.commands.session import Session
from relbuild.commands.targets import transfer
from relbuild.commands.targets.engine import Copy, Running, engine_time, failed, last_lines, to_yaml
from relbuild.deploy import compose, health
from relbuild.deploy.spec import SECRETS_DIRECTORY, WEB, Deployment
from relbuild.deploy.state import Holder, Record, in_order, lock_name, outdated
from relbuild.engine.runner import Handling, Outcome
from relbuild.errors import CommandFailed, DeployError, EngineError
from relbuild.image.labels import OCI_VERSION
from relbuild.image.verify.trial import Socket, listening
from relbuild.release.place import CONTAINER, Place

DEPLOYMENT = "io.relbuild.deployment"
RECORD = "io.relbuild.record"
LOCK = "io.relbuild.lock"
# An image without a file: a lock is a container of it that is never started.
EMPTY = "relbuild-empty:1"
# Seconds between two looks at the new copies.
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Host:
    """A target on one Docker Engine; ``name`` is what its projects are called."""

    session: Session
    name: str
    target: str

    def require(self) -> None:
        version = self.session.engine.about().version
        if int(version.partition(".")[0]) < 25:
            raise EngineError(
                f"Docker Engine {version} at {self.session.endpoint} is too old to deploy to: its health checks have "
                "no start interval",
                hint="install Docker Engine 25 or newer there",
            )
        if self._captured("compose", "version").exit_code:
            raise EngineError(
                "the docker client has no compose", hint="install the package docker-compose-plugin or docker-compose"
            )

    # The lock: one container's name, made of an image without content, never started.

    def holder(self) -> Holder | None:
        found = self.session.engine.inspected("container", lock_name(self.name))
        if found is None:
            return None
        beat = self.session.engine.archive(found["Id"], "/beat")
        text = found["Config"]["Labels"].get(LOCK, "{}")
        return Holder.parse(text, _first_file(beat) or engine_time(found["Created"]), found["Id"])

    def take_lock(self, holder: Holder) -> Holder | None:
        if self.session.engine.inspected("image", EMPTY) is None:
            nothing = io.BytesIO()
            tarfile.open(fileobj=nothing, mode="w").close()
            self._require("import", "-", EMPTY, stdin=nothing.getvalue(), failure="can't make the lock's image")
        label = ("--label", f"{LOCK}={holder.json()}", "--label", f"{DEPLOYMENT}={self.name}")
        made = self._captured("create", "--name", lock_name(self.name), "--network", "none", *label, EMPTY, "lock")
        if made.exit_code:
            if any("already in use" in line for line in made.tail):
                return None
            raise CommandFailed("can't make the lock", hint="docker's message is above")
        lock = Holder.parse(holder.json(), holder.since, made.stdout.strip())
        self.renew_lock(lock)
        return lock

    def renew_lock(self, lock: Holder) -> None:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            content = self.session.engine.time().encode()
            entry = tarfile.TarInfo("beat")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
        self._captured("cp", "-", f"{lock.id}:/", stdin=archive.getvalue())

    def free_lock(self, lock: Holder) -> None:
        self._captured("rm", "--force", lock.id)

    # The history: one empty volume for each record, which says it in a label; pruning containers leaves them.

    def history(self) -> tuple[Record, ...]:
        volumes = self.session.engine.volumes(f"{DEPLOYMENT}={self.name}", RECORD)
        return in_order(Record.parse(each["Labels"][RECORD]) for each in volumes)

    def keep(self, record: Record) -> None:
        name = f"relbuild-history-{self.name}-{record.revision}"
        labels = ("--label", f"{DEPLOYMENT}={self.name}", "--label", f"{RECORD}={record.json()}")
        self._quietly("volume", "rm", "--force", name)
        self._require("volume", "create", *labels, name, failure="can't keep the record of the deployment")
        for each in outdated(self.history()):
            self._captured("volume", "rm", "--force", f"relbuild-history-{self.name}-{each.revision}")

    # What runs.

    def running(self) -> Running | None:
        found = self._containers()
        if not found:
            return None
        newest = max(_revision(each) for each in found)
        copies = [each for each in found if _revision(each) == newest]
        labels = copies[0]["Config"]["Labels"]
        roles = [each["Config"]["Labels"].get(compose.ROLE_LABEL, WEB) for each in copies]
        return Running(
            digest=labels.get(compose.SPEC_LABEL, ""),
            revision=newest,
            image=str(copies[0]["Config"]["Image"]),
            version=labels.get(OCI_VERSION, ""),
            copies=tuple(_copy(each, role) for each, role in zip(copies, roles, strict=True)),
            wanted={role: roles.count(role) for role in roles},
        )

    def place(self) -> Place | None:
        running = self.running()
        if running is None:
            return None
        well = ("healthy", "running")
        best = min(running.copies, key=lambda copy: (copy.role != WEB, copy.state not in well, copy.name))
        return Place(CONTAINER, best.name, endpoint=self.session.endpoint)

    def provide(self, image: str) -> str:
        return transfer.provide(self.session, image)

    def render(self, deployment: Deployment, revision: int) -> str:
        return to_yaml(compose.host_project(deployment, revision))

    def store_secrets(self, deployment: Deployment, values: Mapping[str, str]) -> None:
        """Write the secrets into a volume that only the release's user reads: a container's files, by docker cp."""
        if not values:
            return
        volume = compose.secrets_volume(deployment)
        if self.session.engine.inspected("volume", volume) is not None:
            return
        label = ("--label", f"{DEPLOYMENT}={self.name}")
        self._require("volume", "create", *label, volume, failure="can't make the volume of the secrets")
        mount = ("--volume", f"{volume}:{SECRETS_DIRECTORY}")
        made = self._require(
            "create", "--network", "none", *label, *mount, deployment.image, failure="can't write them"
        )
        container = made.stdout.strip() or "CONTAINER"
        archive = secrets_archive(values, deployment.uid)
        self._require(
            "cp", "-", f"{container}:{SECRETS_DIRECTORY}", stdin=archive, failure="can't write the secrets there"
        )
        self._captured("rm", "--force", container)

    def migrate(self, deployment: Deployment, argv: tuple[str, ...]) -> None:
        """Run it in a container of the new image, in the networks and with the variables that the release gets."""
        self._network()
        first = deployment.services[0]
        program, *arguments = argv
        files = [("--env", f"{each}_FILE={SECRETS_DIRECTORY}/{each}") for each in deployment.secrets]
        words = (
            *("run", "--rm", "--name", f"{self.name}-migration", "--label", f"{DEPLOYMENT}={self.name}-migration"),
            *("--read-only", "--tmpfs", "/tmp", "--no-healthcheck", "--network", self.name),
            *(word for network in deployment.networks for word in ("--network", network)),
            *(word for each in first.env for word in ("--env", each)),
            *(word for pair in files for word in pair),
            *(
                ("--volume", f"{compose.secrets_volume(deployment)}:{SECRETS_DIRECTORY}:ro")
                if deployment.secrets
                else ()
            ),
            *("--entrypoint", program, deployment.image, *arguments),
        )
        self._quietly("rm", "--force", f"{self.name}-migration")
        # Ended by relbuild: a client that is ended leaves its container running.
        undo = (*self.session.endpoint.docker, "rm", "--force", f"{self.name}-migration")
        handling = Handling(stdin=False, timeout=deployment.wait, undo=undo)
        outcome = self.session.runner.captured(
            (*self.session.endpoint.docker, *words), env=first.env, handling=handling
        )
        for line in outcome.stdout.splitlines():
            self.session.note(f"  {line}")
        if outcome.exit_code:
            raise failed(
                "the migration failed",
                f"exit code {outcome.exit_code}",
                outcome.tail[-15:],
                "migrate the old version's database by hand, or fix the migration and deploy again",
                serves=self.running() is not None,
            )

    def roll_out(self, deployment: Deployment, revision: int) -> None:
        """Start the new revision; where it publishes ports, the old one has to free them first.

        A candidate without ports is tried beside the old version before that.
        """
        old = sorted({_revision(each) for each in self._containers()})
        published = any(service.publish for service in deployment.services)
        self._network()
        if not (old and published):
            self._start(deployment, revision, compose.host_project(deployment, revision), serves=bool(old))
        else:
            self._try(deployment, revision)
            self._swap(deployment, revision, old)
        for each in old:
            self._down(compose.project_name(self.name, each), deployment.stop_timeout)

    def _try(self, deployment: Deployment, revision: int) -> None:
        candidate = compose.host_project(deployment, revision, publish=False)
        for service in candidate["services"].values():
            service["restart"] = "no"
            service["deploy"]["replicas"] = 1
        try:
            self._start(deployment, revision, candidate, serves=True)
        finally:
            self._down(candidate["name"])

    def _swap(self, deployment: Deployment, revision: int, old: Sequence[int]) -> None:
        """Stop the old revision and start the new one in its place; bring the old one back where that fails."""
        project = compose.host_project(deployment, revision)
        # Made before the old one is stopped, so that the gap is as short as can be.
        self._compose(project["name"], "--file", "-", "create", "--quiet-pull", document=project, must=True)
        begun = time.monotonic()
        try:
            for each in old:
                self._compose(
                    compose.project_name(self.name, each), "stop", "--timeout", str(deployment.stop_timeout), must=True
                )
            self._start(deployment, revision, project, serves=True)
        except BaseException:
            self._down(project["name"])
            for each in old:
                self._compose(compose.project_name(self.name, each), "start")
            raise
        gap = time.monotonic() - begun
        self.session.note(
            f"the published ports were closed for {gap:.1f} s; there is no gap with a proxy that finds containers by "
            "labels, nor with engine: swarm on this one node"
        )

    def _start(self, deployment: Deployment, revision: int, project: Mapping[str, Any], *, serves: bool) -> None:
        """Start a project and wait until it is healthy; where it fails, remove it and raise DeployError."""
        name = str(project["name"])
        begun = time.monotonic()
        up = self._compose(name, "--file", "-", "up", "--detach", "--quiet-pull", document=project)
        try:
            if up.exit_code:
                why = up.tail[-1] if up.tail else f"docker compose exited with {up.exit_code}"
                raise failed(f"{name} didn't start", why, hint="docker's message is above", serves=serves)
            if not self.session.dry_run:
                self._await(deployment, revision, name, project, begun, serves=serves)
        except BaseException:
            self._down(name)
            raise

    def _await(
        self,
        deployment: Deployment,
        revision: int,
        name: str,
        project: Mapping[str, Any],
        begun: float,
        *,
        serves: bool,
    ) -> None:
        wanted = sum(int(service["deploy"]["replicas"]) for service in project["services"].values())
        while True:
            seconds = time.monotonic() - begun
            found = self._containers(f"com.docker.compose.project={name}", stopped=True)
            verdicts = [health.of_container(each, seconds) for each in found]
            all_of_them = health.together(verdicts, wanted)
            if all_of_them.state == "healthy":
                self.session.note(f"{name}: {wanted} healthy after {seconds:.1f} s")
                return
            if all_of_them.state == "failed":
                bad = found[[each.state for each in verdicts].index("failed")]
                raise self._failed(deployment, bad, all_of_them.why, serves=serves)
            if seconds > deployment.wait:
                late = next(
                    (each for each, verdict in zip(found, verdicts, strict=True) if verdict.state != "healthy"), None
                )
                why = f"it wasn't healthy within {deployment.wait} s"
                raise self._failed(deployment, late, why, serves=serves)
            time.sleep(PAUSE)

    def _failed(self, deployment: Deployment, container: Any, why: str, *, serves: bool) -> DeployError:
        if container is None:
            return failed(f"{deployment.name} {deployment.version}", why, serves=serves)
        log = last_lines(self.session, (*self.session.endpoint.docker, "logs", "--tail", "25", container["Id"]))
        check = health.last_check(container["State"]["Health"]) if container["State"].get("Health") else ""
        if check and check not in why:
            why = f"{why}; the last check: {check}"
        cause = health.usual_cause(deployment.probe, check, log, self._listening(container))
        return failed(f"{deployment.name} {deployment.version} isn't healthy", why, log, cause or None, serves=serves)

    def _listening(self, container: Any) -> tuple[Socket, ...] | None:
        if not container["State"]["Running"]:
            return None
        lines: list[str] = []
        argv = (*self.session.endpoint.docker, "exec", container["Id"], "cat", "/proc/net/tcp", "/proc/net/tcp6")
        self.session.runner.lines(argv, lines.append)
        return tuple(listening("\n".join(lines)))

    def prune(self, deployment: Deployment, images: Sequence[str]) -> None:
        """Remove the secrets that were replaced, and these images."""
        current = compose.secrets_volume(deployment)
        for volume in self.session.engine.volumes(f"{DEPLOYMENT}={self.name}"):
            if volume["Name"].startswith(f"{self.name}-secrets-") and volume["Name"] != current:
                self._captured("volume", "rm", "--force", volume["Name"])
        transfer.prune(self.session, images)

    def remove(self) -> tuple[str, ...]:
        removed = []
        for revision in sorted({_revision(each) for each in self._containers(stopped=True)}):
            project = compose.project_name(self.name, revision)
            self._compose(project, "down")
            removed.append(project)
        for volume in self.session.engine.volumes(f"{DEPLOYMENT}={self.name}"):
            if RECORD not in (volume["Labels"] or {}):
                self._captured("volume", "rm", "--force", volume["Name"])
                removed.append(volume["Name"])
        if self.session.engine.inspected("network", self.name) is not None:
            self._captured("network", "rm", self.name)
            removed.append(self.name)
        return tuple(removed)

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        running = self.running()
        project = compose.project_name(self.name, running.revision if running else 0)
        return (*self.session.endpoint.docker, "compose", "--project-name", project, "logs", *options)

    def _network(self) -> None:
        """Make the network in which all revisions find each other, so that nodes of both connect."""
        if self.session.engine.inspected("network", self.name) is None:
            label = ("--label", f"{DEPLOYMENT}={self.name}")
            self._require("network", "create", *label, self.name, failure=f"can't make the network {self.name}")

    def _containers(self, *labels: str, stopped: bool = False) -> list[Any]:
        listed = self.session.engine.containers(
            *(labels or (f"{DEPLOYMENT}={self.name}", compose.REVISION_LABEL)), stopped=stopped
        )
        found = (self.session.engine.inspected("container", each.id) for each in listed)
        # One may have gone since they were listed; a candidate is no revision.
        candidate = compose.candidate_name(self.name)
        return [
            each
            for each in found
            if each is not None and (labels or each["Config"]["Labels"].get("com.docker.compose.project") != candidate)
        ]

    def _compose(
        self, project: str, *words: str, document: Mapping[str, Any] | None = None, must: bool = False
    ) -> Outcome:
        argv = ("compose", "--progress", "quiet", "--project-name", project, *words)
        stdin = None if document is None else to_yaml(document).encode()
        return (
            self._require(*argv, stdin=stdin, failure=f"{project}: docker compose failed")
            if must
            else self._captured(*argv, stdin=stdin)
        )

    def _down(self, project: str, timeout: int = 5) -> None:
        """Remove a project's containers; there need be none."""
        self._quietly("compose", "--project-name", project, "down", "--timeout", str(timeout))

    def _quietly(self, *words: str) -> Outcome:
        """Remove what need not be there, without docker's word that it isn't."""
        return self.session.runner.lines((*self.session.endpoint.docker, *words), lambda _line: None)

    def _captured(self, *words: str, stdin: bytes | None = None) -> Outcome:
        handling = Handling(stdin=False, feed=stdin or b"")
        return self.session.runner.captured((*self.session.endpoint.docker, *words), handling=handling)

    def _require(self, *words: str, failure: str, stdin: bytes | None = None) -> Outcome:
        outcome = self._captured(*words, stdin=stdin)
        if outcome.exit_code:
            raise CommandFailed(failure, hint="docker's message is above")
        return outcome


def secrets_archive(values: Mapping[str, str], uid: int) -> bytes:
    """Return a tar with a file for each secret, which only the user reads."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, value in sorted(values.items()):
            content = value.encode("utf-8", "surrogateescape")
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o400, uid, uid
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _first_file(archive: bytes | None) -> str:
    if archive is None:
        return ""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        files = (tar.extractfile(each) for each in tar)
        return next((engine_time(file.read().decode()) for file in files if file is not None), "")


def _revision(container: Any) -> int:
    return int(container["Config"]["Labels"].get(compose.REVISION_LABEL, 0))


def _copy(container: Any, role: str) -> Copy:
    state = container["State"]
    checked = (state.get("Health") or {}).get("Status", "none")
    shown = checked if checked != "none" else state["Status"]
    detail = health.last_check(state["Health"]) if checked == "unhealthy" else ""
    return Copy(container["Name"].lstrip("/"), role, shown, detail, container["Id"])
