"""The places a release's commands run in, for real: a container, a swarm of two nodes behind sshds, and a kubectl.

The kubectl is not real, there is no cluster: it writes down how it was called and runs what it is given in a container.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ENGINE_TESTS = Path(__file__).parents[1]
PROJECT = ENGINE_TESTS / "projects" / "echo"

# ../conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any

KUBECTL = """#!{python}
import json, os, sys
with open({record!r}, "a") as record:
    record.write(json.dumps(sys.argv[1:]) + "\\n")
argv = sys.argv[1:]
if "logs" in argv:
    os.execvp("docker", ["docker", "logs", *argv[argv.index("logs") + 1:-1], {container!r}])
flags = ["--interactive"] * ("--stdin" in argv) + ["--tty"] * ("--tty" in argv)
os.execvp("docker", ["docker", "exec", *flags, {container!r}, *argv[argv.index("--") + 1:]])
"""

RELBUILD_YML = """image: {image}
toolchain: debian
debian: trixie
targets:
  here: {{engine: host}}
  swarm:
    engine: swarm
    host: {manager}
    nodes: {{node-worker: "{worker}"}}
  cluster: {{engine: kubernetes, context: prod, namespace: shop}}
"""


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return when the condition holds; fail when it does not within the seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {seconds:.0f} s", pytrace=False)
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the swarm: a container with an engine of its own, reached through ssh."""

    docker: Docker
    container: str
    endpoint: str

    def __call__(self, *argv: str) -> str:
        return str(self.docker("exec", self.container, "docker", *argv))


@pytest.fixture(scope="session")
def echo_image(relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> str:
    """Return the image of projects/echo, built by relbuild."""
    reference = cleanup.image(f"relbuild-test-echo-{run_id}:1.2.3")
    built = relbuild("image", "-C", str(PROJECT), "-t", reference)
    assert built.exit_code == 0, built.stderr
    return str(reference)


@pytest.fixture(scope="session")
def start(docker: Docker, echo_image: str, labels: tuple[str, ...]) -> Callable[..., str]:
    """Return a function that starts a container of the image and returns its id when its node answers."""

    def started(*options: str, argv: tuple[str, ...] = (), answers: bool = True) -> str:
        hardened = ("--read-only", "--tmpfs", "/tmp", "--init")
        container = str(docker("run", "--detach", *hardened, *labels, *options, echo_image, *argv))
        if answers:
            wait_for(lambda: node_answers(container), f"the node in {container}")
        return container

    return started


def node_answers(container: str) -> bool:
    """Return whether rpc gets an answer from a container's node."""
    ping = ("docker", "exec", container, "/app/bin/echo", "rpc", "1")
    return subprocess.run(ping, capture_output=True).returncode == 0


@pytest.fixture(scope="session")
def container(start: Callable[..., str], run_id: str) -> str:
    """Return the name of a running container that comes up again when it is stopped."""
    start("--name", f"echo-{run_id}", "--restart", "always")
    return f"echo-{run_id}"


@pytest.fixture(scope="session")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a key of the tests' own, and in its bin/ an ssh that uses it and no other."""
    directory = tmp_path_factory.mktemp("ssh")
    key = directory / "id"
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)), check=True)
    shutil.copy(f"{key}.pub", directory / "authorized_keys")
    (directory / "config").write_text(
        f"IdentityFile {key}\nIdentitiesOnly yes\nIdentityAgent none\n"
        f"StrictHostKeyChecking accept-new\nUserKnownHostsFile {directory}/known_hosts\n"
    )
    (directory / "bin").mkdir()
    wrapper = directory / "bin" / "ssh"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {directory}/config "$@"\n')
    wrapper.chmod(0o755)
    return directory


