"""Kubernetes as a target: manifests applied on the server, a rollout that is watched, undone when it fails."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from relbuild.commands.session import Session
from relbuild.commands.targets.engine import Copy, Running, failed, last_lines
from relbuild.config import Target
from relbuild.deploy import health, kubernetes
from relbuild.deploy.compose import REVISION_LABEL, ROLE_LABEL, SPEC_LABEL
from relbuild.deploy.spec import WEB, Deployment
from relbuild.deploy.state import EXPIRY, LENGTH, Holder, Record, in_order, lock_name
from relbuild.endpoint import Endpoint
from relbuild.engine.runner import Handling, Outcome
from relbuild.errors import CommandFailed, DeployError, EngineError, Mark, PassingFault, TimedOut, UsageError
from relbuild.image.labels import OCI_VERSION
from relbuild.release.place import DEPLOYMENT, Place

LOCK = "io.relbuild.lock"
# Seconds between two looks at the pods.
PAUSE = 1.0
# A container of the new version that was started so many times is a crash loop.
RESTARTS = 2
# What relbuild does in the namespace, as the rules of a Role: verb and resource.
RIGHTS = tuple(
    (verb, resource)
    for resource, verbs in (
        ("deployments.apps", "get list watch create patch delete"),
        ("replicasets.apps", "list"),
        ("services", "list create patch delete"),
        ("secrets", "list create patch delete"),
        ("jobs.batch", "get list watch create patch delete"),
        ("poddisruptionbudgets.policy", "list create patch delete"),
        ("configmaps", "get create patch"),
        ("leases.coordination.k8s.io", "get create patch delete"),
        ("pods", "get list"),
        ("pods/log", "get"),
        ("events", "list"),
    )
    for verb in verbs.split()
)
# What an account may lack.
SEE_NAMESPACE = ("get", "namespaces")
# What kubectl prints of an answer: the context's namespace, and whether a review allows what it is about.
NAMESPACE = "jsonpath={..namespace}"
ALLOWED = 'jsonpath={.status.allowed}{"\\n"}'
# Reasons of a waiting container with which it never starts.
HOPELESS = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
)
# What kubectl prints where the cluster doesn't answer for now.
PASSING = ("connection refused", "i/o timeout", "tls handshake timeout", "eof", "etcdserver", "too many requests")


@dataclass(frozen=True, slots=True)
class Kubernetes:
    """A target in a cluster; ``name`` is the app.kubernetes.io/instance of all its objects."""

    session: Session
    name: str
    key: str
    context: str | None
    target: Target

    def require(self) -> None:
        """Raise EngineError for each right that is missing, before anything is changed."""
        if self.session.dry_run:
            return
        answer = self._read("get", "--raw", "/version")
        if answer.exit_code:
            raise self._unreachable(answer)
        namespace = self.target.namespace
        missing = self._missing_rights()
        # An account may work in a namespace without the right to see it.
        sees = SEE_NAMESPACE not in missing
        if namespace is not None and sees and self._get("namespace", namespace) is None:
            raise EngineError(
                f"there is no namespace {namespace} in the cluster", hint=f"kubectl create namespace {namespace}"
            )
        required = [" ".join(right) for right in missing if right != SEE_NAMESPACE]
        if required:
            where = f" in the namespace {namespace}" if namespace else ""
            raise EngineError(
                f"the cluster doesn't let you {', '.join(required)}{where}",
                hint="a Role with these rules, bound to whoever deploys, gives the rights",
            )

    def _missing_rights(self) -> list[tuple[str, str]]:
        """Return the rights that the account lacks, all with one call."""
        namespace = self.target.namespace or self._read("config", "view", "--minify", "--output", NAMESPACE).stdout
        rights = (*RIGHTS, SEE_NAMESPACE)
        reviews = [
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": {"namespace": namespace or "default", "verb": verb, **_resource(name)}},
            }
            for verb, name in rights
        ]
        listed = {"apiVersion": "v1", "kind": "List", "items": reviews}
        answer = self._read("create", "--filename", "-", "--output", ALLOWED, stdin=listed)
        if answer.exit_code:
            raise self._unreachable(answer)
        allowed = answer.stdout.split()
        return [right for right, answered in zip(rights, allowed, strict=True) if answered != "true"]

    # The lock: a Lease; making one is atomic, and so is replacing one of a known version.

    def holder(self) -> Holder | None:
        lease = self._get("lease", lock_name(self.name))
        if lease is None:
            return None
        spec, meta = lease["spec"], lease["metadata"]
        beat = str(spec.get("renewTime") or meta["creationTimestamp"])
        return Holder.parse((meta.get("annotations") or {}).get(LOCK, "{}"), _to_the_second(beat), str(meta["uid"]))

    def take_lock(self, holder: Holder) -> Holder | None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        lease = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": lock_name(self.name), "annotations": {LOCK: holder.json()}},
            "spec": {
                "holderIdentity": holder.by,
                "leaseDurationSeconds": EXPIRY,
                "acquireTime": now,
                "renewTime": now,
            },
        }
        made = self._kubectl("create", "--filename", "-", "--output", "json", stdin=lease)
        if made.exit_code:
            if any("AlreadyExists" in line or "already exists" in line for line in made.tail):
                return None
            raise self._refused("make the lock", made)
        uid = json.loads(made.stdout)["metadata"]["uid"] if made.stdout else ""
        return Holder.parse(holder.json(), holder.since, uid)

    def renew_lock(self, lock: Holder) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        patch = json.dumps({"metadata": {"uid": lock.id}, "spec": {"renewTime": now}})
        self._read("patch", "lease", lock_name(self.name), "--type", "merge", "--patch", patch)

    def free_lock(self, lock: Holder) -> None:
        """Delete the Lease; the API server refuses to delete another one of this name by the uid."""
        now = self.holder()
        if now is None or now.id == lock.id:
            self._kubectl("delete", "lease", lock_name(self.name), "--ignore-not-found", "--wait=false")

    # The history: one ConfigMap with a key for each revision.

    def history(self) -> tuple[Record, ...]:
        found = self._get("configmap", self._history)
        return in_order(Record.parse(text) for text in ((found or {}).get("data") or {}).values())

    @property
    def _history(self) -> str:
        return f"relbuild-history-{self.name}"

    def keep(self, record: Record) -> None:
        others = [each for each in self.history() if each.revision != record.revision]
        kept = in_order([record, *others])[:LENGTH]
        self._apply(
            [
                {
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": self._history},
                    "data": {f"revision-{each.revision}": each.json() for each in kept},
                }
            ],
            "keep the record of the deployment",
        )

    # What runs.

    def running(self) -> Running | None:
        deployments = self._own("deployment")
        if not deployments:
            return None
        pods = self._own("pod")
        template = deployments[0]["spec"]["template"]
        annotations = template["metadata"].get("annotations") or {}
        return Running(
            digest=annotations.get(SPEC_LABEL, ""),
            revision=int(annotations.get(REVISION_LABEL, 0)),
            image=str(template["spec"]["containers"][0]["image"]),
            version=annotations.get(OCI_VERSION, ""),
            copies=tuple(
                _copy(pod)
                for pod in pods
                if pod["metadata"]["labels"].get(ROLE_LABEL) != "migration"
                # Those that are being stopped are of a version that was replaced.
                and "deletionTimestamp" not in pod["metadata"]
            ),
            wanted={
                each["metadata"]["labels"].get(ROLE_LABEL, WEB): int(each["spec"]["replicas"]) for each in deployments
            },
        )

    def place(self) -> Place:
        return Place(DEPLOYMENT, self.name, self.target.namespace, Endpoint(self.context))

    def provide(self, image: str) -> str:
        # The nodes pull it themselves.
        return image

    def render(self, deployment: Deployment, revision: int) -> str:
        import yaml

        documents = (*self._manifests(deployment, revision), *self._further())
        return str(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=120))

    def store_secrets(self, deployment: Deployment, values: Mapping[str, str]) -> None:
        self._apply([kubernetes.secret(deployment, values)], "make the Secret")

    def migrate(self, deployment: Deployment, argv: tuple[str, ...]) -> None:
        name = f"{self.name}-migration"
        job = kubernetes.migration(deployment, name, argv, deployment.wait)
        self._kubectl("delete", "job", name, "--ignore-not-found", "--wait=true")
        self._apply([job], "make the migration's Job")
        if self.session.dry_run:
            return
        try:
            self._await_job(deployment, name)
        finally:
            # Its pod, with the log, goes with it; the log is in the message.
            self._kubectl("delete", "job", name, "--ignore-not-found", "--wait=false")

    def _await_job(self, deployment: Deployment, name: str) -> None:
        deadline = time.monotonic() + deployment.wait + 10
        while True:
            job = self._get("job", name) or {}
            status = job.get("status") or {}
            conditions = {each["type"]: each for each in status.get("conditions") or () if each["status"] == "True"}
            # The pod of an earlier Job of this name may be there for a while after it.
            uid = (job.get("metadata") or {}).get("uid")
            pods = [pod for pod in self._list("pod", f"job-name={name}") if _owner(pod) == uid]
            if "Complete" in conditions or "Failed" in conditions:
                log = last_lines(self.session, (*self._argv, "logs", f"job/{name}", "--tail", "25")) if pods else ()
                if "Complete" in conditions:
                    for line in log:
                        self.session.note(f"  {line}")
                    return
                if conditions["Failed"].get("reason") == "DeadlineExceeded":
                    raise TimedOut(
                        f"the migration had not ended after {deployment.wait} s, and was ended; the old version serves",
                        hint="wait: SECONDS of the target gives it longer",
                    )
                why = conditions["Failed"].get("message") or "its pod failed"
                hint = "nothing was replaced: fix the migration and deploy again"
                raise failed("the migration failed", why, log, hint, serves=self._serves())
            stuck = next((why for pod in pods if (why := _waits_for_ever(pod))), None)
            if stuck is not None or time.monotonic() > deadline:
                why = stuck or "its pod didn't start"
                events = self._events(pods[0]["metadata"]["name"]) if pods else ()
                raise failed("the migration didn't start", why, events, serves=self._serves())
            time.sleep(PAUSE)

    def roll_out(self, deployment: Deployment, revision: int) -> None:
        before = {each["metadata"]["name"] for each in self._own("deployment")}
        self._apply([*self._manifests(deployment, revision), *self._further()], "apply the manifests")
        if self.session.dry_run:
            for service in deployment.services:
                self._kubectl("rollout", "status", f"deployment/{kubernetes.object_name(deployment, service.role)}")
            return
        begun = time.monotonic()
        try:
            while not self._is_out(deployment, revision):
                if time.monotonic() - begun > deployment.wait:
                    raise self._unhealthy(deployment, revision, f"it wasn't healthy within {deployment.wait} s")
                time.sleep(PAUSE)
        except BaseException:
            # Also when relbuild is interrupted: what was begun is taken back.
            for service in deployment.services:
                name = kubernetes.object_name(deployment, service.role)
                if name in before:
                    self._kubectl("rollout", "undo", f"deployment/{name}")
                else:
                    self._kubectl("delete", "deployment", name, "--ignore-not-found", "--wait=false")
            raise
        self.session.note(f"{self.name}: healthy after {time.monotonic() - begun:.1f} s")
        self._drop_roles(deployment)

    def _manifests(self, deployment: Deployment, revision: int) -> tuple[dict[str, Any], ...]:
        wanted = {
            each["metadata"]["labels"].get(ROLE_LABEL, WEB): int(each["spec"]["replicas"])
            for each in self._own("deployment")
        }
        return kubernetes.manifests(deployment, revision, wanted, self._policy())

    def _policy(self) -> str:
        versions = self._read("api-versions").stdout.split()
        return "policy/v1" if "policy/v1" in versions or not versions else "policy/v1beta1"

    def _further(self) -> list[dict[str, Any]]:
        """Return the objects of the files under manifests:; raise UsageError for one that is no YAML."""
        import yaml

        root = self.session.config_file.parent if self.session.config_file is not None else self.session.root
        found: list[dict[str, Any]] = []
        for file in self.target.manifests:
            try:
                found += [each for each in yaml.safe_load_all(Path(root, file).read_text()) if each is not None]
            except OSError as error:
                raise UsageError(f"the manifest {file}: {(error.strerror or '').lower()}") from error
            except yaml.YAMLError as error:
                mark = getattr(error, "problem_mark", None)
                at = Mark(file, mark.line + 1, mark.column + 1) if mark is not None else None
                raise UsageError(f"the manifest {file} is no YAML", at=at) from error
        return found

    def _is_out(self, deployment: Deployment, revision: int) -> bool:
        """Return whether all roles have the new version; raise DeployError where one can't get it."""
        out = True
        pods = self._own("pod")
        for service in deployment.services:
            found = self._get("deployment", kubernetes.object_name(deployment, service.role))
            if found is None:
                raise self._unhealthy(deployment, revision, "somebody deleted its Deployment meanwhile")
            status, wanted = found.get("status") or {}, int(found["spec"]["replicas"])
            for condition in status.get("conditions") or ():
                if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
                    raise self._unhealthy(deployment, revision, str(condition.get("message")))
            new = [pod for pod in pods if _is_of(pod, service.role, deployment.image)]
            for pod in new:
                if why := _waits_for_ever(pod) or _crash_loop(pod):
                    raise self._unhealthy(deployment, revision, why, pod)
            current = int(status.get("observedGeneration") or 0) >= int(found["metadata"]["generation"])
            updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
            if not current or updated < wanted or available < wanted or int(status.get("replicas") or 0) > updated:
                out = False
        return out

    def _unhealthy(self, deployment: Deployment, revision: int, why: str, pod: Any = None) -> DeployError:
        roles = [service.role for service in deployment.services]
        pods = [each for each in self._own("pod") if any(_is_of(each, role, deployment.image) for role in roles)]
        worst = pod or next((each for each in pods if not _is_ready(each)), None)
        log: tuple[str, ...] = ()
        check = ""
        if worst is not None:
            name = worst["metadata"]["name"]
            again = ("--previous",) if _restarts(worst) else ()
            log = last_lines(self.session, (*self._argv, "logs", name, "--tail", "25", *again))
            events = self._events(name)
            check = next((each for each in reversed(events) if "probe failed" in each.lower()), "")
            log = (*log, *events[-5:])
        cause = health.usual_cause(deployment.probe, check, log, None)
        return failed(f"{self.name} {deployment.version} isn't healthy", why, log, cause or None, serves=self._serves())

    def _events(self, pod: str | None = None) -> tuple[str, ...]:
        selector = ("--field-selector", f"involvedObject.name={pod}") if pod else ()
        answer = self._read("get", "events", "--sort-by", ".lastTimestamp", "--output", "json", *selector)
        found = json.loads(answer.stdout)["items"] if answer.exit_code == 0 and answer.stdout else []
        return tuple(f"{each['reason']}: {each['message']}" for each in found if each["type"] == "Warning")[-10:]

    def _drop_roles(self, deployment: Deployment) -> None:
        """Delete what belongs to a role that relbuild.yml no longer has; only objects of this deployment."""
        roles = ",".join((*(service.role for service in deployment.services), "migration"))
        selector = f"{kubernetes.selector(self.name)},{ROLE_LABEL},{ROLE_LABEL} notin ({roles})"
        kinds = "deployments,services,poddisruptionbudgets"
        self._kubectl("delete", kinds, "--selector", selector, "--ignore-not-found", "--wait=false")

    def prune(self, deployment: Deployment, images: Sequence[str]) -> None:
        """Delete the Secrets that no revision in Kubernetes' own history refers to."""
        used = {
            env["valueFrom"]["secretKeyRef"]["name"]
            for each in self._own("replicaset")
            for container in each["spec"]["template"]["spec"]["containers"]
            for env in container.get("env") or ()
            if "secretKeyRef" in (env.get("valueFrom") or {})
        }
        current = kubernetes.secret_name(deployment) if deployment.secrets else ""
        old = [
            each["metadata"]["name"]
            for each in self._own("secret")
            if each["metadata"]["name"] not in used and each["metadata"]["name"] != current
        ]
        if old:
            self._kubectl("delete", "secret", *old, "--ignore-not-found", "--wait=false")

    def remove(self) -> tuple[str, ...]:
        kinds = "deployments,services,poddisruptionbudgets,secrets,jobs"
        done = self._kubectl(
            "delete", kinds, "--selector", kubernetes.selector(self.name), "--ignore-not-found", "--output", "name"
        )
        return tuple(done.stdout.split())

    def logs(self, options: tuple[str, ...]) -> tuple[str, ...]:
        return (*self._argv, "logs", "--selector", kubernetes.selector(self.name), "--prefix", *options)

    def _serves(self) -> bool:
        return any(
            int((each.get("status") or {}).get("availableReplicas") or 0) > 0 for each in self._own("deployment")
        )

    @property
    def _argv(self) -> tuple[str, ...]:
        context = ("--context", self.context) if self.context is not None else ()
        namespace = ("--namespace", self.target.namespace) if self.target.namespace is not None else ()
        return ("kubectl", *context, *namespace)

    def _own(self, kind: str) -> list[Any]:
        return self._list(kind, kubernetes.selector(self.name))

    def _list(self, kind: str, selector: str) -> list[Any]:
        answer = self._read("get", kind, "--selector", selector, "--output", "json")
        if answer.exit_code:
            raise self._unreachable(answer)
        return list(json.loads(answer.stdout)["items"]) if answer.stdout else []

    def _get(self, kind: str, name: str) -> Any:
        answer = self._read("get", kind, name, "--ignore-not-found", "--output", "json")
        if answer.exit_code:
            raise self._unreachable(answer)
        return json.loads(answer.stdout) if answer.stdout.strip() else None

    def _apply(self, objects: Sequence[Mapping[str, Any]], what: str) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        words = ("apply", "--server-side", "--force-conflicts", "--field-manager", kubernetes.FIELD_MANAGER)
        done = self._kubectl(*words, "--filename", "-", stdin=listed)
        if done.exit_code:
            raise self._refused(what, done)

    def _kubectl(self, *words: str, stdin: Mapping[str, Any] | None = None) -> Outcome:
        feed = b"" if stdin is None else json.dumps(stdin).encode()
        return self.session.runner.captured((*self._argv, *words), handling=Handling(stdin=False, feed=feed))

    def _read(self, *words: str, stdin: Mapping[str, Any] | None = None) -> Outcome:
        """Read of the cluster, also in a dry run."""
        from relbuild.engine.runner import Subprocesses

        runner = Subprocesses() if self.session.dry_run else self.session.runner
        feed = b"" if stdin is None else json.dumps(stdin).encode()
        return runner.captured((*self._argv, *words), handling=Handling(stdin=False, feed=feed))

    def _refused(self, what: str, outcome: Outcome) -> CommandFailed:
        why = outcome.tail[-1] if outcome.tail else f"kubectl exited with {outcome.exit_code}"
        return CommandFailed(f"can't {what}: {why}", hint="kubectl's message is above")

    def _unreachable(self, outcome: Outcome) -> EngineError | PassingFault:
        why = outcome.tail[-1] if outcome.tail else f"kubectl exited with {outcome.exit_code}"
        kind = PassingFault if any(each in why.lower() for each in PASSING) else EngineError
        context = f" of the context {self.context}" if self.context else ""
        return kind(
            f"the cluster{context} doesn't answer: {why}", hint="kubectl config get-contexts lists the contexts"
        )


