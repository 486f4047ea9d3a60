"""Ctrl-C at any point of the start-up ends relbuild with a message, not with a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1] / "golden" / "mix-new" / "project"
# Sends SIGINT when the given number of modules has been imported since main began.
PROGRAM = """
import os, signal, sys
import relbuild.__main__
left = int(sys.argv.pop(1))
def count(event, _arguments):
    global left
    if event == "import":
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(count)
relbuild.__main__.main()
"""


@pytest.mark.parametrize("imports", [1, 2, 3, 5, 10, 20, 40, 80, 120, 200])
def test_it_is_interrupted_while_it_starts(imports: int) -> None:
    argv = (sys.executable, "-c", PROGRAM, str(imports), "plan", "-C", str(PROJECT))
    ran = subprocess.run(argv, capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "error: interrupted\n")


def test_it_is_interrupted_in_json() -> None:
    argv = (sys.executable, "-c", PROGRAM, "2", "plan", "--json", "-C", str(PROJECT))
    ran = subprocess.run(argv, capture_output=True, text=True)
    assert (ran.returncode, json.loads(ran.stdout)["exit_code"], ran.stderr) == (130, 130, "")
