"""A trial, with a runner that plays the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from relbuild.engine import trial
from relbuild.engine.runner import Outcome
from relbuild.engine.trial import Trial
from relbuild.errors import Interrupted
from relbuild.image.verify.trial import Boot, Socket, TrialContainer

CONTAINER = TrialContainer("i", "v")
LISTENS = "   0: 00000000:0FA0 00000000:0000 0A 00000000:00000000\n"


class Engine:
    """Plays ``docker``: what its commands print, by their verb, and which of them were called.

    ``states`` are what inspecting the container says, one after the other.
    """

    def __init__(self, *states: str, refuses: str = "", **prints: str) -> None:
        self._states = list(states)
        self._refuses = refuses
        self._prints = {"exec": "booted\n", "logs": "hello\n", **prints}
        self.called: list[str] = []
        self.ended = threading.Event()

    def lines(
        self, argv: tuple[str, ...], each: Callable[[str], None], *, env: Mapping[str, str] | None = None
    ) -> Outcome:
        self.called.append(argv[1])
        if argv[1] == "run" and self._refuses:
            each(self._refuses)
            return Outcome(125)
        if argv[1] == "exec" and self._prints["exec"] == "wait":
            assert self.ended.wait(30)
        if argv[1] == "rm":
            self.ended.set()
        text = self._states.pop(0) if argv[1] == "container" else self._prints.get(argv[1], "")
        for line in text.splitlines(keepends=True):
            each(line)
        return Outcome(0)


def tried(engine: Any) -> Boot:
    with Trial(engine, CONTAINER, values={}, stop_timeout=1) as running:
        return running.result()


def test_a_release_that_boots_and_stops() -> None:
    engine = Engine("true 0 false\n", "false 0 false\n", exec=f"booted\n{LISTENS}")
    boot = tried(engine)
    assert boot.stopped_after is not None
    assert boot == Boot("hello\n", 0, "booted", boot.stopped_after, sockets=(Socket("0.0.0.0", 4000),))
    assert engine.called == ["run", "exec", "container", "logs", "stop", "container", "rm"]


def test_a_release_that_ends_by_itself() -> None:
    engine = Engine("false 1 false\n", "false 1 false\n", exec="", logs="no DATABASE_URL\n")
    assert tried(engine) == Boot("no DATABASE_URL\n", 1)
    assert engine.called == ["run", "exec", "container", "container", "logs", "rm"]


def test_one_that_ends_after_it_has_booted() -> None:
    assert tried(Engine("false 137 true\n")) == Boot("hello\n", 137, out_of_memory=True)


def test_an_image_without_a_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "STAYS", 0.01)
    boot = tried(Engine("true 0 false\n", "true 0 false\n", "false 0 false\n", exec='exec: "sh": not found\n'))
    assert (boot.state, boot.exit_code) == ("up", 0)


def test_a_container_that_docker_can_not_start() -> None:
    engine = Engine(refuses="docker: Error response from daemon: no such user\n")
    assert tried(engine) == Boot("docker: Error response from daemon: no such user\n", 125)
    assert engine.called == ["run", "rm"]


def test_an_interrupt_removes_the_container() -> None:
    engine: Any = Engine("false 137 false\n", "false 137 false\n", exec="wait")
    with pytest.raises(Interrupted), Trial(engine, CONTAINER, values={}, stop_timeout=1):
        raise Interrupted("interrupted")
    assert "rm" in engine.called


def test_of_a_long_output_the_beginning_and_the_end_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "KEPT", 6)
    log = "".join(f"{number}\n" for number in range(5000))
    kept = tried(Engine("true 0 false\n", "false 0 false\n", logs=log)).output
    assert (kept[:6], kept[-10:], len(kept.splitlines())) == ("0\n1\n40", "4998\n4999\n", 1002)
