"""What a user sees when dependencies are at fault: the place, the next action and the exit code, before any build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MIX = """defmodule A.MixProject do
  use Mix.Project
  def project, do: [app: :a, version: "0.1.0", OPTIONS]
end
"""
UMBRELLA = MIX.replace("app: :a", 'apps_path: "apps"')
LOCK = '%{\n"core": {:hex, :core, "1.0.0", "0", [:mix], [], "hexpm", "0"},\n}\n'
RUN = "run mix deps.get, and commit mix.lock"


def mix(options: str) -> str:
    return MIX.replace("OPTIONS", options)


@pytest.mark.parametrize(
    ("files", "exit_code", "error"),
    [
        (
            {"app/mix.exs": mix('deps: [{:core, path: "../../core"}]')},
            3,
            (
                "dependency core: ../../core lies outside of the git repository",
                "app/mix.exs:3:55",
                "move it into the repository, or take it from git or from a Hex repository",
            ),
        ),
        (
            {"app/mix.exs": mix('deps: [{:core, path: "../core"}]')},
            3,
            (
                "dependency core: there is nothing at ../core",
                "app/mix.exs:3:55",
                "if it is a git submodule: git submodule update --init",
            ),
        ),
        (
            {"app/mix.exs": mix('deps: [{:core, "~> 1.0", organization: "acme"}]')},
            2,
            (
                "the build needs HEX_ACME_KEY: core is a package of the Hex organization acme",
                "app/mix.exs:3:55",
                "mix hex.organization key acme generate makes one; export HEX_ACME_KEY=… before relbuild image",
            ),
        ),
        (
            {"app/mix.exs": mix('deps: [{:core, "~> 1.0", repo: "own"}]')},
            3,
            (
                "core is from the Hex repository own, and its address isn't known",
                "app/mix.exs:3:55",
                "write into relbuild.yml: builder: {repos: {own: {url: https://…, public_key: own.pem}}}",
            ),
        ),
        (
            {"app/mix.exs": mix('deps: [{:ui, git: "git@example.com:ui.git"}]'), "home/.ssh/known_hosts": ""},
            2,
            (
                "the build needs an ssh agent: ui is fetched over ssh",
                "app/mix.exs:3:55",
                "eval $(ssh-agent), then ssh-add your key",
            ),
        ),
        (
            {"app/mix.exs": mix("releases: [one: [], two: []]")},
            3,
            (
                "mix.exs defines several releases: one, two",
                "app/mix.exs:3:59",
                "say which: `--release NAME`, or `release: NAME` in relbuild.yml",
            ),
        ),
        (
            {"app/mix.exs": mix('deps: [{:core, "~> 2.0"}]'), "app/mix.lock": LOCK},
            3,
            (
                "mix.lock does not match mix.exs: it has core 1.0.0, and ~> 2.0 is requested",
                "app/mix.exs:3:55",
                RUN,
            ),
        ),
        (
            {"app/mix.exs": mix('deps: [{:core, "~> 1.0"}]'), "app/mix.lock": '%{\n"core": {:hex, :core, "1.0.0"},\n}'},
            3,
            (
                "mix.lock lacks a checksum of core, and the build's mix deps.get --check-locked refuses to add it",
                "app/mix.lock:2:1",
                RUN,
            ),
        ),
        (
            {"mix.exs": UMBRELLA.replace("OPTIONS", "deps: []"), "apps/a/mix.exs": mix("deps: []")},
            3,
            (
                "a is an application of the umbrella project in ../.., which is built as a whole: its configuration, "
                "its lock file and its releases are there",
                "apps/a/mix.exs:3:26",
                "add to `project` in ../../mix.exs: releases: [a: [applications: [a: :permanent]]], "
                "then relbuild image -C ../..",
            ),
        ),
        (
            {
                "mix.exs": UMBRELLA.replace("OPTIONS", "releases: [Wrong: []]"),
                "apps/a/mix.exs": mix("deps: []"),
            },
            3,
            (
                "a is an application of the umbrella project in ../.., which is built as a whole: its configuration, "
                "its lock file and its releases are there",
                "apps/a/mix.exs:3:26",
                "relbuild plan -C ../.. says what is wrong there",
            ),
        ),
        (
            {
                "app/mix.exs": mix("deps: []"),
                "above/lib/a.ex": "",
                "app/lib -> ../above/lib": "",
            },
            3,
            (
                "lib is a link to ../above/lib, out of what the build sees",
                "app/lib:1:1",
                "put what it leads to in its place, or make a path dependency of it",
            ),
        ),
    ],
    ids=[
        *("outside-of-git", "no-directory", "organization-key", "repository-address", "ssh-agent", "several-releases"),
        *("lock-version", "lock-checksum", "umbrella-child", "refused-umbrella", "link"),
    ],
)
def test_it_is_told_before_the_build(
    tmp_path: Path, files: dict[str, str], exit_code: int, error: tuple[str, str, str]
) -> None:
    repository = tmp_path / "repository"
    for name, text in {".git/HEAD": "", **files}.items():
        path, _, target = name.partition(" -> ")
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).symlink_to(target) if target else (repository / path).write_text(text)
    directory, _, place = error[1].rpartition("/")
    ran = subprocess.run(
        (sys.executable, "-m", "relbuild", "image", "--dry-run", "--json"),
        cwd=repository / directory,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(("SSH_", "HEX_"))},
            "HOME": str(repository / "home"),
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
    )
    [said] = json.loads(ran.stdout)["errors"]
    found = (said["message"], f"{said['file']}:{said['line']}:{said['column']}", said["hint"])
    assert (ran.returncode, found) == (exit_code, (error[0], place, error[2]))
