"""Places that are not as they should be: what is said, and with which code."""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Docker = Any
Ran = Any


def test_a_container_that_does_not_run(docker: Docker, relbuild: Callable[..., Ran], start: Callable[..., str]) -> None:
    stopped = start(argv=("eval", "exit({:shutdown, 3})"), answers=False)
    docker("wait", stopped)
    paused = start()
    docker("pause", paused)
    restarting = start("--restart", "always", argv=("eval", "exit({:shutdown, 9})"), answers=False)
    said = {
        stopped: (f"the container {stopped} is exited (exit code 3)", f"docker start {stopped}"),
        paused: (f"the container {paused} is paused", f"docker unpause {paused}"),
        # Without its exit code where it went while docker exec was on its way.
        restarting: (f"the container {restarting} is restarting", f"docker logs {restarting} says why"),
    }
    for container, (message, hint) in said.items():
        ran = relbuild("rpc", "1", "--on", f"container:{container}")
        end = time.monotonic() + 60
        while f"error: {message}" not in ran.stderr and container == restarting and time.monotonic() < end:
            ran = relbuild("rpc", "1", "--on", f"container:{container}")  # it was up for the moment
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert f"error: {message}" in ran.stderr
        assert hint in ran.stderr
    docker("rm", "--force", *said)
    ran = relbuild("rpc", "1", "--on", f"container:{stopped}")
    assert (ran.exit_code, f"there is no container {stopped}" in ran.stderr) == (1, True)


def test_a_system_that_can_not_be_spoken_to(
    docker: Docker, relbuild: Callable[..., Ran], container: str, start: Callable[..., str]
) -> None:
    mute = start("--env", "RELEASE_DISTRIBUTION=none", answers=False)
    for verb in (("rpc", "1"), ("pid",), ("stop",)):
        ran = relbuild(*verb, "--on", f"container:{mute}")
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert f"error: {mute} runs without a node (RELEASE_DISTRIBUTION=none): {verb[0]} can't reach it" in ran.stderr
        assert "remove RELEASE_DISTRIBUTION=none from its environment" in ran.stderr
        [error] = json.loads(relbuild(*verb, "--json", "--on", f"container:{mute}").stdout)["errors"]
        assert "runs without a node" in error["message"]
    assert relbuild("eval", "IO.puts(1)", "--on", f"container:{mute}").stdout == "1\n"
    docker("rm", "--force", mute)
    ran = relbuild("rpc", "1", "--env", "RELEASE_COOKIE=wrong", "--on", f"container:{container}")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "did not answer" in ran.stderr
    assert "RELEASE_COOKIE" in ran.stderr


def test_another_release_than_was_asked_for(relbuild: Callable[..., Ran], container: str, echo_image: str) -> None:
    for place in (f"container:{container}", f"image:{echo_image}"):
        ran = relbuild("version", "--on", place, "--release", "shop")
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert ran.stderr == (
            f"error: {place.partition(':')[2]} holds the release echo, not shop\n  leave out --release shop\n"
        )


@pytest.fixture(scope="module")
def theirs(docker: Docker, echo_image: str, labels: tuple[str, ...], run_id: str, tmp_path_factory: Any) -> str:
    """Return an image such as Phoenix's own Dockerfile makes: no labels, and started by a script beside the release."""
    bare = f"relbuild-test-bare:{run_id}"
    container = docker("create", *labels, echo_image)
    subprocess.run(f"docker export {container} | docker import - {bare}", shell=True, check=True, capture_output=True)
    dockerfile = tmp_path_factory.mktemp("theirs") / "Dockerfile"
    dockerfile.write_text(
        f"FROM {bare}\nENV LANG=C.UTF-8\nWORKDIR /app\n"
        "RUN printf '#!/bin/sh\\nexec /app/bin/echo start\\n' >/app/bin/server && chmod +x /app/bin/server\n"
        'USER nobody\nCMD ["/app/bin/server"]\n'
    )
    image = f"relbuild-test-theirs:{run_id}"
    docker("build", "--quiet", "--tag", image, *labels, str(dockerfile.parent))
    docker("image", "rm", bare)
    return image


def test_an_image_of_someone_elses(
    docker: Docker, relbuild: Callable[..., Ran], theirs: str, labels: tuple[str, ...]
) -> None:
    ran = relbuild("eval", "IO.puts(Application.spec(:echo, :vsn))", "--on", f"image:{theirs}")
    assert (ran.exit_code, ran.stdout) == (0, "1.2.3\n"), ran.stderr
    container = docker("run", "--detach", *labels, theirs)
    ran = relbuild("version", "--on", f"container:{container}")
    assert (ran.exit_code, ran.stdout) == (0, "echo 1.2.3\n"), ran.stderr
    docker("rm", "--force", container)
    assert docker("ps", "--all", "--quiet", "--filter", "label=io.relbuild.looked-at") == ""


def test_an_image_without_a_release(relbuild: Callable[..., Ran]) -> None:
    ran = relbuild("version", "--on", "image:debian:trixie-slim")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "debian:trixie-slim doesn't say which release it holds" in ran.stderr
    assert "no release in its bin/" in ran.stderr
    assert "give --release NAME" in ran.stderr


