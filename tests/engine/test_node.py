"""The node that an image's release starts by default: commands in its container reach it, no other host does."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parent / "projects" / "echo"

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module", params=["bookworm", "trixie", "forky"])
def image(
    request: pytest.FixtureRequest,
    relbuild: Callable[..., Ran],
    cleanup: Any,
    run_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """Return an image with Elixir 1.14 on OTP 25, 1.18 on 27, or 1.20 on 29; the project's files are those of init."""
    project = Path(shutil.copytree(PROJECT, tmp_path_factory.mktemp(request.param) / "echo"))
    (project / "relbuild.yml").write_text(f"toolchain: debian\ndebian: {request.param}\n")
    if request.param == "trixie":  # the others have no env.sh of their own
        assert relbuild("init", "--yes", "-C", str(project)).exit_code == 0
        assert (project / "rel" / "env.sh.eex").exists()
    reference = cleanup.image(f"relbuild-test-node-{request.param}:{run_id}")
    built = relbuild("image", "-C", str(project), "-t", reference)
    assert built.exit_code == 0, built.stderr
    return str(reference)


@pytest.fixture
def start(docker: Docker, image: str, labels: tuple[str, ...], wait: Callable[..., None]) -> Callable[..., str]:
    def started(*options: str) -> str:
        container = str(docker("run", "--detach", "--read-only", "--tmpfs", "/tmp", *labels, *options, image))
        ping = ("docker", "exec", container, "/app/bin/echo", "rpc", "1")
        wait(
            lambda: subprocess.run(ping, capture_output=True).returncode == 0,
            "the node",
            lambda: docker("logs", container),
        )
        return container

    return started


def listening(docker: Docker, container: str) -> set[str]:
    """Return the addresses that something in a container listens on, as /proc/net writes them."""
    sockets = docker("exec", container, "cat", "/proc/net/tcp", "/proc/net/tcp6")
    return {found[1] for found in re.finditer(r"^ *\d+: (\w+):\w+ \w+:\w+ 0A", sockets, re.MULTILINE)}


def test_every_verb_of_the_running_system_works_and_no_port_is_open_to_other_hosts(
    docker: Docker, relbuild: Callable[..., Ran], start: Callable[..., str], wait: Callable[..., None]
) -> None:
    container = start("--restart", "always")
    on = ("--on", f"container:{container}")
    assert listening(docker, container) == {"0100007F"}  # 127.0.0.1
    assert "epmd" not in docker("top", container, "-o", "pid,comm")
    assert relbuild("rpc", "IO.puts(node())", *on).stdout == "echo@127.0.0.1\n"
    assert relbuild("pid", *on).stdout.strip().isdigit()
    rpc = ("docker", "exec", container, "bin/echo", "rpc")
    assert relbuild("rpc", "Application.put_env(:echo, :before_restart, true)", *on).exit_code == 0
    assert relbuild("restart", *on).exit_code == 0
    assert relbuild("eval", "IO.puts(node())", *on).stdout == "nonode@nohost\n"
    docker("update", "--restart", "no", container)
    restarted = (*rpc, "IO.puts(Application.get_env(:echo, :before_restart))")
    wait(lambda: subprocess.run(restarted, capture_output=True).stdout == b"\n", "the restarted node", lambda: "")
    assert relbuild("stop", *on).exit_code == 0
    assert docker("wait", container) == "0"


def test_in_the_hosts_network_each_container_has_a_port_of_its_own(docker: Docker, start: Callable[..., str]) -> None:
    first, second = (start("--network", "host") for _ in range(2))
    pids = [docker("exec", each, "/app/bin/echo", "rpc", "IO.puts(System.pid())") for each in (first, second)]
    assert [docker("inspect", "--format", "{{.State.Running}}", each) for each in (first, second)] == ["true"] * 2
    assert pids == ["1", "1"]
    docker("rm", "--force", first, second)


def test_who_wants_another_node_gets_it(docker: Docker, start: Callable[..., str]) -> None:
    container = start("--hostname", "web", "--env", "RELEASE_DISTRIBUTION=sname")
    assert docker("exec", container, "/app/bin/echo", "rpc", "IO.puts(node())") == "echo@web"
    assert "00000000" in listening(docker, container)
