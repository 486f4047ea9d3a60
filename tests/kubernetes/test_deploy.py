"""Deployments to a real cluster, and what remains when one fails: the old version, and nothing else."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from relbuild.commands.targets.kubernetes import RIGHTS
from tests.engine.conftest import answers
from tests.kubernetes.conftest import NODE_PORT, REGISTRY_PORT, SERVED_PORT

PROJECT = Path(__file__).parents[1] / "engine" / "projects" / "served"
SECRET = "open-sesame-of-the-tests"
Relbuild = Callable[..., Any]
# The faults after which the old version served: printed at the end.
TABLE: list[str] = []

# Not of relbuild's own: it goes with the deployment as one of manifests:, and opens a port of the node.
NODE_PORT_SERVICE = f"""
apiVersion: v1
kind: Service
metadata: {{name: served-from-outside}}
spec:
  type: NodePort
  selector: {{app.kubernetes.io/instance: served, io.relbuild.role: web}}
  ports: [{{port: 4000, targetPort: 4000, protocol: TCP, nodePort: {NODE_PORT}}}]
"""


@pytest.fixture(scope="module")
def base(relbuild: Relbuild, cleanup: Any, run_id: str) -> str:
    """Return an image of the served application, version 1.0.0, before it is pushed."""
    reference = cleanup.image(f"127.0.0.1:{REGISTRY_PORT}/served-{run_id}:1.0.0")
    built = relbuild("image", "-C", str(PROJECT), "-t", reference, "--no-verify")
    assert built.exit_code == 0, built.stderr
    return str(reference)


@pytest.fixture(scope="module")
def variant(base: str, docker: Any, cleanup: Any, registry: str) -> Callable[..., str]:
    """Return a function that pushes a version of the image, once; the variables make it fail."""
    pushed = set()

    def make(version: str, **env: str) -> str:
        reference = f"{base.rpartition(':')[0]}:{version}"
        if reference not in pushed:
            pushed.add(cleanup.image(reference))
            words = "".join(f"ENV {name}={value}\n" for name, value in {"SERVED_VERSION": version, **env}.items())
            dockerfile = f"FROM {base}\nLABEL io.relbuild.version={version}\n{words}"
            docker("build", "--quiet", "--tag", reference, "-", stdin=dockerfile)
            docker("push", "--quiet", reference)
        return reference

    return make


@dataclass(slots=True)
class Site:
    """A target with an application of the tests'; ``deploy`` runs relbuild deploy there."""

    relbuild: Relbuild
    kubectl: Any
    directory: Path
    serves: str = ""
    env: dict[str, str] = field(default_factory=lambda: {"SERVED_SECRET": SECRET})

    def __call__(self, verb: str, *words: str, env: dict[str, str] | None = None) -> Any:
        return self.relbuild(verb, *words, cwd=self.directory, env={**self.env, **(env or {})})

    def deploy(self, image: str, *words: str, env: dict[str, str] | None = None) -> Any:
        return self("deploy", "production", "--image", image, *words, env=env)

    def moves_to(self, image: str) -> None:
        """Fail where the image, whose tag is its version, can't be deployed."""
        done = self.deploy(image)
        assert done.exit_code == 0, done.stderr
        self.serves = image.rpartition(":")[2]
        assert self.get() == self.serves

    def start(self, image: str) -> subprocess.Popen[str]:
        """Start a deployment that goes on beside the test."""
        argv = (sys.executable, "-m", "relbuild", "deploy", "production", "--image", image)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(argv, cwd=self.directory, env={**os.environ, **self.env}, text=True, **pipes)

    def get(self, path: str = "/", timeout: float = 10) -> str:
        """Return what a pod answers to a request from outside of the cluster."""
        with urllib.request.urlopen(f"http://127.0.0.1:{SERVED_PORT}{path}", timeout=timeout) as answer:
            return str(answer.read().decode())

    def write(self, **changes: str) -> None:
        """Write relbuild.yml, with other values of the target's keys."""
        keys = {
            "engine": "kubernetes",
            "namespace": self.kubectl.namespace,
            "name": "served",
            "replicas": "2",
            "publish": "['80:4000']",
            "manifests": "[outside.yaml]",
            "secrets": "[SERVED_SECRET]",
            "wait": "90",
            "stop_timeout": "20",
            **changes,
        }
        target = "".join(f"    {key}: {value}\n" for key, value in keys.items())
        (self.directory / "relbuild.yml").write_text(
            "release: served\nhealthcheck: {path: /health, port: 4000}\ntargets:\n  production:\n" + target
        )

    def names(self, kind: str) -> list[str]:
        return str(self.kubectl("get", kind, "--output", "name")).split()

    def left_over(self) -> list[str]:
        """Return what only a deployment under way has: the lock, the migration, pods that aren't the version's."""
        pods = json.loads(self.kubectl("get", "pods", "--output", "json"))["items"]
        versions = {
            pod["metadata"]["name"]: pod["metadata"]["labels"].get("app.kubernetes.io/version")
            for pod in pods
            if "deletionTimestamp" not in pod["metadata"]
        }
        others = [name for name, version in versions.items() if version != self.serves]
        return [*self.names("lease"), *self.names("job"), *others]


