"""What a user sees of a build on a real engine: its steps, and why it failed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest
from pexpect.popen_spawn import PopenSpawn

REPOSITORY = Path(__file__).parents[2]

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the shop that a test may change."""
    ignored = shutil.ignore_patterns("_build", "deps")
    return Path(shutil.copytree(REPOSITORY / "examples" / "shop", tmp_path / "shop", ignore=ignored))


def step(project: Path, *commands: str, secrets: str = "") -> None:
    """Have the build run the commands before the project is compiled."""
    config = (REPOSITORY / "examples" / "shop" / "relbuild.yml").read_text()
    steps = f"builder:\n  secrets: [{secrets}]\n  steps: {{before_compile: {json.dumps(commands)}}}"
    (project / "relbuild.yml").write_text(config.replace("builder:", steps, 1))


def test_elsewhere_than_on_a_terminal_steps_are_plain_lines(
    project: Path, relbuild: Callable[..., Ran], docker: Docker, cleanup: Any, run_id: str
) -> None:
    step(project, f"echo said-{run_id} && test -n {run_id}")
    reference = cleanup.image(f"relbuild-test-lines:{run_id}")
    quiet = relbuild("image", "-C", str(project), "-t", reference)
    assert (quiet.exit_code, quiet.stdout) == (0, f"{reference}\n"), quiet.stderr
    lines = quiet.stderr.splitlines()
    [started] = [line for line in lines if f"echo said-{run_id}" in line]
    assert re.fullmatch(r"\[build \d+/\d+\] RUN echo said-\w+ && test -n \w+", started)
    name = started.partition("]")[0] + "]"
    assert [re.sub(r"\d", "0", line.partition(": ")[2]) for line in lines if line.startswith(f"{name}: ")] == [
        "done in 0.0 s"
    ]
    assert f"said-{run_id}" not in lines


def test_a_terminal_shows_the_steps_live(project: Path, docker: Docker, cleanup: Any, run_id: str) -> None:
    step(project, f"echo {run_id} && sleep 2")
    reference = cleanup.image(f"relbuild-test-live:{run_id}")
    child = pexpect.spawn(
        sys.executable,
        ["-m", "relbuild", "image", "-C", str(project), "-t", reference],
        dimensions=(20, 70),
        env={**os.environ, "TERM": "xterm-256color"},
        encoding="utf-8",
        timeout=240,
    )
    screen = pyte.Screen(70, 20)
    stream = pyte.Stream(screen)
    seen: list[list[str]] = []
    while True:
        try:
            stream.feed(child.read_nonblocking(4096, timeout=240))
        except pexpect.EOF:
            break
        seen.append([line.rstrip() for line in screen.display if line.strip()])
    child.close()
    assert child.exitstatus == 0, seen[-1]
    running = re.compile(rf" +\d+\.\d s  \[build .*{run_id} && sleep 2\n +\d+ of \d+ steps, \d+ cached, \d+\.\d s")
    waiting = {"\n".join(rows[-2:]) for rows in seen if running.fullmatch("\n".join(rows[-2:]))}
    assert len(waiting) > 5, "its time was not renewed while it ran"
    last = "\n".join(seen[-1])
    assert len(re.findall(rf"{run_id} && sleep 2", last)) == 1
    assert last.endswith(reference)


def test_another_build_on_the_engine_is_neither_shown_nor_timed(
    project: Path, relbuild: Callable[..., Ran], cleanup: Any, tmp_path: Path, run_id: str
) -> None:
    """It runs the same steps, in stages of other names, and began long before this build, which waits for it."""
    step(project, f"echo {run_id} && sleep 12")
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    own = relbuild("dockerfile", "-C", str(project), env=cache).stdout
    names = "|".join(re.findall(r"^FROM .* AS (\S+)$", own, re.MULTILINE))
    theirs = re.sub(
        rf"(?<=AS )({names})$|(?<=from=)({names})\b|(?<=^FROM )({names})\b", r"their-\g<0>", own, flags=re.M
    )
    written = relbuild("dockerfile", "-C", str(project), "--write", env=cache)
    assert written.exit_code == 0
    (project / "Dockerfile").write_text(theirs)
    child = PopenSpawn(
        ["docker", "buildx", "build", "--progress", "plain", "--output", "type=cacheonly", "."],
        cwd=str(project),
        encoding="utf-8",
        timeout=240,
    )
    child.expect(f"{run_id} && sleep 12")
    (project / "Dockerfile").unlink()
    reference = cleanup.image(f"relbuild-test-shared:{run_id}")
    began = time.monotonic()
    built = relbuild("image", "-C", str(project), "-t", reference, env=cache)
    took = time.monotonic() - began
    child.expect(pexpect.EOF)
    assert built.exit_code == 0, built.stderr
    assert "[their-" not in built.stderr
    build = json.loads(relbuild("inspect", reference, "--json", env=cache).stdout)["data"]["build"]
    assert 0 < build["seconds"] <= took
    assert not [each for each in build["steps"] if "[their-" in each["title"]]
    [waited] = [each for each in build["steps"] if f"{run_id} && sleep 12" in each["title"]]
    assert 0 < waited["seconds"] <= build["seconds"]


