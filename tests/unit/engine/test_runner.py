"""The one door for subprocesses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relbuild.engine.runner import DryRunner, Handling, Outcome, Subprocesses
from relbuild.errors import EngineError, TimedOut


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


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_the_child_too(sign: signal.Signals, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    child = f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    program = (
        "import signal, sys\n"
        "from relbuild.__main__ import _terminate\n"
        "from relbuild.engine.runner import Subprocesses\n"
        "from relbuild.errors import Interrupted\n"
        "signal.signal(signal.SIGTERM, _terminate)\n"
        "signal.signal(signal.SIGHUP, _terminate)\n"
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


@pytest.mark.parametrize("method", ["attached", "captured", "step"])
def test_an_interrupt_while_the_child_is_being_started_ends_it(method: str, tmp_path: Path) -> None:
    """Between the fork and the return of Popen, where nobody knows the child yet."""
    pid_file = tmp_path / "pid"
    program = (
        "import os, signal, subprocess, sys\n"
        "from relbuild.engine.runner import Subprocesses\n"
        "from relbuild.errors import Interrupted\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Slow(subprocess.Popen):\n"
        "    def __init__(self, *argv, **options):\n"
        "        super().__init__(*argv, **options)\n"
        f"        open({str(pid_file)!r}, 'w').write(str(self.pid))\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "subprocess.Popen = Slow\n"
        f"try: Subprocesses().{method}(('sleep', '60'))\n"
        "except Interrupted as error: sys.exit(error.exit_code)\n"
    )
    assert subprocess.run(python(program), stderr=subprocess.DEVNULL, timeout=50).returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def lines_of(name: str, *options: str) -> tuple[str, ...]:
    """Return an argv that prints its stdin, marked by a name."""
    return (sys.executable, "-c", f"import sys; sys.stdout.write({name!r} + sys.stdin.read())", *options)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))), max_size=40))
def test_any_argument_arrives(arguments: list[str]) -> None:
    argv = python("import sys, json; print(json.dumps(sys.argv[1:]))")
    assert json.loads(Subprocesses().captured((*argv, *arguments)).stdout) == arguments


def test_what_is_fed_comes_before_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys\n"
        "from relbuild.engine.runner import Handling, Subprocesses\n"
        f"argv = {lines_of('>')!r}\n"
        "sys.exit(Subprocesses().attached(argv, handling=Handling(feed=b'x' * 200_000 + b'\\n')).exit_code)\n"
    )
    ran = subprocess.run(python(program), input=b"own\n", capture_output=True)
    assert (ran.returncode, ran.stdout) == (0, b">" + b"x" * 200_000 + b"\nown\n")
    alone = program.replace("Handling(", "Handling(stdin=False, ")
    assert subprocess.run(python(alone), input=b"own\n", capture_output=True).stdout[-2:] == b"x\n"


def test_what_is_fed_and_never_read_holds_nothing_up() -> None:
    done = Subprocesses().attached(python("pass"), handling=Handling(stdin=False, feed=b"x" * 1_000_000))
    assert done.exit_code == 0


def test_stderr_passes_as_it_is_and_its_end_is_kept(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    outcome = Subprocesses().attached(python(r"import os; os.write(2, b'\xff\n' * 100 + b'last')"))
    assert (outcome.tail[-2:], len(outcome.tail)) == (("\ufffd", "last"), 40)
    assert capfdbinary.readouterr().err == b"\xff\n" * 100 + b"last"


def test_a_command_is_given_its_time_and_undone(tmp_path: Path) -> None:
    undone = tmp_path / "undone"
    handling = Handling(timeout=0.5, undo=("touch", str(undone)))
    with pytest.raises(TimedOut, match=r"it was stopped after 0\.5 s") as timed_out:
        Subprocesses().attached(python("import time; time.sleep(60)"), handling=handling)
    assert (timed_out.value.exit_code, undone.exists()) == (124, True)


def test_one_that_ends_by_itself_is_not_undone(tmp_path: Path) -> None:
    undone = tmp_path / "undone"
    Subprocesses().attached(python("pass"), handling=Handling(undo=("touch", str(undone))))
    assert not undone.exists()


def test_a_child_that_ignores_the_wish_to_stop_is_killed_after_its_grace() -> None:
    stubborn = python("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    with pytest.raises(TimedOut):
        Subprocesses().attached(stubborn, handling=Handling(timeout=0.5, grace=0.5))
