"""Every verb at every place, each cell tried; the table is printed."""

from __future__ import annotations

import concurrent.futures
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
import pytest

from relbuild.release.place import PLACES, VERBS

Ran = Any

WORKS, REFUSED = "works", "refused"
# What each verb is given, and what of its output shows that it was done by the release.
CALLS: dict[str, tuple[tuple[str, ...], str]] = {
    "eval": (("IO.puts(6 * 7)",), "42\n"),
    "rpc": (("IO.puts(Node.self() |> to_string() |> String.split(~s(@)) |> hd())",), "echo\n"),
    "pid": ((), ""),
    "version": ((), "echo 1.2.3\n"),
    "migrate": ((), "nothing is pending\n"),
    "logs": (("--tail", "0"), ""),
    "restart": ((), ""),
    "stop": ((), ""),
}
TERMINAL = {"remote": "Node.self()", "start-iex": "Node.self()"}
# The ones that end the system come last.
ENDING = ("restart", "stop")
ORDER = [*(verb for verb in VERBS if verb not in ENDING), *ENDING]
# When the VM started, and a process that a restart inside of it starts anew.
WHICH = "IO.inspect({:erlang.time_offset() + :erlang.system_info(:start_time), Process.whereis(:kernel_sup)})"


@dataclass(frozen=True, slots=True)
class Place:
    """A column: how it is written, and what kind of place it is."""

    on: str
    kind: str
    endpoint: tuple[str, ...] = ()


def test_every_verb_at_every_place(
    relbuild: Callable[..., Ran],
    capsys: pytest.CaptureFixture[str],
    project: Path,
    echo_image: str,
    container: str,
    service: str,
    swarm: Any,
    paths: dict[str, str],
) -> None:
    manager = ("--host", swarm[0].endpoint)
    columns = {
        "image": Place(f"image:{echo_image}", "image"),
        "image, ssh": Place(f"image:{echo_image}", "image", manager),
        "container": Place(f"container:{container}", "container"),
        "service, ssh": Place(f"service:{service}", "service", manager),
        "pod": Place("pod:shop/echo-0", "pod"),
        "deployment": Place("deployment:echo", "deployment"),
        "target: host": Place("here", "container"),
        "target: swarm": Place("swarm", "service"),
        "target: k8s": Place("cluster", "deployment"),
    }
    assert {place.kind for place in columns.values()} == set(PLACES)
    found: dict[tuple[str, str], str] = {}

    def fill(lane: tuple[str, ...]) -> None:
        for verb in ORDER:
            for name in lane:
                found[verb, name] = cell(relbuild, verb, columns[name], project, paths)

    # What the swarm does, and what the one container is asked in all its ways.
    there = ("image", "image, ssh", "service, ssh", "target: swarm")
    with concurrent.futures.ThreadPoolExecutor() as lanes:
        list(lanes.map(fill, (there, tuple(name for name in columns if name not in there))))
    with capsys.disabled():
        print(table(list(columns), found))  # noqa: T201 (the matrix is for people to see)
    expected = {
        (verb, name): WORKS if place.kind in VERBS[verb].places else REFUSED
        for verb in VERBS
        for name, place in columns.items()
    }
    assert found == expected


def cell(relbuild: Callable[..., Ran], verb: str, place: Place, project: Path, paths: dict[str, str]) -> str:
    """Try one cell; return what came of it, the error where it is neither of those that are looked for."""
    where = ("--on", place.on, *place.endpoint)
    allowed = place.kind in VERBS[verb].places
    if verb in TERMINAL and allowed:
        return in_a_terminal((verb, *where), TERMINAL[verb], project, paths)
    args, expected = CALLS.get(verb, ((), ""))
    before = until_it_answers(relbuild, where, project, paths) if allowed and verb in ENDING else ""
    ran = relbuild(verb, *args, *where, cwd=project, env=paths)
    if before and ran.exit_code == 0:
        # Both return before the system has ended, and until then it answers the next cell.
        until_it_answers(relbuild, where, project, paths, other_than=before)
    if not allowed:
        named = all(kind in ran.stderr for kind in VERBS[verb].places)
        makes_none = f"{verb} does not support a" in ran.stderr
        return REFUSED if (ran.exit_code, named, makes_none) == (2, True, True) else f"{ran.exit_code} {ran.stderr}"
    right = ran.stdout.strip().isdigit() if verb == "pid" else ran.stdout == expected
    return WORKS if (ran.exit_code, right) == (0, True) else f"{ran.exit_code} {ran.stdout!r} {ran.stderr}"


def until_it_answers(
    relbuild: Callable[..., Ran], where: tuple[str, ...], project: Path, paths: dict[str, str], other_than: str = ""
) -> str:
    """Wait for a system other than one before, which a cell may have ended, and return which it is."""
    end = time.monotonic() + 60
    while (ran := relbuild("rpc", WHICH, *where, cwd=project, env=paths)).exit_code != 0 or ran.stdout == other_than:
        assert time.monotonic() < end, ran.stderr
        time.sleep(0.2)
    return str(ran.stdout)


