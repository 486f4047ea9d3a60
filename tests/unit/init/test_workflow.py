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

from relbuild import __version__
from relbuild.errors import UsageError
from relbuild.image.plan.location import Location
from relbuild.init.files import Scaffold

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
SSH = {"mix.exs": MIX.replace("DEPS", '{:ui, git: "git@git.example.com:ui.git"}')}
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}
PATHS = {"github": ".github/workflows/image.yml", "gitlab": ".gitlab-ci.yml"}

Written = Callable[..., dict[str, str]]


def workflow(written: Written, service: str, files: dict[str, str]) -> Any:
    return yaml.safe_load(written(files, ci=service)[PATHS[service]])


@pytest.mark.parametrize("files", [PLAIN, ECTO, SSH], ids=["plain", "ecto", "ssh"])
@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_it_is_valid_by_the_services_schema(
    written: Written, tmp_path: Path, service: str, files: dict[str, str]
) -> None:
    path = tmp_path / "workflow.yml"
    path.write_text(written(files, ci=service)[PATHS[service]])
    checker = (BIN / "check-jsonschema", "--builtin-schema", SCHEMAS[service], path)
    checked = subprocess.run(checker, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


BELOW = Location(("apps", "back end"), git=True)


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_below_the_repositorys_root_it_goes_there_and_builds_here(
    scaffold: Callable[..., Scaffold], tmp_path: Path, service: str
) -> None:
    made = scaffold(ECTO, BELOW, ci=service, requirement="relbuild")
    [change] = [each for each in made.changes if each.path.startswith("..")]
    path = PATHS[service].replace("image", "image-apps-back-end")
    assert change.path == f"../../{path}"
    assert made.notes == (
        f"../../{path} is in the repository's root, where {service} reads it: the diff's paths are relative to "
        "the root",
    )
    paths = [line.removeprefix("+++ b/") for line in made.diff.splitlines() if line.startswith("+++ b/")]
    own = ("rel/env.sh.eex", "rel/vm.args.eex", "config/runtime.exs", "lib/shop/release.ex", "relbuild.yml")
    assert paths == [*(f"apps/back end/{each}" for each in own), path]
    (tmp_path / "workflow.yml").write_text(change.after)
    checker = (BIN / "check-jsonschema", "--builtin-schema", SCHEMAS[service], tmp_path / "workflow.yml")
    assert subprocess.run(checker, capture_output=True).returncode == 0
    document = yaml.safe_load(change.after)
    if service == "github":
        jobs = document["jobs"]
        # The one that migrates checks nothing out: it has no such directory.
        assert (jobs["image"]["defaults"], "defaults" in jobs["migrate"]) == (
            {"run": {"working-directory": "apps/back end"}},
            False,
        )
        assert 'add paths: ["apps/back end/**"] and' in change.after
        # Nothing of it is another project's, which may lie beside it.
        assert document["name"] == "image-apps-back-end"
        assert jobs["image"]["concurrency"]["group"] == "image-apps-back-end-${{ github.ref }}"
        assert jobs["migrate"]["concurrency"] == "migrate-apps-back-end"
        assert set(re.findall(r'image="(.*)"', change.after)) == {"ghcr.io/${GITHUB_REPOSITORY,,}/apps-back-end"}
    else:
        [build] = [script for script in scripts(service, document) if "relbuild image" in script]
        assert "relbuild image -C 'apps/back end' --tag" in build
        assert 'add changes: ["apps/back end/**/*"] and' in change.after
        assert set(re.findall(r"\$CI_REGISTRY_IMAGE([^:]*):", change.after)) == {"/apps-back-end"}


@pytest.mark.parametrize(
    ("config", "github", "gitlab"),
    [
        (
            "../../etc/relbuild yml",
            "--config '../../etc/relbuild yml' --",
            "-C 'apps/back end' --config 'etc/relbuild yml' --",
        ),
        ("ci.yml", "--config ci.yml --", "-C 'apps/back end' --config 'apps/back end/ci.yml' --"),
    ],
)
def test_it_names_a_relbuild_yml_that_is_kept_elsewhere(
    scaffold: Callable[..., Scaffold], config: str, github: str, gitlab: str
) -> None:
    for service, options in (("github", github), ("gitlab", gitlab)):
        made = scaffold(PLAIN, BELOW, ci=service, settings=False, config=config)
        [change] = [each for each in made.changes if each.path.startswith("..")]
        commands = re.findall("relbuild image (.*)", change.after)
        assert commands
        assert all(command.startswith(options[:-2]) for command in commands)


def test_a_relbuild_yml_outside_of_the_repository_is_refused(scaffold: Callable[..., Scaffold]) -> None:
    with pytest.raises(UsageError, match=r"--config ../../../a.yml is outside the repository"):
        scaffold(PLAIN, BELOW, ci="github", settings=False, config="../../../a.yml")


@pytest.mark.parametrize("location", [None, Location(), Location((), git=True), Location(("srv", "shop"))])
def test_elsewhere_it_goes_into_the_project(written: Written, location: Location | None) -> None:
    for service, path in PATHS.items():
        assert written(PLAIN, location=location, ci=service)[path] == written(PLAIN, ci=service)[path]


def test_github_builds_the_branch_that_work_goes_to(written: Written) -> None:
    for branch in ("main", "master", "1.0"):
        # YAML takes the key `on` for true.
        started = yaml.safe_load(written(PLAIN, ci="github", branch=branch)[PATHS["github"]])[True]
        assert started == {"push": {"branches": [branch], "tags": ["v*"]}, "pull_request": None}


@pytest.mark.parametrize(
    ("settings", "release", "option"),
    [
        ("release: worker\n", "shop", " --release shop"),
        ("image: a\n", "shop", " --release shop"),
        ("release: worker\n", "worker", ""),
        ("release: worker\n", None, ""),
        # It is written then, and has the release.
        (None, "shop", ""),
    ],
)
def test_it_builds_the_release_that_it_is_made_for(
    written: Written, settings: str | None, release: str | None, option: str
) -> None:
    mix = PLAIN["mix.exs"].replace("deps: []", "deps: [], releases: [shop: [], worker: []]")
    files = {"mix.exs": mix, **({"relbuild.yml": settings} if settings else {})}
    for service, path in PATHS.items():
        text = written(files, ci=service, release=release)[path]
        assert text.startswith(f"# Builds the image of the release {release or 'worker'}, pushes it.\n")
        commands = re.findall(r"relbuild image( --release \S+)?", "\n".join(scripts(service, yaml.safe_load(text))))
        assert set(commands) == {option}


def scripts(service: str, document: Any) -> list[str]:
    if service == "github":
        return [step["run"] for job in document["jobs"].values() for step in job["steps"] if "run" in step]
    jobs = [document["default"], *(job for job in document.values() if isinstance(job, dict) and "script" in job)]
    return [command for job in jobs for key in ("before_script", "script") for command in job.get(key, [])]


@pytest.mark.parametrize("files", [ECTO, SSH], ids=["ecto", "ssh"])
@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_shellcheck_finds_nothing_in_its_scripts(written: Written, service: str, files: dict[str, str]) -> None:
    for script in scripts(service, workflow(written, service, files)):
        checked = subprocess.run(
            (BIN / "shellcheck", "--shell=bash", "-"), input=script, capture_output=True, text=True
        )
        assert checked.stdout == ""


def test_what_is_fetched_over_ssh_gets_an_agent_before_the_build(written: Written) -> None:
    steps = workflow(written, "github", SSH)["jobs"]["image"]["steps"]
    agent = next(number for number, step in enumerate(steps) if "ssh-agent" in step.get("run", ""))
    builds = [number for number, step in enumerate(steps) if "relbuild image" in step.get("run", "")]
    assert agent < min(builds)
    assert steps[agent]["env"] == {"SSH_PRIVATE_KEY": "${{ secrets.SSH_PRIVATE_KEY }}"}
    known = {"SSH_KNOWN_HOSTS": "${{ secrets.SSH_KNOWN_HOSTS }}"}
    assert [steps[number]["env"] for number in builds] == [known, known]
    in_order = "\n".join(scripts("gitlab", workflow(written, "gitlab", SSH)))
    assert [in_order.index(each) for each in ("openssh-client", "ssh-agent", "ssh-add -", "relbuild image")] == sorted(
        in_order.index(each) for each in ("openssh-client", "ssh-agent", "ssh-add -", "relbuild image")
    )
    assert "variables for the build: SSH_KNOWN_HOSTS, SSH_PRIVATE_KEY." in written(SSH, ci="gitlab")[PATHS["gitlab"]]
    for service in PATHS:
        assert "ssh" not in written(PLAIN, ci=service)[PATHS[service]]


def test_later_steps_see_the_agent_with_the_key(written: Written, tmp_path: Path) -> None:
    for name, script in {
        "ssh-agent": 'echo "SSH_AUTH_SOCK=/run/agent; export SSH_AUTH_SOCK;"',
        "ssh-add": 'test "$1$SSH_AUTH_SOCK" = -/run/agent && cat >"$LOG"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    steps = workflow(written, "github", SSH)["jobs"]["image"]["steps"]
    [script] = [step["run"] for step in steps if "ssh-agent" in step.get("run", "")]
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        # A secret of GitHub's has lost its last line's end, without which ssh-add takes no key.
        "SSH_PRIVATE_KEY": "a\nb",
        "GITHUB_ENV": str(tmp_path / "variables"),
        "LOG": str(tmp_path / "log"),
    }
    subprocess.run(("bash", "-e", "-c", script), env=environment, check=True)
    assert (tmp_path / "variables").read_text() == "SSH_AUTH_SOCK=/run/agent\n"
    assert (tmp_path / "log").read_text() == "a\nb\n"


@pytest.mark.parametrize("requirement", [None, "git+https://example.com/relbuild.git@0123abc"])
def test_the_relbuild_that_wrote_it_is_installed(scaffold: Callable[..., Scaffold], requirement: str | None) -> None:
    for service, path in PATHS.items():
        made = scaffold(PLAIN, ci=service, requirement=requirement)
        [text] = [change.after for change in made.changes if change.path == path]
        document = yaml.safe_load(text)
        given = document["env" if service == "github" else "variables"]["RELBUILD"]
        assert given == (requirement or f"relbuild=={__version__}")
        notes = [note for note in made.notes if "RELBUILD" in note]
        assert [note.partition(",")[0] for note in notes] == ([f"{path} installs {given}"] if not requirement else [])


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
