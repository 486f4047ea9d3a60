"""Nodes that connect with the env.sh and vm.args relbuild writes: on a Docker network, and as a Swarm service."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relbuild import templates

PROJECT = Path(__file__).parent / "projects" / "cluster"
COOKIE = ("--env", "RELEASE_COOKIE=no-secret-in-a-test")
READ_ONLY = ("--read-only", "--mount", "type=tmpfs,destination=/tmp")

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> str:
    """Return an image of the project with the files relbuild writes into a project that clusters."""
    project = Path(shutil.copytree(PROJECT, tmp_path_factory.mktemp("cluster") / "project"))
    (project / "rel").mkdir()
    for name in ("env.sh.eex", "vm.args.eex"):
        (project / "rel" / name).write_text(templates.render(f"rel/{name}.j2", clustering=True, query=False))
    reference = cleanup.image(f"relbuild-test-cluster:{run_id}")
    built = relbuild("image", "-C", str(project), "-t", reference)
    assert built.exit_code == 0, built.stderr
    return str(reference)


@pytest.fixture
def service(docker: Docker, swarm: str, run_id: str) -> Iterator[str]:
    """Give the name of a service that is gone after the test."""
    name = f"relbuild-test-cluster-{run_id}"
    yield name
    docker("service", "rm", name)


def rpc(container: str, expression: str) -> str:
    """Return what the running node prints, or nothing while it doesn't answer."""
    call = ("docker", "exec", container, "/app/bin/cluster", "rpc", expression)
    return subprocess.run(call, capture_output=True, text=True).stdout.strip()


def connected(container: str) -> list[str]:
    """Return the nodes a container's node sees, and itself."""
    return sorted(re.findall(r"cluster@[0-9.]+", rpc(container, "IO.inspect([node() | Node.list()])")))


def address(docker: Docker, container: str, network: str) -> str:
    facts = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", container))
    return str(facts[network]["IPAddress"])


def test_containers_on_a_docker_network_form_a_cluster(
    docker: Docker, image: str, labels: tuple[str, ...], run_id: str, wait: Callable[..., None]
) -> None:
    network, other = (f"relbuild-test-{name}-{run_id}" for name in ("peers", "other"))
    for name in (other, network):
        docker("network", "create", *labels, name)
    subnet = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", network)
    containers = []
    for _ in range(2):
        # Two networks: its first address is on the one that isn't meant.
        containers.append(
            docker(
                *("create", *labels, *COOKIE, *READ_ONLY, "--network", other),
                *("--env", "CLUSTER_QUERY=peers", "--env", f"RELEASE_CLUSTER_SUBNET={subnet}", image),
            )
        )
        docker("network", "connect", "--alias", "peers", network, containers[-1])
        docker("start", containers[-1])
    expected = sorted(f"cluster@{address(docker, each, network)}" for each in containers)
    for each in containers:
        wait(
            lambda each=each: connected(each) == expected,
            f"the cluster {expected}",
            lambda: docker("logs", containers[0]),
        )
    docker("container", "rm", "--force", *containers)


def test_a_swarm_service_forms_a_cluster(
    docker: Docker, image: str, labels: tuple[str, ...], service: str, run_id: str, wait: Callable[..., None]
) -> None:
    network = f"relbuild-test-overlay-{run_id}"
    docker("network", "create", "--driver", "overlay", *labels, network)
    docker(
        *("service", "create", "--detach", *labels, "--name", service, "--replicas", "3", "--network", network),
        # A published port brings every task into the ingress network too.
        *("--publish", "target=4000", *COOKIE, *READ_ONLY, "--env", f"CLUSTER_QUERY=tasks.{service}", image),
    )

    def tasks() -> list[str]:
        return list(docker("ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={service}").split())

    def log() -> str:
        return str(docker("service", "ps", "--no-trunc", service)) + str(docker("service", "logs", service))

    wait(lambda: len(tasks()) == 3, f"the service {service}", log)
    containers = tasks()
    expected = sorted(f"cluster@{address(docker, each, network)}" for each in containers)
    for each in containers:
        wait(lambda each=each: connected(each) == expected, f"the cluster {expected}", log)


def test_without_a_network_a_node_is_still_reached_inside(
    docker: Docker, image: str, labels: tuple[str, ...], wait: Callable[..., None]
) -> None:
    container = docker("run", "--detach", *labels, "--network", "none", "--env", "CLUSTER_QUERY=nowhere", image)
    wait(lambda: connected(container) == ["cluster@127.0.0.1"], "the node", lambda: docker("logs", container))
    docker("container", "rm", "--force", container)


def test_a_subnet_without_an_address_is_said_at_start(docker: Docker, image: str) -> None:
    run = ("docker", "run", "--rm", "--env", "RELEASE_CLUSTER_SUBNET=192.0.2.0/24", image)
    failed = subprocess.run(run, capture_output=True, text=True)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == "ERROR: this container has no address in RELEASE_CLUSTER_SUBNET=192.0.2.0/24\n"
    assert docker(*run[1:], "version") == "cluster 0.1.0"