def in_a_terminal(argv: tuple[str, ...], expression: str, project: Path, paths: dict[str, str]) -> str:
    """Ask IEx for the node's name in a pseudo-terminal and leave."""
    shell = pexpect.spawn(
        sys.executable, ["-m", "relbuild", *argv], cwd=str(project), env={**os.environ, **paths}, timeout=60
    )
    try:
        shell.expect(r"iex\(echo@[^)]*\)1> ")
        shell.sendline(expression)
        shell.expect(r":?\"?echo@")
        shell.expect(r"iex\(echo@[^)]*\)2> ")
        shell.sendcontrol("c")
        shell.expect("BREAK")
        shell.sendline("a")
        shell.expect(pexpect.EOF)
    except (pexpect.TIMEOUT, pexpect.EOF):
        return f"terminal: {shell.before!r}"
    finally:
        shell.close()
    return WORKS


def table(columns: list[str], found: dict[tuple[str, str], str]) -> str:
    """Return the matrix for people."""
    signs = {WORKS: "yes", REFUSED: "-"}
    rows = [["", *columns], *([verb, *(signs.get(found[verb, name], "FAILED") for name in columns)] for verb in VERBS)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(columns) + 1)]
    lines = ("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return (
        "\n\nverb x place (yes: done there; -: refused with the places that would do; pods by a recording kubectl)\n"
        + ("\n".join(lines) + "\n")
    )


def test_kubectl_is_called_as_it_should_be(
    relbuild: Callable[..., Ran], project: Path, kubectl: Path, paths: dict[str, str]
) -> None:
    ran = relbuild("rpc", "IO.puts(1)", "--on", "cluster", cwd=project, env=paths)
    assert (ran.exit_code, ran.stdout) == (0, "1\n"), ran.stderr
    call = (kubectl / "calls.jsonl").read_text().splitlines()[-1]
    assert '["--context", "prod", "--namespace", "shop", "exec", "--stdin", "deployment/echo", "--", "env", "' in call
    assert call.endswith('", "/app/bin/echo", "rpc", "IO.puts(1)"]')


def test_a_node_without_an_endpoint_is_named(
    relbuild: Callable[..., Ran], project: Path, tmp_path: Path, service: str, swarm: Any, paths: dict[str, str]
) -> None:
    config = tmp_path / "relbuild.yml"
    config.write_text("toolchain: debian\n")
    on = ("--on", f"service:{service}", "--host", swarm[0].endpoint, "--config", str(config))
    ran = relbuild("rpc", "1", *on, cwd=project, env=paths)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == (
        "error: the service echo runs on node-worker, and relbuild.yml has no endpoint for it\n"
        "  add it to the target: nodes: {node-worker: ssh://USER@node-worker}\n"
    )


def test_a_service_without_a_running_task(
    relbuild: Callable[..., Ran], project: Path, swarm: Any, echo_image: str, paths: dict[str, str]
) -> None:
    swarm[0]("service", "create", "--quiet", "--detach", "--name", "none", "--replicas", "0", echo_image)
    ran = relbuild("pid", "--on", "service:none", "--host", swarm[0].endpoint, cwd=project, env=paths)
    swarm[0]("service", "rm", "none")
    assert (ran.exit_code, "the service none has no running task" in ran.stderr) == (1, True)


@pytest.mark.parametrize(
    ("endpoint", "code", "said"),
    [
        ("ssh://root@127.0.0.1:1", 4, "Connection refused"),
        ("ssh://nobody@{manager}", 4, "Permission denied (publickey)"),
        ("ssh://root@no-such-host.invalid", None, "resolve hostname no-such-host.invalid"),
    ],
)
def test_an_ssh_host_that_can_not_be_reached(
    relbuild: Callable[..., Ran],
    project: Path,
    swarm: Any,
    paths: dict[str, str],
    endpoint: str,
    code: int | None,
    said: str,
) -> None:
    host = endpoint.format(manager=swarm[0].endpoint.partition("@")[2])
    ran = relbuild("version", "--host", host, "--on", "container:echo", cwd=project, env=paths)
    # A resolver that doesn't answer is a passing fault, one that knows no such name isn't.
    assert ran.exit_code == code or (code is None and ran.exit_code in (4, 75))
    assert f"no Docker Engine answers at {host}: " in ran.stderr
    assert said in ran.stderr
    assert f"try it by hand: docker --host {host} version" in ran.stderr


def test_a_docker_context_that_leads_through_ssh(
    relbuild: Callable[..., Ran], project: Path, service: str, swarm: Any, paths: dict[str, str], tmp_path: Path
) -> None:
    env = {**paths, "DOCKER_CONFIG": str(tmp_path)}
    create = ("docker", "context", "create", "there", "--docker", f"host={swarm[0].endpoint}")
    subprocess.run(create, env={**env}, check=True, capture_output=True)
    ran = relbuild("rpc", "IO.puts(1)", "--context", "there", "--on", f"service:{service}", cwd=project, env=env)
    assert (ran.exit_code, ran.stdout) == (0, "1\n"), ran.stderr
