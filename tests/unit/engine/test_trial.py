"""A release's trials, with a runner that plays the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from relbuild.engine import trial
from relbuild.engine.runner import Outcome
from relbuild.engine.trial import Trial
from relbuild.errors import Interrupted
from relbuild.image.shipped import Shipped
from relbuild.image.trials import BOOTED, Boot, Containers, Ran, Trials

CONTAINERS = Containers("i", Shipped("shop", "/app", "1.0"), "v")


class Engine:
    """Plays ``docker``: ``evals`` and ``boot`` are what the commands give, a start waits until it is told to end."""

    def __init__(self, *, evals: list[int] | None = None, says: str = BOOTED, ends: int | None = None) -> None:
        self._evals = evals or [0]
        self._says = says
        self._ends = ends
        self._told = threading.Event()
        self.removed: list[str] = []
        self.chatter: list[str] = []

    def lines(
        self, argv: tuple[str, ...], each: Callable[[str], None], *, env: Mapping[str, str] | None = None
    ) -> Outcome:
        if argv[1] in ("stop", "rm"):
            self.removed += argv[3:] if argv[1] == "rm" else ()
            self._told.set()
            return Outcome(0)
        name = argv[argv.index("--name") + 1]
        if name == "v-boot":
            each(f"{self._says}\n")
            if self._ends is None:
                assert self._told.wait(30)
            return Outcome(self._ends or 0)
        if name == "v-commands":
            each("shop 1.0\n")
            each("relbuild_version_ended=0\n")
            for line in self.chatter:
                each(line)
        each(f"{name}\n")
        return Outcome(self._evals.pop(0))


def tried(engine: Any) -> Trials:
    with Trial(engine, CONTAINERS, image_env={}, values={}, stop_timeout=1) as running:
        return running.result()


def test_a_release_that_works() -> None:
    trials = tried(Engine())
    assert trials.boot.stopped_after is not None
    assert trials == Trials(Ran(0, "shop 1.0\n"), Ran(0, "v-commands\n"), None, Boot(0, trials.boot.stopped_after, ""))


def test_a_release_that_ends_by_itself_once_it_is_up() -> None:
    assert tried(Engine(ends=1)).boot == Boot(1, None, "")


def test_of_a_long_output_what_version_said_is_kept_and_the_end() -> None:
    engine = Engine()
    engine.chatter = [f"{number}\n" for number in range(1000)]
    version, evaluated = (trials := tried(engine)).version, trials.evaluated
    assert (version, evaluated.output[:4], evaluated.output[-15:]) == (
        Ran(0, "shop 1.0\n"),
        "0\n1\n",
        "999\nv-commands\n",
    )


def test_eval_is_tried_without_the_configuration_when_it_fails_with_it() -> None:
    trials = tried(Engine(evals=[1, 0]))
    assert (trials.evaluated, trials.bare) == (Ran(1, "v-commands\n"), Ran(0, "v-bare\n"))


def test_a_start_that_ends_by_itself() -> None:
    assert tried(Engine(says="no DATABASE_URL", ends=1)).boot == Boot(1, None, "no DATABASE_URL\n")


def test_a_start_that_never_says_that_it_is_up_is_stopped_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "BOOT_TIMEOUT", 0.05)
    boot = tried(Engine(says="hello")).boot
    assert boot == Boot(0, boot.stopped_after, "hello\n", 0.05)
    assert boot.stopped_after is not None


def test_an_interrupt_removes_the_containers() -> None:
    engine: Any = Engine(says="hello")
    with pytest.raises(Interrupted), Trial(engine, CONTAINERS, image_env={}, values={}, stop_timeout=1):
        raise Interrupted("interrupted")
    assert engine.removed[:3] == ["v-commands", "v-bare", "v-boot"]


def test_a_release_isn_t_stopped_while_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "STAYS", 0.01)
    engine = Engine()
    with Trial(engine, CONTAINERS, image_env={}, values={}, stop_timeout=1) as running:
        with running.held:
            assert not engine._told.wait(0.5)
            assert not running.has_ended
        assert running.result().boot.exit_code == 0
        assert running.has_ended