def test_a_warning_of_the_compiler_is_shown_with_its_place(
    project: Path, relbuild: Callable[..., Ran], cleanup: Any, run_id: str
) -> None:
    (project / "lib" / "shop" / "warned.ex").write_text(f"defmodule Shop.W{run_id} do\n  def a(unused), do: 1\nend\n")
    reference = cleanup.image(f"relbuild-test-warned:{run_id}")
    built = relbuild("image", "-C", str(project), "-t", reference, "--json")
    [warning] = json.loads(built.stdout)["data"]["warnings"]
    assert (warning["file"], warning["line"], warning["column"]) == ("lib/shop/warned.ex", 2, 9)
    lines = built.stderr.splitlines()
    at = lines.index("warning: the project compiles with 1 warning")
    assert lines[at + 1].startswith('  lib/shop/warned.ex:2:9: variable "unused" is unused')


def test_secrets_are_masked(project: Path, relbuild: Callable[..., Ran], docker: Docker, run_id: str) -> None:
    secret = f"s3cret-{run_id}"
    step(project, 'echo "the key is $SHOP_TEST_KEY" && exit 3', secrets="SHOP_TEST_KEY")
    failed = relbuild(
        "image", "-C", str(project), "-t", f"relbuild-test-masked:{run_id}", "-v", env={"SHOP_TEST_KEY": secret}
    )
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "| the key is ***" in failed.stderr
    assert secret not in failed.stderr


def test_a_failure_says_where_and_how_to_fix_it(
    project: Path, relbuild: Callable[..., Ran], docker: Docker, tmp_path: Path, run_id: str
) -> None:
    (project / "lib" / "shop" / "broken.ex").write_text("defmodule Shop.Broken do\n  def no, do: nothing\nend\n")
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    failed = relbuild("image", "-C", str(project), "-t", f"relbuild-test-broken:{run_id}", "--json", env=actions)
    assert json.loads(failed.stdout)["errors"] == [
        {
            "code": "failed",
            "message": 'the build failed: undefined variable "nothing"',
            "hint": "the project doesn't compile: fix it and build again; nothing was tagged",
            "file": "lib/shop/broken.ex",
            "line": 2,
            "column": 15,
        }
    ]
    lines = failed.stderr.splitlines()
    [annotation] = [line for line in lines if line.startswith("::error ")]
    assert annotation.startswith("::error file=shop/lib/shop/broken.ex,line=2,col=15,title=relbuild::the build failed")
    [place] = [
        re.fullmatch(r"failed: \[build .*\] RUN .* mix compile .* \((.*):(\d+)\)", line)
        for line in lines
        if line.startswith("failed: ")
    ]
    assert place is not None
    script = "\n".join(Path(place[1]).read_text().splitlines()[int(place[2]) - 1 :])
    assert "mix compile" in script[: script.index("\n\n")]
    assert "  | Compiling" in failed.stderr


def test_what_is_read_at_compile_time_is_named_with_its_place(
    project: Path, relbuild: Callable[..., Ran], docker: Docker, run_id: str
) -> None:
    (project / "config" / "prod.exs").write_text('import Config\n\nconfig :shop, key: System.fetch_env!("SHOP_KEY")\n')
    failed = relbuild("image", "-C", str(project), "-t", f"relbuild-test-env:{run_id}")
    assert failed.exit_code == 1
    assert "error: config/prod.exs:3:1: the build failed: the environment variable SHOP_KEY is read" in failed.stderr
    assert "config/runtime.exs" in failed.stderr


def test_a_release_step_that_raises(project: Path, relbuild: Callable[..., Ran], docker: Docker, run_id: str) -> None:
    mix = project / "mix.exs"
    step_that_raises = 'steps: [:assemble, fn _ -> raise "no changelog" end]'
    mix.write_text(mix.read_text().replace("include_executables_for: [:unix]", step_that_raises))
    failed = relbuild("image", "-C", str(project), "-t", f"relbuild-test-step:{run_id}")
    assert failed.exit_code == 1
    assert re.search(r"^error: mix\.exs:\d+:1: the build failed: \(RuntimeError\) no changelog$", failed.stderr, re.M)
    assert docker("image", "ls", "--quiet", f"relbuild-test-step:{run_id}") == ""


class Wire:
    """A socket between the client and the engine, which can be cut: for the client the engine has been killed."""

    def __init__(self, path: Path, engine: str) -> None:
        self._engine = engine
        self._ends: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen(32)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(self._engine)
            self._ends += [client, engine]
            for source, sink in ((client, engine), (engine, client)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while content := source.recv(65536):
                sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def cut(self) -> None:
        """End all connections and take no more."""
        for end in (self._listening, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def wire(tmp_path: Path, docker: Docker) -> Iterator[tuple[Wire, str]]:
    address = docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
    path = tmp_path / "engine.sock"
    wire = Wire(path, address.removeprefix("unix://"))
    yield wire, f"unix://{path}"
    wire.cut()


def test_an_engine_that_is_killed_in_the_middle_of_a_build(
    project: Path, docker: Docker, wire: tuple[Wire, str], run_id: str
) -> None:
    step(project, f"echo {run_id} && sleep 120")
    reference = f"relbuild-test-killed:{run_id}"
    child = PopenSpawn(
        [sys.executable, "-m", "relbuild", "image", "--host", wire[1], "-C", str(project), "-t", reference],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        encoding="utf-8",
        timeout=240,
    )
    child.expect(f"{run_id} && sleep 120")
    wire[0].cut()
    child.expect(pexpect.EOF)
    said = str(child.before)
    assert child.wait() == 4
    assert "error: the connection to the Docker Engine was lost during the build; nothing was tagged" in said
    assert "Traceback" not in said
    assert docker("image", "ls", "--quiet", reference) == ""