def test_several_containers_are_listed(
    relbuild: Callable[..., Ran], docker: Docker, project: Path, container: str, start: Callable[..., str]
) -> None:
    name = f"second-{uuid.uuid4().hex[:8]}"
    second = start("--name", name)
    ran = relbuild("pid", cwd=project)
    listed = json.loads(relbuild("ps", "--json", cwd=project).stdout)["data"]["containers"]
    docker("rm", "--force", second)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert [line.strip() for line in ran.stderr.splitlines()[1:]] == [
        "name one of them:",
        *sorted((f"--on container:{container}", f"--on container:{name}")),
    ]
    assert {each["name"] for each in listed} == {container, name}
    assert relbuild("rpc", "IO.puts(1)", cwd=project).stdout == "1\n"


def test_run_gives_what_a_release_needs(
    relbuild: Callable[..., Ran], docker: Docker, echo_image: str, labels: tuple[str, ...], run_id: str
) -> None:
    exposing = f"relbuild-test-exposing:{run_id}"
    docker(
        "build", "--quiet", "--tag", exposing, *labels, "-", stdin=f"FROM {echo_image}\nEXPOSE 24369/tcp 24369/udp\n"
    )
    names = (f"run-{run_id}", f"run-net-{run_id}")
    docker("network", "create", *labels, names[1])
    options = ("--name", names[0], "--network", names[1], "--nofile", "2048:4096", "--publish-all", "--env", "A=b c")
    ran = relbuild("run", exposing, "--detach", *options, "--", *labels, "--hostname", "echo")
    assert ran.exit_code == 0, ran.stderr
    container = ran.stdout.strip()
    facts = json.loads(docker("inspect", container))[0]
    host, config = facts["HostConfig"], facts["Config"]
    assert (host["ReadonlyRootfs"], host["Init"], host["Tmpfs"]) == (True, True, {"/tmp": ""})
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 2048, "Hard": 4096}]
    assert (config["StopTimeout"], "A=b c" in config["Env"], config["Hostname"]) == (30, True, "echo")
    assert (facts["Name"], list(facts["NetworkSettings"]["Networks"])) == (f"/{names[0]}", [names[1]])
    own = {port: [{"HostIp": "127.0.0.1", "HostPort": port[:-4]}] for port in ("24369/tcp", "24369/udp")}
    assert host["PortBindings"] == own
    assert config["Labels"]["io.relbuild.container"] == "echo"
    assert relbuild("logs", "--on", f"container:{container}").exit_code == 0
    docker("rm", "--force", container)


def test_what_docker_can_not_start_is_no_exit_code_of_the_releases(
    relbuild: Callable[..., Ran], docker: Docker, echo_image: str, labels: tuple[str, ...], run_id: str
) -> None:
    """Docker's own code for it is 125, and a release may exit with that, too."""
    name = f"unstarted-{run_id}"
    limit = ("--name", name, "--nofile", "99999999999")
    for argv in (("run", echo_image, *limit), ("run", echo_image, "--detach", *limit)):
        ran = relbuild(*argv)
        assert (ran.exit_code, ran.stdout) == (1, "")
        assert ran.stderr.startswith("error: docker can't start the container: failed to create task for container: ")
        assert "\n  the engine can't raise the limit of open files so far: give a lower --nofile, or" in ran.stderr
        assert docker("ps", "--all", "--quiet", "--filter", f"name={name}") == ""
    ran = relbuild("eval", "1", "--on", f"image:{echo_image}", "--network", "none-such")
    assert (ran.exit_code, ran.stderr.count("none-such not found")) == (1, 1)
    assert "create it (docker network create none-such)" in ran.stderr
    ran = relbuild("eval", "System.halt(125)", "--on", f"image:{echo_image}")
    assert (ran.exit_code, ran.stderr) == (125, "")
    # One of the same name that somebody has made, and not started, is theirs.
    docker("create", "--name", name, *labels, echo_image)
    ran = relbuild("run", echo_image, "--detach", "--name", name)
    assert (ran.exit_code, "is already in use by" in ran.stderr) == (1, True)
    assert f"remove that container (docker rm --force {name})" in ran.stderr
    docker("rm", name)


def test_a_detached_container_that_dies_is_reported_with_its_last_lines(
    relbuild: Callable[..., Ran], docker: Docker, echo_image: str, run_id: str
) -> None:
    name = f"dies-{run_id}"
    dying = ("--env", "RELEASE_BOOT_SCRIPT=none-such", "--name", name)
    ran = relbuild("run", echo_image, "--detach", *dying)
    code = docker("inspect", "--format", "{{.State.ExitCode}}", name)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert f"error: {name} ended with exit code {code} right after its start" in ran.stderr
    assert "none-such" in ran.stderr.partition("error: ")[0]
    logs = relbuild("logs", "--on", f"container:{name}")
    assert (logs.exit_code, f"{name} has ended with exit code {code}" in logs.stderr) == (0, True)
    docker("rm", name)
