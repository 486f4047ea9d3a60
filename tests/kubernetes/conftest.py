"""What the tests in a cluster share: kubectl, a registry that the node reaches, and a namespace.

`make test-kubernetes` starts the cluster (scripts/kubernetes/up.sh) with the ports below.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.conftest import (  # noqa: F401
    IMAGES,
    answers,
    cleanup,
    docker,
    engine,
    labels,
    relbuild,
    run_id,
    wait,
    wait_until,
)

CACHE = Path(os.environ.get("KUBE_DIR", "/var/cache/kubernetes-of-debian"))
# The registry's port, which is the same for the host and the node, and the host's port of the node's port 30080.
REGISTRY_PORT = 15000
SERVED_PORT = 18080
NODE_PORT = 30080


class Kubectl:
    """Calls kubectl: ``kubectl("get", "pods")`` returns what it printed, and raises when it failed."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def __call__(self, *argv: str, stdin: str | None = None) -> str:
        command = ("kubectl", "--namespace", self.namespace, *argv)
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    """Have the cluster's kubectl and its configuration in the environment, before any other fixture copies it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECONFIG", str(CACHE / "etc" / "admin.conf"))
        patch.setenv("PATH", f"{CACHE / 'bin'}:{os.environ['PATH']}")
        yield


@pytest.fixture(scope="session")
def kubectl(run_id: str) -> Iterator[Kubectl]:  # noqa: F811
    """Give kubectl in a namespace of this run's own."""
    command = Kubectl(f"relbuild-{run_id}")
    try:
        command("create", "namespace", command.namespace)
    except AssertionError as error:
        pytest.fail(f"no cluster answers; `make test-kubernetes` starts one.\n{error}", pytrace=False)
    yield command
    command("delete", "namespace", command.namespace)


@pytest.fixture(scope="session")
def registry(docker: Any, labels: tuple[str, ...], run_id: str) -> str:  # noqa: F811
    """Return the name of the container of a registry, which host and node reach at 127.0.0.1:15000."""
    image = f"relbuild-test-registry:{run_id}"
    docker("build", "--quiet", "--tag", image, *labels, str(IMAGES / "registry"))
    container = f"registry-{run_id}"
    docker("run", "--detach", "--name", container, *labels, "--publish", f"127.0.0.1:{REGISTRY_PORT}:5000", image)
    wait_until(
        lambda: answers(f"http://127.0.0.1:{REGISTRY_PORT}/v2/"), "the registry", lambda: docker("logs", container)
    )
    return container
