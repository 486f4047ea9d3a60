"""Deployments to one host and to a swarm, and what remains when one fails: the old version, and nothing else."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parent / "projects" / "served"
ENGINES = ("host", "swarm")
SECRET = "open-sesame-of-the-tests"
Relbuild = Callable[..., Any]
# What was held of each fault at each engine: printed at the end.
TABLE: dict[str, dict[str, str]] = {}


@pytest.fixture(scope="module")
def base(relbuild: Relbuild, cleanup: Any, run_id: str) -> str:
    """Return an image of the served application, version 1.0.0."""
    reference = cleanup.image(f"relbuild-test-served-{run_id}:1.0.0")
    built = relbuild("image", "-C", str(PROJECT), "-t", reference, "--no-verify")
    assert built.exit_code == 0, built.stderr
    return str(reference)


@pytest.fixture(scope="module")
def variant(base: str, docker: Any, cleanup: Any) -> Callable[..., str]:
    """Return a function that gives a version of the image; the variables make it fail."""

    def make(version: str, **env: str) -> str:
        if version == "1.0.0":
            return base
        reference = cleanup.image(f"{base.partition(':')[0]}:{version}")
        words = "".join(f"ENV {name}={value}\n" for name, value in {"SERVED_VERSION": version, **env}.items())
        dockerfile = f"FROM {base}\nLABEL io.relbuild.version={version}\n{words}"
        docker("build", "--quiet", "--tag", reference, "-", stdin=dockerfile)
        return str(reference)

    return make


@dataclass(slots=True)
class Site:
    """A target with an application of the tests'; ``deploy`` runs relbuild deploy there."""

    relbuild: Relbuild
    docker: Any
    directory: Path
    engine: str
    name: str
    port: int
    client: str = ""
    serves: str = "1.0.0"
    env: dict[str, str] = field(default_factory=lambda: {"SERVED_SECRET": SECRET})

    def __call__(self, verb: str, *words: str) -> Any:
        return self.relbuild(verb, "production", *words, cwd=self.directory, env=self.env)

    def deploy(self, image: str, *words: str) -> Any:
        return self("deploy", "--image", image, *words)

    def moves_to(self, image: str) -> None:
        """Fail where the image, whose tag is its version, can't be deployed."""
        done = self.deploy(image)
        assert done.exit_code == 0, done.stderr
        self.serves = image.rpartition(":")[2]
        assert self.get() == self.serves

    def start(self, image: str) -> subprocess.Popen[str]:
        """Start a deployment that goes on beside the test."""
        import os

        argv = (sys.executable, "-m", "relbuild", "deploy", "production", "--image", image)
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(argv, cwd=self.directory, env={**os.environ, **self.env}, text=True, **pipes)

    def get(self, path: str = "/", timeout: float = 5) -> str:
        """Return what a copy answers: through the host's port, of a swarm by the DNS of its network.

        A swarm's ingress needs IPVS of the kernel, which not every machine of the tests has.
        """
        if self.engine == "swarm":
            script = (
                f"ip=$(getent ahostsv4 tasks.{self.name}_web | cut -d ' ' -f 1 | sort -u | shuf -n 1) && "
                f"exec 3<>/dev/tcp/$ip/4000 && printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
            )
            argv = ("docker", "exec", self.client, "bash", "-c", script)
            done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout + 10)
            if done.returncode or "\n\n" not in done.stdout.replace("\r", ""):
                raise OSError(done.stderr or done.stdout)
            return done.stdout.replace("\r", "").partition("\n\n")[2]
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout) as answer:
            return str(answer.read().decode())

    def left_over(self) -> list[str]:
        """Return what only a deployment under way has: a lock, a candidate, a migration."""
        found = self.docker("ps", "--all", "--format", "{{.Names}}").split()
        if self.engine == "swarm":
            found += self.docker("service", "ls", "--format", "{{.Name}}").split()
        return [
            each
            for each in found
            if self.name in each and any(word in each for word in ("lock", "candidate", "migration"))
        ]


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module", params=ENGINES)
def site(
    request: pytest.FixtureRequest,
    relbuild: Relbuild,
    docker: Any,
    base: str,
    run_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Give a target at which version 1.0.0 is deployed, once on a host and once on a swarm."""
    if request.param == "swarm":
        request.getfixturevalue("swarm")
    directory = tmp_path_factory.mktemp(request.param)
    name, port = f"served-{request.param}-{run_id}", free_port()
    host = request.param == "host"
    (directory / "relbuild.yml").write_text(
        "release: served\nhealthcheck: {path: /health, port: 4000}\ntargets:\n  production:\n"
        f"    engine: {request.param}\n    name: {name}\n    replicas: {1 if host else 2}\n"
        + (f"    publish: ['{port}:4000']\n" if host else "")
        + "    secrets: [SERVED_SECRET]\n    wait: 60\n    stop_timeout: 20\n"
    )
    one = Site(relbuild, docker, directory, request.param, name, port)
    try:
        first = one.deploy(base)
        assert first.exit_code == 0, first.stderr
        if request.param == "swarm":
            one.client = f"client-{run_id}"
            network = ("--network", f"{name}_default", "--label", f"io.relbuild.test={run_id}")
            docker("run", "--detach", "--init", "--name", one.client, *network, "debian:trixie-slim", "sleep", "3600")
        yield one
    finally:
        if one.client:
            docker("rm", "--force", one.client)
        one("undeploy", "--yes")
        for kind, listing in (("volume", "volume"), ("config", "config")):
            if kind == "config" and request.param == "host":
                continue
            mine = docker(listing, "ls", "--quiet", "--filter", f"label=io.relbuild.deployment={name}").split()
            if mine:
                docker(kind, "rm", *mine)


@pytest.fixture
def serving(site: Site, base: str, wait: Any) -> Iterator[Site]:
    """Give the target while it serves `site.serves`; after the test it has to be unlocked, with nothing left over."""
    if site.get() != site.serves:  # the test before failed
        site.moves_to(base)
    yield site
    nothing_is_left_over(site, wait)


def nothing_is_left_over(site: Site, wait: Any) -> None:
    """Fail where what only a deployment under way has stays; a swarm removes a service's containers after it."""
    wait(lambda: not site.left_over(), "an end without anything left over", lambda: str(site.left_over()))


def note(fault: str, site: Site, held: str = "held") -> None:
    TABLE.setdefault(fault, {})[site.engine] = held


@pytest.fixture(scope="module", autouse=True)
def table(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    width = max((len(each) for each in TABLE), default=0)
    lines = [f"{'fault':<{width}}  " + "  ".join(f"{each:<8}" for each in ENGINES)]
    lines += [
        f"{fault:<{width}}  " + "  ".join(f"{cells.get(each, '-'):<8}" for each in ENGINES)
        for fault, cells in TABLE.items()
    ]
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n" + "\n".join(lines))  # noqa: T201


class Load:
    """Requests from a second thread, one after the other, until the end of the block."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._over = threading.Event()
        self.seen: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.02):
            try:
                self.seen.append((time.monotonic(), self._site.get()))
            except OSError:
                self.seen.append((time.monotonic(), "failed"))


def test_versions_under_load_and_back(site: Site, base: str, variant: Callable[..., str]) -> None:
    slow: list[str] = []
    with Load(site) as load:
        for version in ("2.0.0", "3.0.0"):
            open_request = threading.Thread(target=lambda: slow.append(site.get("/slow", timeout=30)))
            open_request.start()
            done = site.deploy(variant(version), "--json")
            assert done.exit_code == 0, done.stderr
            data = json.loads(done.stdout)["data"]
            assert (data["version"], data["changed"]) == (version, True)
            assert site.get() == version
            open_request.join()
        back = site("rollback")
        assert back.exit_code == 0, back.stderr
        site.serves = "2.0.0"
        assert site.get() == site.serves
    assert slow == ["slow", "slow"]
    versions = [version for _, version in load.seen]
    failures = versions.count("failed")
    if site.engine == "host":
        assert "the published ports were closed for" in back.stderr
        note("v1, v2, v3 and back under load", site, "gap said")
    else:
        assert failures == 0, f"{failures} of {len(versions)} requests failed"
        note("v1, v2, v3 and back under load", site)
    history = json.loads(site("history", "--json").stdout)["data"]["records"]
    assert [each["version"] for each in history][:4] == ["2.0.0", "3.0.0", "2.0.0", "1.0.0"]


def test_the_same_deployment_again_changes_nothing(serving: Site, variant: Callable[..., str]) -> None:
    before = serving.docker("ps", "--quiet", "--filter", f"label=io.relbuild.deployment={serving.name}")
    again = serving.deploy(variant(serving.serves), "--json")
    assert json.loads(again.stdout)["data"]["changed"] is False
    assert serving.docker("ps", "--quiet", "--filter", f"label=io.relbuild.deployment={serving.name}") == before


def test_a_secret_is_given_and_shown_nowhere(serving: Site, variant: Callable[..., str]) -> None:
    image = variant(serving.serves)
    assert serving.get("/secret") == SECRET
    shown = [
        serving.deploy(image, "--render").stdout,
        serving.deploy(image, "--dry-run", "-v").stderr,
        serving("status", "--json").stdout,
        serving("history", "--json").stdout,
    ]
    containers = serving.docker("ps", "--quiet").split()
    shown.append(serving.docker("inspect", *containers))
    if serving.engine == "swarm":
        shown.append(serving.docker("service", "inspect", f"{serving.name}_web"))
    assert all(SECRET not in each for each in shown)


def test_another_secret_is_another_version(serving: Site, variant: Callable[..., str]) -> None:
    serving.env["SERVED_SECRET"] = "another-one"
    serving.moves_to(variant(serving.serves))
    assert serving.get("/secret") == "another-one"
    kind = "volume" if serving.engine == "host" else "secret"
    mine = ("--filter", f"label=io.relbuild.deployment={serving.name}", "--format", "{{.Name}}")
    secrets = [each for each in serving.docker(kind, "ls", *mine).split() if "history" not in each]
    assert len(secrets) == 1, "the secret that was replaced is removed"


FAULTS = {
    "an image that won't boot": ({"CRASH": "1"}, "exit code"),
    "health that fails": ({"DEAF": "1"}, "500"),
    "a migration that fails": ({"FAIL_MIGRATION": "1"}, "the migration fails"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_old_version_serves(serving: Site, variant: Callable[..., str], wait: Any, fault: str) -> None:
    env, message = FAULTS[fault]
    (serving.directory / "relbuild.yml").write_text(
        (serving.directory / "relbuild.yml").read_text().replace("wait: 60", "wait: 12")
    )
    try:
        failed = serving.deploy(variant("9.0.0", **env))
    finally:
        (serving.directory / "relbuild.yml").write_text(
            (serving.directory / "relbuild.yml").read_text().replace("wait: 12", "wait: 60")
        )
    assert failed.exit_code == 5, failed.stderr
    assert message in failed.stderr
    assert "the old version serves" in failed.stderr
    assert serving.get() == serving.serves
    nothing_is_left_over(serving, wait)
    serving.moves_to(variant("1.0.0" if serving.serves != "1.0.0" else "2.0.0"))
    note(fault, serving)


def test_a_migration_that_hangs_is_ended(serving: Site, variant: Callable[..., str], wait: Any) -> None:
    text = (serving.directory / "relbuild.yml").read_text()
    (serving.directory / "relbuild.yml").write_text(text.replace("wait: 60", "wait: 8"))
    try:
        hung = serving.deploy(variant("9.0.0", HANG_MIGRATION="1"))
    finally:
        (serving.directory / "relbuild.yml").write_text(text)
    assert hung.exit_code == 124, hung.stderr
    assert serving.get() == serving.serves
    nothing_is_left_over(serving, wait)
    note("a migration that hangs", serving)


def test_healthy_only_after_a_while(serving: Site, variant: Callable[..., str]) -> None:
    serving.moves_to(variant("2.5.0", LATE="25"))
    note("healthy only after 25 s", serving)


def test_a_registry_that_is_away(serving: Site) -> None:
    away = serving.deploy(f"127.0.0.1:{free_port()}/served@sha256:{'a' * 64}")
    assert away.exit_code in (1, 75), away.stderr
    assert "can't be pulled" in away.stderr
    assert serving.get() == serving.serves
    note("a registry that is away", serving)


def test_a_missing_variable_is_named_before_anything_changes(serving: Site, variant: Callable[..., str]) -> None:
    secret = serving.env.pop("SERVED_SECRET")
    try:
        missing = serving.deploy(variant("2.0.0"))
    finally:
        serving.env["SERVED_SECRET"] = secret
    assert missing.exit_code == 2, missing.stderr
    assert "SERVED_SECRET of the target production isn't set" in missing.stderr
    assert serving.get() == serving.serves
    note("a missing variable", serving)


def test_two_deployments_at_once(serving: Site, variant: Callable[..., str], wait: Callable[..., None]) -> None:
    first = serving.start(variant("3.0.0", LATE="8"))
    try:
        wait(lambda: "locked" in serving("status").stdout, "the first deployment's lock", lambda: "")
        second = serving.deploy(variant("4.0.0"))
        assert second.exit_code == 6, second.stderr
        assert "has been deploying 3.0.0 since" in second.stderr
        shown = serving.relbuild("lock", "show", "production", cwd=serving.directory, env=serving.env)
        assert "has been deploying 3.0.0" in shown.stdout
    finally:
        _, stderr = first.communicate(timeout=120)
    assert first.returncode == 0, stderr
    serving.serves = "3.0.0"
    assert serving.get() == serving.serves
    note("two deployments at once", serving)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("step", ["before the migration", "during the rollout"])
def test_relbuild_is_killed(
    serving: Site, variant: Callable[..., str], wait: Callable[..., None], sign: signal.Signals, step: str
) -> None:
    slow = {"HANG_MIGRATION": "1"} if step == "before the migration" else {"LATE": "30"}
    killed = serving.start(variant("7.0.0", **slow))
    lines: list[str] = []
    reader = threading.Thread(target=lambda: lines.extend(iter(killed.stderr.readline, "")), daemon=True)  # type: ignore[union-attr]
    reader.start()
    waited = "== migrations" if step == "before the migration" else "== rollout"
    wait(lambda: any(waited in line for line in list(lines)), waited, lambda: "".join(lines))
    time.sleep(1.5)
    killed.send_signal(sign)
    killed.wait(60)
    assert serving.get() == serving.serves
    if sign == signal.SIGKILL:
        # Nobody frees its lock, until it has expired or somebody frees it.
        held = serving.deploy(variant("8.0.0"))
        assert held.exit_code == 6, held.stderr
        freed = serving.relbuild("lock", "release", "production", cwd=serving.directory, env=serving.env)
        assert freed.exit_code == 0, freed.stderr
    else:
        assert killed.returncode == 143
        nothing_is_left_over(serving, wait)
    serving.moves_to(variant("1.0.0" if serving.serves != "1.0.0" else "2.0.0"))
    note(f"{sign.name} {step}", serving)


def test_a_target_that_somebody_changed_by_hand(serving: Site, variant: Callable[..., str]) -> None:
    if serving.engine == "host":
        serving.docker("rm", "--force", *serving.docker("ps", "--quiet", "--filter", f"publish={serving.port}").split())
    else:
        serving.docker("service", "scale", "--detach", f"{serving.name}_web=0")
        time.sleep(1)
    serving.moves_to(variant(serving.serves))
    note("changed by hand", serving)


def test_history_status_and_undeploy(serving: Site) -> None:
    status = serving("status")
    assert status.exit_code == 0, status.stderr
    assert f"production: {serving.serves}, revision" in status.stdout
    assert "healthy" in status.stdout
    logs = serving.relbuild("lock", "show", "production", cwd=serving.directory, env=serving.env)
    assert logs.stdout == "production isn't locked\n"
