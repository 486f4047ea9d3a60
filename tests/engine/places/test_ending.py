"""A signal or a timeout leaves nothing of a command: no container, no process in one."""

from __future__ import annotations

import concurrent.futures
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from relbuild.release.place import ONE_OFF

Docker = Any
Ran = Any
FOREVER = "IO.puts(:begun); Process.sleep(:infinity)"


def begin(*argv: str) -> subprocess.Popen[bytes]:
    """Return relbuild, evaluating what never ends, when the release has begun with it."""
    evaluating = subprocess.Popen(
        (sys.executable, "-m", "relbuild", *argv),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert evaluating.stdout is not None
    assert evaluating.stderr is not None
    assert evaluating.stdout.readline() == b"begun\n", evaluating.stderr.read()
    return evaluating


def one_offs(docker: Docker, image: str) -> list[str]:
    mine = ("--filter", f"label={ONE_OFF}", "--filter", f"ancestor={image}")
    return str(docker("ps", "--all", "--quiet", *mine)).split()


def processes(docker: Docker, container: str) -> set[str]:
    """Return the pids in a container, by the machine's count."""
    return set(str(docker("top", container, "-o", "pid")).split()[1:])


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


ENDS: dict[str, tuple[Callable[[subprocess.Popen[bytes]], None], int]] = {
    "SIGINT": (lambda relbuild: relbuild.send_signal(signal.SIGINT), 130),
    "SIGTERM": (lambda relbuild: relbuild.send_signal(signal.SIGTERM), 143),
    "SIGHUP": (lambda relbuild: relbuild.send_signal(signal.SIGHUP), 129),
}


@pytest.mark.parametrize("how", ENDS)
def test_a_one_off_container_ends_with_relbuild(docker: Docker, echo_image: str, how: str) -> None:
    end, code = ENDS[how]
    evaluating = begin("eval", FOREVER, "--on", f"image:{echo_image}")
    assert len(one_offs(docker, echo_image)) == 1
    end(evaluating)
    assert evaluating.wait(60) == code
    until(lambda: one_offs(docker, echo_image) == [])


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("verb", ["eval", "rpc"])
def test_what_runs_in_a_container_ends_with_relbuild(docker: Docker, container: str, verb: str, how: str) -> None:
    end, code = ENDS[how]
    before = processes(docker, container)
    evaluating = begin(verb, FOREVER, "--on", f"container:{container}")
    assert processes(docker, container) > before
    end(evaluating)
    assert evaluating.wait(60) == code
    until(lambda: processes(docker, container) == before)


@pytest.mark.parametrize("place", ["image", "container"])
def test_what_never_ends_is_given_its_time(
    docker: Docker, relbuild: Callable[..., Ran], echo_image: str, container: str, place: str
) -> None:
    before = processes(docker, container)
    where = f"image:{echo_image}" if place == "image" else f"container:{container}"
    ran = relbuild("eval", "Process.sleep(:infinity)", "--on", where, "--timeout", "4")
    assert ran.exit_code == 124
    assert "error: it was stopped after 4 s, the time limit\n  --timeout SECONDS sets a longer one" in ran.stderr
    assert (one_offs(docker, echo_image), processes(docker, container)) == ([], before)


def test_a_one_off_container_goes_on_when_relbuild_is_killed(docker: Docker, echo_image: str) -> None:
    """As with docker itself: it ends by itself, and is removed then."""
    evaluating = begin("eval", "IO.puts(:begun); Process.sleep(5000)", "--on", f"image:{echo_image}")
    evaluating.kill()
    evaluating.wait()
    assert len(one_offs(docker, echo_image)) == 1
    until(lambda: one_offs(docker, echo_image) == [])


def test_two_hundred_rpc_leave_nothing_behind(docker: Docker, container: str, echo_image: str) -> None:
    """Four lanes of fifty, each one after the other: a VM starts for every one."""
    before = processes(docker, container)
    argv = (sys.executable, "-m", "relbuild", "rpc", "IO.puts(6 * 7)", "--on", f"container:{container}")

    def lane(_: int) -> set[tuple[int, bytes]]:
        ran = [subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True) for _ in range(50)]
        return {(each.returncode, each.stdout) for each in ran}

    with concurrent.futures.ThreadPoolExecutor() as lanes:
        assert set().union(*lanes.map(lane, range(4))) == {(0, b"42\n")}
    assert processes(docker, container) == before
    assert one_offs(docker, echo_image) == []
    # Nor on this machine: no client waits.
    clients = subprocess.run(("pgrep", "--full", f"exec .*{container}"), capture_output=True, text=True).stdout
    assert clients == ""


def test_ctrl_c_ends_following_a_log_without_an_error(container: str) -> None:
    child = interrupted("logs", "--follow", "--on", f"container:{container}", ready=lambda: True)
    assert child == (0, [])


def test_ctrl_c_ends_run_with_the_releases_own_code(docker: Docker, echo_image: str, run_id: str) -> None:
    name = f"ctrl-c-{run_id}"
    ping = ("docker", "exec", name, "/app/bin/echo", "rpc", "1")
    ready = lambda: subprocess.run(ping, capture_output=True).returncode == 0  # noqa: E731
    assert interrupted("run", echo_image, "--name", name, ready=ready) == (0, [])
    assert docker("ps", "--all", "--quiet", "--filter", f"name={name}") == ""


def interrupted(*argv: str, ready: Callable[[], bool]) -> tuple[int, list[str]]:
    """Return the exit code and the errors of relbuild after Ctrl-C, once it has begun and is ready."""
    child = subprocess.Popen(
        (sys.executable, "-m", "relbuild", *argv, "--verbose"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert child.stderr is not None
    # With --verbose the command is printed before it starts; a signal that comes earlier waits for its start.
    first = next(line for line in child.stderr if "docker" in line)
    assert f"docker {argv[0]}" in first
    until(ready)
    child.send_signal(signal.SIGINT)
    _, rest = child.communicate(timeout=60)
    return child.returncode, [line for line in rest.splitlines() if line.startswith("error")]
