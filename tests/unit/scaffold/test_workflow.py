"""The workflows: valid by their services' own schemas, their scripts sound, their commands relbuild's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

BIN = Path(sys.executable).parent
MIX = """defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0", deps: [DEPS]]
end
"""
PLAIN = {"mix.exs": MIX.replace("DEPS", "")}
ECTO = {
    "mix.exs": MIX.replace("DEPS", '{:ecto_sql, "~> 3.10"}'),
    "lib/shop/repo.ex": "defmodule Shop.Repo do\n  use Ecto.Repo, otp_app: :shop\nend\n",
}
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}
PATHS = {"github": ".github/workflows/image.yml", "gitlab": ".gitlab-ci.yml"}

Written = Callable[..., dict[str, str]]


def workflow(written: Written, service: str, files: dict[str, str]) -> Any:
    return yaml.safe_load(written(files, ci=service)[PATHS[service]])


@pytest.mark.parametrize("files", [PLAIN, ECTO], ids=["plain", "ecto"])
@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_it_is_valid_by_the_services_schema(
    written: Written, tmp_path: Path, service: str, files: dict[str, str]
) -> None:
    path = tmp_path / "workflow.yml"
    path.write_text(written(files, ci=service)[PATHS[service]])
    checker = (BIN / "check-jsonschema", "--builtin-schema", SCHEMAS[service], path)
    checked = subprocess.run(checker, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def scripts(service: str, document: Any) -> list[str]:
    if service == "github":
        return [step["run"] for job in document["jobs"].values() for step in job["steps"] if "run" in step]
    jobs = [document["default"], *(job for job in document.values() if isinstance(job, dict) and "script" in job)]
    return [command for job in jobs for key in ("before_script", "script") for command in job.get(key, [])]


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_shellcheck_finds_nothing_in_its_scripts(written: Written, service: str) -> None:
    for script in scripts(service, workflow(written, service, ECTO)):
        checked = subprocess.run(
            (BIN / "shellcheck", "--shell=bash", "-"), input=script, capture_output=True, text=True
        )
        assert checked.stdout == ""


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_it_uses_options_that_relbuild_has(written: Written, service: str) -> None:
    used: dict[str, set[str]] = {}
    for script in scripts(service, workflow(written, service, ECTO)):
        for verb, rest in re.findall(r"relbuild (image|migrate)((?:.|\\\n)*)", script):
            used.setdefault(verb, set()).update(re.findall(r"(?<!\S)--[a-z-]+", rest + script))
    assert set(used) == {"image", "migrate"}
    for verb, options in used.items():
        called = (sys.executable, "-m", "relbuild", verb, "--help")
        known = subprocess.run(called, capture_output=True, text=True, check=True).stdout
        assert {option for option in options if option not in known} == set()


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_only_a_project_that_migrates_has_a_job_for_it(written: Written, service: str) -> None:
    assert "migrate" not in str(workflow(written, service, PLAIN))
    document = workflow(written, service, ECTO)
    command = scripts(service, document)[-1]
    assert command.strip() == 'relbuild migrate "$REFERENCE" \\\n  --env DATABASE_URL'
    if service == "github":
        environment = document["jobs"]["migrate"]["steps"][-1]["env"]
        assert environment == {
            "REFERENCE": "${{ needs.image.outputs.reference }}",
            "DATABASE_URL": "${{ secrets.DATABASE_URL }}",
        }


def test_a_migration_gets_what_the_release_needs_to_boot(written: Written) -> None:
    runtime = (
        'import Config\nconfig :shop, a: System.fetch_env!("A"), b: System.get_env("B"), c: System.fetch_env!("C")\n'
    )
    document = workflow(written, "github", {**ECTO, "config/runtime.exs": runtime})
    assert scripts("github", document)[-1].strip() == 'relbuild migrate "$REFERENCE" \\\n  --env A \\\n  --env C'


@pytest.mark.parametrize(
    ("ref", "name", "tags"),
    [
        ("refs/heads/main", "main", ["sha-0123456", "main"]),
        ("refs/heads/feature/a", "feature/a", ["sha-0123456", "feature-a"]),
        ("refs/tags/v1.2.3", "v1.2.3", ["sha-0123456", "1.2.3", "latest"]),
    ],
)
def test_github_gets_the_digest_that_was_pushed(
    written: Written, tmp_path: Path, ref: str, name: str, tags: list[str]
) -> None:
    digest = "sha256:" + "0" * 64
    stub = tmp_path / "relbuild"
    stub.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >"$LOG"\necho "ghcr.io/acme/shop@{digest}"\n')
    stub.chmod(0o755)
    ran = push(written, tmp_path, ref, name)
    assert ran.returncode == 0, ran.stderr
    called = (tmp_path / "log").read_text().splitlines()
    asked = [called[number + 1] for number, word in enumerate(called) if word == "--tag"]
    assert asked == [f"ghcr.io/acme/shop:{tag}" for tag in tags]
    assert "--push" in called
    assert (tmp_path / "output").read_text() == f"reference=ghcr.io/acme/shop@{digest}\ndigest={digest}\n"


def test_github_sees_a_build_that_fails(written: Written, tmp_path: Path) -> None:
    stub = tmp_path / "relbuild"
    stub.write_text("#!/bin/sh\nexit 3\n")
    stub.chmod(0o755)
    ran = push(written, tmp_path, "refs/heads/main", "main")
    assert (ran.returncode, (tmp_path / "output").exists()) == (3, False)


def push(written: Written, directory: Path, ref: str, name: str) -> subprocess.CompletedProcess[str]:
    """Run the step that pushes, as GitHub runs it: with `bash -e`."""
    document = workflow(written, "github", PLAIN)
    [script] = [step["run"] for step in document["jobs"]["image"]["steps"] if step.get("id") == "push"]
    environment = {
        **os.environ,
        "PATH": f"{directory}:{os.environ['PATH']}",
        "GITHUB_REPOSITORY": "Acme/Shop",
        "GITHUB_SHA": "0123456789abcdef",
        "GITHUB_REF": ref,
        "GITHUB_REF_NAME": name,
        "GITHUB_OUTPUT": str(directory / "output"),
        "GITHUB_STEP_SUMMARY": str(directory / "summary"),
        "LOG": str(directory / "log"),
    }
    return subprocess.run(("bash", "-e", "-c", script), env=environment, capture_output=True, text=True)