def _resource(name: str) -> dict[str, str]:
    """Return the attributes of a resource such as ``deployments.apps`` or ``pods/log``."""
    path, _, group = name.partition(".")
    resource, _, subresource = path.partition("/")
    return {"group": group, "resource": resource, "subresource": subresource}


def _is_of(pod: Any, role: str, image: str) -> bool:
    return (
        pod["metadata"]["labels"].get(ROLE_LABEL) == role
        and pod["spec"]["containers"][0]["image"] == image
        and "deletionTimestamp" not in pod["metadata"]
    )


def _owner(pod: Any) -> str | None:
    """Return the uid of the object that made a pod."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((str(each["uid"]) for each in owners if each.get("controller")), None)


def _statuses(pod: Any) -> list[Any]:
    return list((pod.get("status") or {}).get("containerStatuses") or ())


def _is_ready(pod: Any) -> bool:
    statuses = _statuses(pod)
    return bool(statuses) and all(each.get("ready") for each in statuses)


def _restarts(pod: Any) -> int:
    return sum(int(each.get("restartCount") or 0) for each in _statuses(pod))


def _waits_for_ever(pod: Any) -> str | None:
    for each in _statuses(pod):
        waiting = (each.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") in HOPELESS:
            return f"{waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    return None


def _crash_loop(pod: Any) -> str | None:
    for each in _statuses(pod):
        state = each.get("state") or {}
        ended = (each.get("lastState") or {}).get("terminated") or state.get("terminated")
        restarts = int(each.get("restartCount") or 0)
        # The second start ended as well, and the kubelet waits before the third.
        backs_off = restarts > 0 and (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"
        if ended and (restarts >= RESTARTS or backs_off):
            memory = " (out of memory)" if ended.get("reason") == "OOMKilled" else ""
            starts = int(each["restartCount"]) + 1
            return f"it ended with exit code {ended.get('exitCode')}{memory} and was started {starts} times"
    return None


def _copy(pod: Any) -> Copy:
    phase = str((pod.get("status") or {}).get("phase", "")).lower()
    checked = "readinessProbe" in pod["spec"]["containers"][0]
    state = ("healthy" if checked else "running") if _is_ready(pod) else "starting" if phase == "running" else phase
    detail = _waits_for_ever(pod) or _crash_loop(pod) or ""
    return Copy(
        pod["metadata"]["name"],
        pod["metadata"]["labels"].get(ROLE_LABEL, WEB),
        state,
        detail,
        str(pod["metadata"].get("uid", "")),
    )


def _to_the_second(time_of_cluster: str) -> str:
    return datetime.fromisoformat(time_of_cluster.replace("Z", "+00:00")).replace(microsecond=0).isoformat()
