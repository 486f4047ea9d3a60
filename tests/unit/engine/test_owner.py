"""Whether the process that waits for a container still lives."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from relbuild.engine import owner

OTHERS = ["", "x", "a/b/c", "another-boot/pid:[1]/1/1", owner.own().replace("pid:[", "pid:[1"), "//", "////"]


@pytest.mark.parametrize("name", OTHERS, ids=range(len(OTHERS)))
def test_one_of_elsewhere_is_not_judged(name: str) -> None:
    assert not owner.is_dead(name)
    assert not owner.is_alive(name)


def test_alive_and_dead() -> None:
    name = owner.own()
    assert not owner.is_dead(name)
    assert owner.is_alive(name)
    world, pid, started = name.rsplit("/", 2)
    assert pid == str(os.getpid())
    # Its number was given to another process since.
    assert owner.is_dead(f"{world}/{pid}/{int(started) - 1}")
    assert owner.is_dead(f"{world}/{2**22 + 1}/{started}")
    assert not owner.is_alive(f"{world}/{2**22 + 1}/{started}")


def test_dead_and_not_yet_waited_for() -> None:
    tell = "from relbuild.engine import owner; print(owner.own(), flush=True)"
    with subprocess.Popen((sys.executable, "-c", tell), stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        name = child.stdout.readline().strip()
        child.stdout.read()  # until it has ended; it stays a zombie until the end of the block
        while not owner.is_dead(name):
            assert child.returncode is None