@pytest.fixture(scope="session")
def swarm(
    docker: Docker,
    echo_image: str,
    labels: tuple[str, ...],
    run_id: str,
    ssh: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Node, Node]]:
    """Give the manager and the worker of a swarm of their own, each with the image, reached through ssh."""
    image = f"relbuild-test-node:{run_id}"
    docker("build", "--quiet", "--tag", image, *labels, str(ENGINE_TESTS / "images" / "node"))
    network = f"relbuild-test-nodes-{run_id}"
    docker("network", "create", *labels, network)
    manager, worker = (_node(docker, image, name, network, labels, run_id, ssh) for name in ("manager", "worker"))
    manager("swarm", "init", "--advertise-addr", "eth0")
    worker("swarm", "join", "--token", manager("swarm", "join-token", "--quiet", "worker"), f"{manager.container}:2377")
    archive = tmp_path_factory.mktemp("image") / "echo.tar"
    docker("save", "--output", str(archive), echo_image)
    for node in (manager, worker):
        with archive.open("rb") as content:
            load = ("docker", "exec", "--interactive", node.container, "docker", "load")
            subprocess.run(load, stdin=content, check=True, capture_output=True)
    yield manager, worker
    docker("rm", "--force", "--volumes", manager.container, worker.container)


def _node(docker: Docker, image: str, name: str, network: str, labels: tuple[str, ...], run_id: str, ssh: Path) -> Node:
    container = f"relbuild-test-{name}-{run_id}"
    docker(
        *("run", "--detach", "--privileged", *labels, "--name", container, "--hostname", f"node-{name}"),
        *("--network", network, "--volume", f"{ssh}:/keys:ro", "--publish", "127.0.0.1::22", image),
    )
    ready = ("docker", "exec", container, "docker", "version")
    wait_for(lambda: subprocess.run(ready, capture_output=True).returncode == 0, f"the engine in {container}")
    return Node(docker, container, f"ssh://root@{docker('port', container, '22/tcp').splitlines()[0]}")


@pytest.fixture(scope="session")
def service(swarm: tuple[Node, Node], echo_image: str) -> str:
    """Return the name of a service whose only task runs on the worker, an engine other than the manager's."""
    manager, worker = swarm
    delay = ("--restart-delay", "0s", "--constraint", "node.role==worker")
    manager("service", "create", "--quiet", "--detach", "--name", "echo", *delay, "--no-resolve-image", echo_image)

    def up() -> bool:
        tasks = worker("ps", "--quiet", "--filter", "label=com.docker.swarm.service.name=echo").split()
        ping = ("docker", "exec", worker.container, "docker", "exec", *tasks, "/app/bin/echo", "rpc", "1")
        return len(tasks) == 1 and subprocess.run(ping, capture_output=True).returncode == 0

    wait_for(up, "the service's task")
    return "echo"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, echo_image: str, swarm: tuple[Node, Node]) -> Path:
    """Return a project whose image is that of the tests, with a target of each kind."""
    directory = Path(shutil.copytree(PROJECT, tmp_path_factory.mktemp("places") / "echo"))
    manager, worker = (node.endpoint for node in swarm)
    (directory / "relbuild.yml").write_text(
        RELBUILD_YML.format(image=echo_image.partition(":")[0], manager=manager, worker=worker)
    )
    return directory


@pytest.fixture(scope="session")
def kubectl(tmp_path_factory: pytest.TempPathFactory, container: str) -> Path:
    """Return a directory whose bin/kubectl writes its argv to calls.jsonl."""
    directory = tmp_path_factory.mktemp("kubectl")
    (directory / "bin").mkdir()
    program = directory / "bin" / "kubectl"
    record = str(directory / "calls.jsonl")
    program.write_text(KUBECTL.format(python=sys.executable, record=record, container=container))
    program.chmod(0o755)
    return directory


@pytest.fixture(scope="session")
def paths(ssh: Path, kubectl: Path) -> dict[str, str]:
    """Return the environment in which the tests' ssh and kubectl come first."""
    return {"PATH": os.pathsep.join((f"{ssh}/bin", f"{kubectl}/bin", os.environ["PATH"]))}


def calls(kubectl: Path) -> list[list[str]]:
    """Return how kubectl was called so far."""
    record = kubectl / "calls.jsonl"
    return [json.loads(line) for line in record.read_text().splitlines()] if record.exists() else []
