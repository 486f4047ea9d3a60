"""remote and start-iex in a pseudo-terminal, as a person has them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from typing import Any

import pexpect
import pytest

Docker = Any
Ran = Any


@pytest.fixture
def terminal() -> Iterator[Callable[..., pexpect.spawn]]:
    """Give a function that starts relbuild in a pseudo-terminal of 120 columns."""
    started: list[pexpect.spawn] = []

    def spawn(*argv: str, term: str = "xterm-256color") -> pexpect.spawn:
        environment = {**os.environ, "TERM": term}
        shell = pexpect.spawn(
            sys.executable, ["-m", "relbuild", *argv], env=environment, timeout=60, dimensions=(40, 120)
        )
        started.append(shell)
        return shell

    yield spawn
    for shell in started:
        shell.close(force=True)


def prompt(shell: pexpect.spawn, number: int) -> None:
    shell.expect(rf"iex\(echo@127\.0\.0\.1\){number}> ")


def answers(docker: Docker, container: str) -> bool:
    return str(docker("exec", container, "/app/bin/echo", "rpc", "IO.puts(:alive)")) == "alive"


def test_a_remote_shell_as_a_person_has_it(
    docker: Docker, container: str, terminal: Callable[..., pexpect.spawn]
) -> None:
    shell = terminal("remote", "--on", f"container:{container}")
    prompt(shell, 1)
    shell.sendline("x = 20 + 1")
    shell.expect("21")
    prompt(shell, 2)
    # History: the line before, with something added.
    shell.send("\x1b[A")
    shell.expect(r"x = 20 \+ 1")
    shell.send(" + 21\r")
    shell.expect("42")
    prompt(shell, 3)
    shell.sendline('IO.puts("é ∑"); {:ok, c} = :io.columns(); c')
    shell.expect("é ∑".encode())
    shell.expect("120")
    prompt(shell, 4)
    shell.setwinsize(40, 97)
    end = time.monotonic() + 30
    number = 4
    while True:  # the new size passes through docker, the kernel and the VM
        shell.sendline("elem(:io.columns(), 1)")
        number += 1
        if shell.expect([r"\b97\b", r"\b120\b"]) == 0:
            break
        assert time.monotonic() < end
        prompt(shell, number)
    prompt(shell, number if number > 5 else 5)
    shell.sendcontrol("g")
    shell.expect("User switch command")
    shell.sendline("c")
    shell.sendline("")
    shell.expect(r"iex\(echo@")
    # An expression that never ends is left with Ctrl-C; the menu is the VM's own.
    shell.sendline("Process.sleep(:infinity)")
    shell.sendcontrol("c")
    shell.expect("BREAK: ")
    # Now and then the shell, which reads the same terminal, takes the letter before the menu does.
    for _ in range(6):
        shell.sendline("a")
        if shell.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=10) == 0:
            break
    assert not shell.isalive()
    shell.close()
    assert answers(docker, container)


@pytest.mark.parametrize(("own", "inside"), [("xterm", "xterm"), ("xterm-kitty", "xterm-256color")])
def test_the_terminal_is_one_the_image_knows(
    container: str, terminal: Callable[..., pexpect.spawn], own: str, inside: str
) -> None:
    shell = terminal("remote", "--on", f"container:{container}", "-v", term=own)
    shell.expect(rf"--env TERM={inside} ")
    prompt(shell, 1)


def test_a_shell_in_a_system_of_its_own(
    docker: Docker, echo_image: str, terminal: Callable[..., pexpect.spawn]
) -> None:
    shell = terminal("start-iex", "--on", f"image:{echo_image}")
    prompt(shell, 1)
    shell.sendline("Application.started_applications() |> List.keymember?(:echo, 0)")
    shell.expect("true")
    prompt(shell, 2)
    shell.sendline("System.halt(3)")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 3
    left = ("--filter", f"ancestor={echo_image}", "--filter", "label=io.relbuild.one-off")
    assert docker("ps", "--all", "--quiet", *left) == ""


def test_a_terminal_is_put_back_when_the_client_is_killed(
    docker: Docker, container: str, terminal: Callable[..., pexpect.spawn]
) -> None:
    shell = terminal("remote", "--on", f"container:{container}")
    modes = termios.tcgetattr(shell.child_fd)
    prompt(shell, 1)
    assert termios.tcgetattr(shell.child_fd) != modes  # the client has made it raw
    client = subprocess.run(("pgrep", "--parent", str(shell.pid), "docker"), capture_output=True, text=True, check=True)
    os.kill(int(client.stdout), signal.SIGKILL)
    # The modes are read before relbuild's end closes the terminal.
    end = time.monotonic() + 30
    while termios.tcgetattr(shell.child_fd) != modes:
        assert time.monotonic() < end
        time.sleep(0.05)
    shell.expect(re.escape("\x1b[?25h"))
    shell.expect(pexpect.EOF)
    assert answers(docker, container)


@pytest.mark.parametrize("sign", [signal.SIGHUP, signal.SIGTERM])
def test_a_terminal_that_goes_away_leaves_the_system_running(
    docker: Docker, container: str, terminal: Callable[..., pexpect.spawn], sign: signal.Signals
) -> None:
    def processes() -> set[str]:
        return set(docker("top", container, "-o", "pid").split())

    before = processes()
    shell = terminal("remote", "--on", f"container:{container}")
    prompt(shell, 1)
    os.kill(shell.pid, sign)
    shell.expect(pexpect.EOF)
    shell.close(force=True)
    end = time.monotonic() + 60
    # What was there may end meanwhile, such as the VM's own resolver; nothing new may stay.
    while left := processes() - before:
        assert time.monotonic() < end, (left, docker("top", container, "-o", "pid,args"))
        time.sleep(0.1)
    assert answers(docker, container)


def test_without_a_terminal_there_is_no_remote_shell(
    docker: Docker, relbuild: Callable[..., Ran], container: str
) -> None:
    """IEx takes the end of its input for the wish to halt the node it runs on: the system that serves."""
    ran = relbuild("remote", "--on", f"container:{container}", stdin="Node.self()\n")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "error: remote needs a terminal" in ran.stderr
    assert answers(docker, container)
