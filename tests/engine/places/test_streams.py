"""What goes in comes out: arguments, scripts, stdin, bytes, exit codes; in a one-off container and in a running one."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Ran = Any

# What the kernel takes for an argument: any text but a NUL.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
STRINGS = st.lists(TEXT, min_size=20, max_size=60)


@pytest.fixture(params=["image", "container"])
def on(request: pytest.FixtureRequest, echo_image: str, container: str) -> tuple[str, str]:
    """Return --on for a one-off container and for a running one."""
    return ("--on", f"image:{echo_image}" if request.param == "image" else f"container:{container}")


def relbuild_bytes(*argv: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run((sys.executable, "-m", "relbuild", *argv), input=stdin, capture_output=True, timeout=120)


# A VM starts for each example: few, with many strings each.
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(strings=STRINGS)
def test_any_string_comes_through_eval(
    relbuild: Callable[..., Ran], strings: list[str], echo_image: str, container: str
) -> None:
    place = f"container:{container}" if len(strings) % 2 else f"image:{echo_image}"
    literals = ", ".join(f'Base.decode64!("{base64.b64encode(each.encode()).decode()}")' for each in strings)
    script = f"IO.puts(System.argv() == [{literals}])"
    ran = relbuild("eval", script, "--on", place, "--", *strings)
    assert (ran.exit_code, ran.stdout) == (0, "true\n"), ran.stderr
    # In the expression itself: what Elixir's heredoc takes as it stands.
    written = [each for each in strings if each.isprintable() and "'''" not in each and not each.endswith("\\")]
    heredocs = ", ".join(f"~S'''\n{each}\n'''" for each in written)
    ran = relbuild("eval", f"for s <- [{heredocs}], do: IO.puts(Base.encode64(s))", "--on", place)
    assert ran.exit_code == 0, ran.stderr
    assert [base64.b64decode(line).decode() for line in ran.stdout.splitlines()] == [f"{each}\n" for each in written]


def test_leading_dashes_are_the_releases_own_after_two(relbuild: Callable[..., Ran], on: tuple[str, str]) -> None:
    ran = relbuild("eval", *on, "--", "IO.inspect(System.argv())", "--json", "-v", "--", "", "--on")
    assert (ran.exit_code, ran.stdout) == (0, '["--json", "-v", "--", "", "--on"]\n'), ran.stderr


def test_bytes_pass_unchanged(on: tuple[str, str]) -> None:
    raw = bytes(range(256)) * 300
    script = ":io.setopts(:standard_io, encoding: :latin1); IO.binwrite(IO.binread(:stdio, :eof))"
    ran = relbuild_bytes("eval", script, *on, stdin=raw)
    assert (ran.returncode, ran.stdout == raw) == (0, True), ran.stderr


def test_binary_output_in_json_is_kept(on: tuple[str, str]) -> None:
    script = ":io.setopts(:standard_io, encoding: :latin1); IO.binwrite(<<0, 255, 10>>)"
    data = json.loads(relbuild_bytes("eval", script, *on, "--json").stdout)["data"]
    assert (data["output"], base64.b64decode(data["output_base64"])) == (None, b"\0\xff\n")


@pytest.mark.parametrize("verb", ["eval", "rpc"])
def test_a_script_of_any_length(relbuild: Callable[..., Ran], tmp_path: Path, container: str, verb: str) -> None:
    """Longer than any argument may be (128 KiB); what follows on stdin is the script's."""
    script = tmp_path / "it's a script.exs"
    script.write_text("# é\n" * 100_000 + "IO.puts(IO.read(:stdio, :line)); IO.puts(IO.read(:stdio, :eof))\n")
    on = ("--on", f"container:{container}")
    ran = relbuild(verb, "--file", str(script), *on, stdin="first\nsecond é\nthird")
    assert (ran.exit_code, ran.stdout) == (0, "first\n\nsecond é\nthird\n"), ran.stderr


def test_a_script_from_stdin_has_its_arguments(relbuild: Callable[..., Ran], on: tuple[str, str]) -> None:
    ran = relbuild("eval", "-", *on, "a b", stdin="import String\nSystem.argv() |> hd |> upcase |> IO.puts\n")
    assert (ran.exit_code, ran.stdout) == (0, "A B\n"), ran.stderr


def test_output_comes_as_it_is_written(on: tuple[str, str]) -> None:
    argv = (sys.executable, "-m", "relbuild", "eval", "IO.puts(:begun); IO.puts(IO.gets(~s()))", *on)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as evaluating:
        assert evaluating.stdin is not None
        assert evaluating.stdout is not None
        # The script goes on only when it is told to, and it is told so only when this has been read.
        assert evaluating.stdout.readline() == b"begun\n"
        evaluating.stdin.write(b"on\n")
        evaluating.stdin.close()
        assert evaluating.stdout.read() == b"on\n\n"


@pytest.mark.parametrize(
    ("expression", "code"), [("exit({:shutdown, 7})", 7), ('raise "no"', 1), ("System.halt(200)", 200), (")", 1)]
)
def test_the_exit_code_comes_back(relbuild: Callable[..., Ran], container: str, expression: str, code: int) -> None:
    ran = relbuild("eval", expression, "--on", f"container:{container}")
    assert (ran.exit_code, ran.stdout) == (code, "")


def test_stdin_of_a_loop_is_left_alone(tmp_path: Path, container: str) -> None:
    """A verb that takes no input must not read the lines of the loop it stands in."""
    relbuild = f"{sys.executable} -m relbuild version --on container:{container}"
    loop = f"printf 'a\\nb\\nc\\n' | while read -r line; do {relbuild}; done"
    ran = subprocess.run(("sh", "-c", loop), capture_output=True, text=True, env=os.environ)
    assert ran.stdout == "echo 1.2.3\n" * 3


def test_what_can_be_no_argument_is_said(relbuild: Callable[..., Ran], container: str, tmp_path: Path) -> None:
    script = tmp_path / "latin1.exs"
    script.write_bytes("# fine\nIO.puts('é')".encode("latin-1"))
    on = ("--on", f"container:{container}")
    said = {
        ("--file", str(script)): f"error: {script} isn't UTF-8, at line 2\n",
        ("--file", str(tmp_path / "none.exs")): f"error: can't read {tmp_path}/none.exs: no such file or directory\n",
        ("  ",): "error: there is nothing to evaluate in EXPR\n",
        (os.fsdecode(b"'\xff'"),): "error: an argument isn't UTF-8",
    }
    for argv, error in said.items():
        ran = relbuild("eval", *argv, *on)
        assert (ran.exit_code, ran.stdout, ran.stderr.startswith(error)) == (2, "", True), ran.stderr