@pytest.fixture(scope="module")
def site(
    relbuild: Relbuild,
    kubectl: Any,
    variant: Callable[..., str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Site:
    """Return a target at which version 1.0.0 is deployed."""
    one = Site(relbuild, kubectl, tmp_path_factory.mktemp("kubernetes"))
    (one.directory / "outside.yaml").write_text(NODE_PORT_SERVICE)
    one.write()
    one.moves_to(variant("1.0.0"))
    return one


@pytest.fixture
def serving(site: Site, variant: Callable[..., str], wait: Any) -> Iterator[Site]:
    """Give the target while it serves `site.serves`; after the test it has to be unlocked, with nothing left over."""
    if site.left_over() or site.get() != site.serves:  # the test before failed
        site("lock", "release", "production")
        site.moves_to(variant("1.0.0"))
    yield site
    site.write()
    nothing_is_left_over(site, wait)


def nothing_is_left_over(site: Site, wait: Any) -> None:
    wait(lambda: not site.left_over(), "an end without anything left over", lambda: str(site.left_over()))


def still_serves(site: Site, variant: Callable[..., str], wait: Any, fault: str) -> None:
    """Fail where a deployment that failed changed anything, or the next one doesn't work."""
    assert site.get() == site.serves
    nothing_is_left_over(site, wait)
    site.write()
    site.moves_to(variant("1.1.0" if site.serves != "1.1.0" else "1.2.0"))
    TABLE.append(fault)


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    width = max((len(each) for each in TABLE), default=0)
    lines = [f"{'fault':<{width}}  kubernetes", *(f"{fault:<{width}}  held" for fault in TABLE)]
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n" + "\n".join(lines))  # noqa: T201


class Load:
    """Requests of a second process, one after the other, until the end of the block or the 5000th."""

    PROGRAM = (
        "import sys, time, urllib.request\n"
        "for _ in range(5000):\n"
        "    try:\n"
        "        with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:\n"
        "            print(answer.read().decode(), flush=True)\n"
        "    except OSError as error:\n"
        "        print(f'failed: {error}', flush=True)\n"
        "    time.sleep(0.05)\n"
    )

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> Load:
        argv = (sys.executable, "-c", self.PROGRAM, f"http://127.0.0.1:{SERVED_PORT}{self._path}")
        self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        self.seen: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        return self

    def _read(self) -> None:
        assert self._process.stdout is not None
        self.seen += [line.strip() for line in self._process.stdout]

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()
        self._reader.join()


def test_versions_under_load_and_back(site: Site, variant: Callable[..., str], wait: Any) -> None:
    with Load("/") as load, Load("/slow") as slow, Load("/slow") as slower:
        for version in ("2.0.0", "3.0.0"):
            site.moves_to(variant(version))
        back = site("rollback", "production")
        assert back.exit_code == 0, back.stderr
        site.serves = "2.0.0"
        assert site.get() == site.serves
        nothing_is_left_over(site, wait)
    # Each was open for 5 s, and one of the two at any time: also those that a pod got just before it stopped.
    assert set(slow.seen + slower.seen) == {"slow"}
    failures = [each for each in load.seen if each.startswith("failed")]
    assert len(load.seen) > 100
    assert failures == [], f"{len(failures)} of {len(load.seen)} requests failed"
    assert set(load.seen) == {"1.0.0", "2.0.0", "3.0.0"}
    history = json.loads(site("history", "production", "--json").stdout)["data"]["records"]
    assert [each["version"] for each in history][:4] == ["2.0.0", "3.0.0", "2.0.0", "1.0.0"]
    assert all("@sha256:" in each["image"] for each in history)
    TABLE.append("v1, v2, v3 and back under load")


def test_the_same_deployment_again_changes_nothing(serving: Site, variant: Callable[..., str]) -> None:
    before = serving.names("pod")
    again = serving.deploy(variant(serving.serves), "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["data"]["changed"] is False
    assert serving.names("pod") == before


def test_a_secret_is_in_its_secret_and_nowhere_else(serving: Site, variant: Callable[..., str]) -> None:
    image = variant(serving.serves)
    assert serving.get("/secret") == SECRET
    another = {"SERVED_SECRET": "another-one"}
    shown = [
        *(serving.deploy(image, "--render", env=each).stdout for each in (serving.env, another)),
        serving.deploy(image, "--dry-run", "-v", env=another).stderr,
        serving("status", "production", "--json").stdout,
        serving("history", "production", "--json").stdout,
        serving.kubectl(
            *("get", "deployments,replicasets,pods,services,configmaps,events", "--output", "json"),
        ),
    ]
    values = (SECRET, "another-one")
    encoded = tuple(base64.b64encode(each.encode()).decode() for each in values)
    assert all(shown)
    assert not [each for each in shown for value in (*values, *encoded) if value in each]
    secrets = json.loads(serving.kubectl("get", "secrets", "--output", "json"))["items"]
    mine = [each for each in secrets if each["type"] == "Opaque"]
    assert [each["immutable"] for each in mine] == [True]
    assert mine[0]["data"] == {"SERVED_SECRET": encoded[0]}


def test_another_secret_is_another_version(serving: Site, variant: Callable[..., str]) -> None:
    serving.env["SERVED_SECRET"] = "another-one"
    serving.moves_to(variant(serving.serves))
    assert serving.get("/secret") == "another-one"


FAULTS = {
    "an image that won't boot": ({"CRASH": "1"}, "exit code 1"),
    "health that fails": ({"DEAF": "1"}, "500"),
    "a migration that fails": ({"FAIL_MIGRATION": "1"}, "the migration fails"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_old_version_serves(serving: Site, variant: Callable[..., str], wait: Any, fault: str) -> None:
    env, message = FAULTS[fault]
    serving.write(wait="20")
    failed = serving.deploy(variant(f"9.0.{list(FAULTS).index(fault)}", **env))
    assert failed.exit_code == 5, failed.stderr
    assert message in failed.stderr
    assert "the old version serves" in failed.stderr
    still_serves(serving, variant, wait, fault)


def test_a_migration_that_hangs_is_ended(serving: Site, variant: Callable[..., str], wait: Any) -> None:
    serving.write(wait="15")
    hung = serving.deploy(variant("9.1.0", HANG_MIGRATION="1"))
    assert hung.exit_code == 124, hung.stderr
    still_serves(serving, variant, wait, "a migration that hangs")


def test_healthy_only_after_a_while(serving: Site, variant: Callable[..., str]) -> None:
    serving.write(wait="180")
    serving.moves_to(variant("2.5.0", LATE="25"))
    TABLE.append("healthy only after 25 s")


def test_a_registry_that_is_away(
    serving: Site, variant: Callable[..., str], docker: Any, registry: str, wait: Any
) -> None:
    image = variant("9.2.0")
    docker("stop", registry)
    try:
        away = serving.deploy(image)
    finally:
        docker("start", registry)
        wait(lambda: answers(f"http://127.0.0.1:{REGISTRY_PORT}/v2/"), "the registry", lambda: docker("logs", registry))
    assert away.exit_code == 5, away.stderr
    assert "ErrImagePull" in away.stderr or "ImagePullBackOff" in away.stderr
    still_serves(serving, variant, wait, "a registry that is away")


def test_a_missing_variable_is_named_before_anything_changes(
    serving: Site, variant: Callable[..., str], wait: Any
) -> None:
    secret = serving.env.pop("SERVED_SECRET")
    try:
        missing = serving.deploy(variant("9.3.0"))
    finally:
        serving.env["SERVED_SECRET"] = secret
    assert missing.exit_code == 2, missing.stderr
    assert "SERVED_SECRET of the target production isn't set" in missing.stderr
    assert serving.get() == serving.serves
    TABLE.append("a missing variable")


def test_two_deployments_at_once(serving: Site, variant: Callable[..., str], wait: Callable[..., None]) -> None:
    first = serving.start(variant("3.0.0", LATE="8"))
    try:
        wait(lambda: serving.names("lease") != [], "the first deployment's lock", lambda: "")
        second = serving.deploy(variant("4.0.0"))
        assert second.exit_code == 6, second.stderr
        assert "has been deploying 3.0.0 since" in second.stderr
        assert "has been deploying 3.0.0" in serving("lock", "show", "production").stdout
    finally:
        _, stderr = first.communicate(timeout=180)
    assert first.returncode == 0, stderr
    serving.serves = "3.0.0"
    assert serving.get() == serving.serves
    TABLE.append("two deployments at once")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("step", ["before the migration", "during the rollout"])
def test_relbuild_is_killed(
    serving: Site, variant: Callable[..., str], wait: Callable[..., None], sign: signal.Signals, step: str
) -> None:
    migration = step == "before the migration"
    killed = serving.start(variant("7.0.0", HANG_MIGRATION="1") if migration else variant("7.1.0", LATE="60"))
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(killed.stderr.readline, "")), daemon=True)  # type: ignore[union-attr]
    reader.start()
    # Until the cluster has begun what the signal interrupts.
    begun = (
        (lambda: serving.names("job") != [])
        if migration
        else (lambda: any(line.startswith("== rollout") for line in list(lines)) and len(serving.names("pod")) > 2)
    )
    wait(begun, step, lambda: "".join(lines))
    killed.send_signal(sign)
    killed.wait(60)
    assert serving.get() == serving.serves
    if sign == signal.SIGKILL:
        # Nobody frees its lock, until it has expired or somebody frees it.
        held = serving.deploy(variant("8.0.0"))
        assert held.exit_code == 6, held.stderr
        freed = serving("lock", "release", "production")
        assert freed.exit_code == 0, freed.stderr
        serving.moves_to(variant("1.1.0" if serving.serves != "1.1.0" else "1.2.0"))
        TABLE.append(f"SIGKILL {step}")
    else:
        assert killed.returncode == 143
        still_serves(serving, variant, wait, f"SIGTERM {step}")


@pytest.mark.parametrize("change", ["scaled to none", "another image"])
def test_a_target_that_somebody_changed_by_hand(
    serving: Site, variant: Callable[..., str], wait: Callable[..., None], change: str
) -> None:
    image = variant(serving.serves)
    if change == "scaled to none":
        serving.kubectl("scale", "deployment/served", "--replicas", "0")
        wait(lambda: serving.names("pod") == [], "the end of the pods", lambda: "")
    else:
        serving.kubectl("set", "image", "deployment/served", f"release={variant('6.0.0')}")
        wait(lambda: serving.get() == "6.0.0", "the other image", lambda: "")
    serving.moves_to(image)
    TABLE.append(f"changed by hand: {change}")


def account(serving: Site, rules: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the environment in which kubectl acts as an account that has these rights in the namespace alone."""
    documents = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "deployer"}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "deployer"},
            "rules": [
                {
                    "verbs": [verb],
                    "apiGroups": [resource.partition(".")[2]],
                    "resources": [resource.partition(".")[0]],
                }
                for verb, resource in rules
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "deployer"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer"},
            "subjects": [{"kind": "ServiceAccount", "name": "deployer", "namespace": serving.kubectl.namespace}],
        },
    ]
    serving.kubectl(
        "apply", "--filename", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    )
    configuration = json.loads(serving.kubectl("config", "view", "--raw", "--output", "json"))
    secrets = json.loads(serving.kubectl("get", "secrets", "--output", "json"))["items"]
    token = next(each["data"]["token"] for each in secrets if each["metadata"]["name"].startswith("deployer-token"))
    configuration["users"][0]["user"] = {"token": base64.b64decode(token).decode()}
    file = serving.directory / "deployer.conf"
    file.write_text(json.dumps(configuration))
    return {"KUBECONFIG": str(file)}


def test_the_rights_that_are_required_are_enough(serving: Site, variant: Callable[..., str], wait: Any) -> None:
    env = account(serving, RIGHTS)
    done = serving.deploy(variant("1.3.0"), env=env)
    assert done.exit_code == 0, done.stderr
    assert "orbidden" not in done.stderr
    serving.serves = "1.3.0"
    serving.write(wait="15")
    failed = serving.deploy(variant("9.7.0", DEAF="1"), env=env)
    assert failed.exit_code == 5, failed.stderr
    assert "500" in failed.stderr
    still_serves(serving, variant, wait, "a deployment with no right too many")


@pytest.mark.parametrize(
    "right", [("create", "jobs.batch"), ("get", "pods/log"), ("delete", "leases.coordination.k8s.io")]
)
def test_rights_that_are_missing(serving: Site, variant: Callable[..., str], right: tuple[str, str]) -> None:
    env = account(serving, tuple(each for each in RIGHTS if each != right))
    generation = ("get", "deployment", "served", "--output", "jsonpath={.metadata.generation}")
    before = serving.kubectl(*generation)
    refused = serving.deploy(variant("9.4.0"), env=env)
    assert refused.exit_code == 4, refused.stderr
    assert f"doesn't let you {' '.join(right)} in the namespace {serving.kubectl.namespace}" in refused.stderr
    assert serving.kubectl(*generation) == before
    TABLE.append(f"a right that is missing: {' '.join(right)}")


@pytest.mark.parametrize("key", ["namespace", "context"])
def test_a_place_that_is_not_there(serving: Site, variant: Callable[..., str], key: str) -> None:
    serving.write(**{key: "nowhere"})
    refused = serving.deploy(variant("9.5.0"))
    assert refused.exit_code == 4, refused.stderr
    assert "nowhere" in refused.stderr
    serving.write()
    assert serving.get() == serving.serves
    TABLE.append(f"a {key} that isn't there")


def test_objects_of_others_stay(serving: Site) -> None:
    serving.kubectl("create", "configmap", "of-somebody-else")
    status = serving("status", "production")
    assert status.exit_code == 0, status.stderr
    assert f"production: {serving.serves}, revision" in status.stdout
    assert "2 of 2 healthy" in status.stdout
    assert serving("lock", "show", "production").stdout == "production isn't locked\n"


def test_undeploy_removes_what_is_relbuilds_own(site: Site, wait: Any) -> None:
    removed = site("undeploy", "production", "--yes")
    assert removed.exit_code == 0, removed.stderr
    wait(lambda: site.names("pod") == [], "the end of the pods", lambda: str(site.names("pod")))
    assert site.names("deployments,poddisruptionbudgets,jobs,leases") == []
    assert "configmap/of-somebody-else" in site.names("configmap")
    assert [each for each in site.names("secret") if each.startswith("secret/served-")] == []
