"""Projects that no image can be made of: each fault is told with its place and the next action, and none costs time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MIX = """defmodule Hello.MixProject do
  use Mix.Project

  def project do
    [app: :hello, version: "0.1.0", elixir: "~> 1.15", aliases: ["assets.deploy": ["cmd --cd assets npm run build"]]]
  end
end
"""
PACKAGE = json.dumps({"packageManager": "pnpm@9.15.0", "devDependencies": {"esbuild": "0.25.0"}}, indent=2)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    put(tmp_path, {"mix.exs": MIX, "lib/hello.ex": "defmodule Hello do\nend\n"})
    return tmp_path


def put(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def failure(root: Path) -> tuple[int, list[str]]:
    ran = subprocess.run((sys.executable, "-m", "relbuild", "plan"), cwd=root, capture_output=True, text=True)
    assert ran.stdout == ""
    return ran.returncode, ran.stderr.splitlines()


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"mix.exs": MIX.replace("hello", "h\xe9llo").encode("latin-1")}, "mix.exs:5:13: mix.exs: is not UTF-8"),
        ({".tool-versions": b"erlang 27.3.4\nelixir 1.18\xff\n"}, ".tool-versions:2:12: .tool-versions: is not UTF-8"),
        ({"mise.toml": b"[tools]\nelixir = '\xe9'\n"}, "mise.toml:2:11: mise.toml: is not UTF-8"),
        ({".elixir-version": b"\xff\xfe1"}, ".elixir-version:1:1: .elixir-version: is not UTF-8"),
        (
            {"elixir_buildpack.config": b"# \xe9\n"},
            "elixir_buildpack.config:1:3: elixir_buildpack.config: is not UTF-8",
        ),
        (
            {"config/runtime.exs": b"import Config\n# \xe9\n"},
            "config/runtime.exs:2:3: config/runtime.exs: is not UTF-8",
        ),
        (
            {"config/config.exs": b"import Config\nconfig :a, b: '\xe9'\n"},
            "config/config.exs:2:16: config/config.exs: is not UTF-8",
        ),
        ({"mix.lock": b'%{\n  "\xe9": 1}'}, "mix.lock:2:4: mix.lock: is not UTF-8"),
        ({"rel/env.sh.eex": b"# \xe9\n"}, "rel/env.sh.eex:1:3: rel/env.sh.eex: is not UTF-8"),
        ({"assets/package.json": b'{\n  "\xe9": 1}'}, "assets/package.json:2:4: assets/package.json: is not UTF-8"),
        ({"assets/package.json": "{}", ".nvmrc": b"v2\xe9"}, ".nvmrc:1:3: .nvmrc: is not UTF-8"),
        (
            {"assets/package.json": PACKAGE, "assets/pnpm-workspace.yaml": b"packages:\n- \xe9"},
            "assets/pnpm-workspace.yaml:2:3: assets/pnpm-workspace.yaml: is not UTF-8",
        ),
        (
            {"assets/package.json": PACKAGE, "assets/.npmrc": b"# \xe9"},
            "assets/.npmrc:1:3: assets/.npmrc: is not UTF-8",
        ),
    ],
)
def test_a_file_that_is_not_utf_8(project: Path, files: dict[str, str | bytes], place: str) -> None:
    put(project, files)
    code, told = failure(project)
    assert (code, told[0], "save it as UTF-8" in told[1]) == (3, f"error: {place}", True)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {".tool-versions": "erlang 99.1\n"},
            [
                "error: .tool-versions:1:8: relbuild knows no Elixir that runs on OTP 99.1 (.tool-versions:1)",
                "  take one of OTP 21, 22, 23, 24, 25, 26, 27, 28, 29",
            ],
        ),
        (
            {"relbuild.yml": "toolchain: debian\nelixir: 1.17.3\n"},
            [
                "error: relbuild.yml:2:9: relbuild.yml:2 asks for Elixir 1.17.3, Debian trixie has 1.18.3",
                "  leave it out, or write toolchain: hexpm; Debian has: bookworm 1.14.0, trixie 1.18.3, forky 1.20.4, "
                "sid 1.20.4",
            ],
        ),
        (
            {".tool-versions": "elixir 1.15.8\nerlang 28.1\n"},
            [
                "error: .tool-versions:1:8: Elixir 1.15.8 (.tool-versions:1) does not run on OTP 28.1 "
                "(.tool-versions:2)",
                "  Elixir 1.15.8 supports OTP 24, 25, 26; OTP 28 is supported by Elixir 1.18, 1.19, 1.20",
            ],
        ),
        (
            {"assets/package.json": PACKAGE, "assets/yarn.lock": ""},
            [
                "error: assets/package.json:2:3: packageManager: pnpm is configured, and assets/yarn.lock is the lock "
                "file of another",
                "  remove assets/yarn.lock and commit pnpm's own, or configure the other",
            ],
        ),
    ],
)
def test_what_does_not_go_together(project: Path, files: dict[str, str | bytes], told: list[str]) -> None:
    put(project, files)
    assert failure(project) == (3, told)


@pytest.mark.parametrize(
    ("link", "target"),
    [("lib/around", "around"), ("lib/hello/up", ".."), ("itself", "."), ("mix.lock", "mix.lock"), ("config", "config")],
)
def test_a_circular_link(project: Path, link: str, target: str) -> None:
    (project / "lib" / "hello").mkdir()
    (project / link).symlink_to(target)
    said = [f"error: {link}:1:1: {link}: a circular symbolic link", "  remove it: who follows it comes to no end"]
    assert failure(project) == (3, said)


# Runs relbuild and says, on the last line, how often it has listed each directory below the one it is in.
COUNTING = """
import collections, json, os, runpy, sys
read, here = collections.Counter(), os.getcwd()
def note(event, given):
    if event in ("os.scandir", "os.listdir") and os.path.abspath(given[0] or ".").startswith(here):
        read[os.path.relpath(given[0] or ".", here)] += 1
sys.addaudithook(note)
try:
    runpy.run_module("relbuild", run_name="__main__")
finally:
    print("\\n" + json.dumps(read))
"""


def test_what_lies_beside_the_project_is_not_looked_at(project: Path) -> None:
    """However many files there are: the same directories are read as before. One read of many names is no time."""
    put(project, {"priv/static/app.js": "", "assets/package.json": "{}", "config/config.exs": "import Config\n"})
    verbs = ("plan", "dockerfile")
    before = [directories_read(project, verb) for verb in verbs]
    for directory in ("deps", "_build", "assets/node_modules", "priv/static", "data"):
        for number in range(50):
            inside = project / directory / str(number)
            inside.mkdir(parents=True)
            for name in range(20):
                os.mknod(inside / f"{name}.ex")
    assert [directories_read(project, verb) for verb in verbs] == before


def directories_read(project: Path, verb: str) -> dict[str, int]:
    ran = subprocess.run((sys.executable, "-c", COUNTING, verb), cwd=project, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout.splitlines()[-1]))
