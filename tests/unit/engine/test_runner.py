"""The one door for subprocesses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from relbuild.engine.runner import DryRunner, Outcome, Subprocesses
from relbuild.errors import EngineError


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


def test_a_steps_output_goes_to_stderr_and_its_end_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    outcome = Subprocesses().step(python("import sys; print('one'); print('two', file=sys.stderr); sys.exit(3)"))
    assert outcome.exit_code == 3
    assert sorted(outcome.tail) == ["one", "two"]
    seen = capfd.readouterr()
    assert (seen.out, sorted(seen.err.split())) == ("", ["one", "two"])


def test_captured_keeps_stdout_and_adds_to_the_environment() -> None:
    argv = python("import os; print(os.environ['SECRET'], 'PATH' in os.environ)")
    assert Subprocesses().captured(argv, env={"SECRET": "s3"}) == Outcome(0, stdout="s3 True\n")


def test_a_child_that_a_signal_ended_gives_the_shells_code() -> None:
    argv = python("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert Subprocesses().attached(argv).exit_code == 137


def test_a_program_that_is_missing_says_what_to_install() -> None:
    with pytest.raises(EngineError, match="no-such-docker isn't on the PATH"):
        Subprocesses().attached(("no-such-docker", "build"))


def test_a_dry_run_remembers_what_can_be_pasted(tmp_path: Path) -> None:
    runner = DryRunner()
    runner.step(("touch", str(tmp_path / "a file")))
    assert runner.commands == [f"touch '{tmp_path}/a file'"]
    assert list(tmp_path.iterdir()) == []


def test_each_command_is_announced_before_it_runs() -> None:
    said: list[str] = []
    Subprocesses(said.append).captured(("echo", "a b"))
    assert said == ["echo 'a b'"]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_child_too(sign: signal.Signals, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    program = (
        "import signal, sys\n"
        "from relbuild.__main__ import _terminate\n"
        "from relbuild.engine.runner import Subprocesses\n"
        "from relbuild.errors import Interrupted\n"
        "signal.signal(signal.SIGTERM, _terminate)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"try: Subprocesses().attached((sys.executable, '-c', {child!r}))\n"
        "except Interrupted as error: sys.exit(error.exit_code)\n"
    )
    parent = subprocess.Popen(python(program), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 30
    while not (pid_file.exists() and pid_file.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    parent.send_signal(sign)
    assert parent.wait(30) == 128 + sign
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)
