"""The command line on a project, as scripts and people use it; no engine is needed for any of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import relbuild as package
from relbuild.image.dockerfile.render import dockerfile_scripts

REPOSITORY = Path(__file__).parents[2]
SHOP = REPOSITORY / "examples" / "shop"


def relbuild(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run((sys.executable, "-m", "relbuild", *argv), cwd=cwd, capture_output=True, text=True)


def test_version() -> None:
    assert relbuild("--version", cwd=SHOP).stdout == f"relbuild {package.__version__}\n"


def test_plan_json_is_a_contract() -> None:
    envelope = json.loads(relbuild("plan", "--json", cwd=SHOP).stdout)
    assert {key: envelope[key] for key in ("relbuild", "command", "status", "exit_code", "errors")} == {
        "relbuild": package.__version__,
        "command": "plan",
        "status": "ok",
        "exit_code": 0,
        "errors": [],
    }
    data = envelope["data"]
    assert {key: data["project"][key] for key in ("app", "umbrella", "path")} == {
        "app": "shop",
        "umbrella": False,
        "path": ".",
    }
    assert data["release"] == {"name": "shop", "version": "0.1.0"}
    assert data["toolchain"]["provider"] == "debian"
    assert [set(data["toolchain"][part]) for part in ("elixir", "otp", "debian")] == [{"value", "source"}] * 3
    assert data["builder"]["image"] == "debian:trixie-slim"
    assert (data["runner"]["image"], data["runner"]["base"]) == ("debian:trixie-slim", "slim")
    assert (data["migrate"], data["unknown"]) == ("Shop.Release.migrate()", [])


def test_what_is_unknown_is_said_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "mix.exs").write_text(
        "defmodule A.MixProject do\n  use Mix.Project\n  def project do\n"
        '    [app: :a, version: System.fetch_env!("VSN")]\n  end\nend\n'
    )
    data = json.loads(relbuild("plan", "--json", cwd=tmp_path).stdout)["data"]
    assert data["release"] == {"name": "a", "version": None}
    places = {(each["file"], each["line"]) for each in data["unknown"]}
    assert places == {("mix.exs", 4)}
    assert "mix.exs:4" in relbuild("plan", cwd=tmp_path).stdout


def test_dockerfile_prints_writes_and_checks(tmp_path: Path) -> None:
    (tmp_path / "mix.exs").write_bytes((SHOP / "mix.exs").read_bytes())
    printed = relbuild("dockerfile", cwd=tmp_path).stdout
    missing = relbuild("dockerfile", "--check", cwd=tmp_path)
    assert (missing.returncode, "Dockerfile is missing" in missing.stderr) == (1, True)

    written = relbuild("dockerfile", "--write", cwd=tmp_path)
    names = ["Dockerfile", ".dockerignore", *(f".relbuild/{name}" for name in sorted(dockerfile_scripts(printed)))]
    assert written.stdout.splitlines() == [f"wrote {name}" for name in names]
    assert (tmp_path / "Dockerfile").read_text() == printed
    assert relbuild("dockerfile", "--check", cwd=tmp_path).returncode == 0
    again = relbuild("dockerfile", "--write", cwd=tmp_path)
    assert again.stdout.splitlines() == [f"unchanged {name}" for name in names]
    (tmp_path / ".relbuild" / "keep-build.sh").write_text("# mine\n")
    refused = relbuild("dockerfile", "--write", cwd=tmp_path)
    assert "error: .relbuild/keep-build.sh:1:1: .relbuild/keep-build.sh is there" in refused.stderr
    (tmp_path / ".relbuild" / "keep-build.sh").unlink()
    assert ".relbuild/keep-build.sh is missing" in relbuild("dockerfile", "--check", cwd=tmp_path).stderr
    relbuild("dockerfile", "--write", cwd=tmp_path)

    (tmp_path / "Dockerfile").write_text(printed.replace('CMD ["start"]', 'CMD ["daemon"]'))
    stale = relbuild("dockerfile", "--check", cwd=tmp_path)
    assert stale.returncode == 1
    line = 1 + printed.splitlines().index('CMD ["start"]')
    assert stale.stderr.splitlines()[0] == f"error: Dockerfile:{line}:1: Dockerfile has gone stale"
    assert '-CMD ["daemon"]' in stale.stderr


def test_equal_input_equal_command(tmp_path: Path) -> None:
    (tmp_path / "mix.exs").write_bytes((SHOP / "mix.exs").read_bytes())
    files = {relbuild("image", "--dry-run", cwd=tmp_path).stdout.split("--file ")[1].split()[0] for _ in range(2)}
    assert len(files) == 1


def test_the_common_options_may_stand_before_the_verb(tmp_path: Path) -> None:
    after = relbuild("plan", "--dry-run", "--json", "-C", str(SHOP), cwd=tmp_path)
    for options in (
        ["--json", "-C", str(SHOP)],
        ["--json", f"-C{SHOP}"],
        ["-C", str(SHOP), "--config=relbuild.yml", "--json"],
    ):
        cwd = SHOP if "--config=relbuild.yml" in options else tmp_path
        assert relbuild(*options, "plan", "--dry-run", cwd=cwd).stdout == after.stdout
    assert json.loads(after.stdout)["data"]["project"]["app"] == "shop"


def test_schema_is_json() -> None:
    assert "properties" in json.loads(relbuild("schema", cwd=SHOP).stdout)


def test_a_dry_run_writes_no_dockerfile(tmp_path: Path) -> None:
    (tmp_path / "mix.exs").write_bytes((SHOP / "mix.exs").read_bytes())
    would = relbuild("dockerfile", "--write", "--dry-run", cwd=tmp_path)
    assert would.stdout.splitlines()[:2] == ["would write Dockerfile", "would write .dockerignore"]
    assert [path.name for path in tmp_path.iterdir()] == ["mix.exs"]


def test_a_dockerfile_of_somebody_elses_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mix.exs").write_bytes((SHOP / "mix.exs").read_bytes())
    (tmp_path / "Dockerfile").write_text("FROM scratch # mine\n")
    refused = relbuild("dockerfile", "--write", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("error: Dockerfile:1:1: Dockerfile is there, and relbuild didn't write it")
    assert not (tmp_path / ".dockerignore").exists()
    assert (tmp_path / "Dockerfile").read_text() == "FROM scratch # mine\n"
    assert relbuild("dockerfile", "--write", "--force", cwd=tmp_path).returncode == 0
    assert "# mine" not in (tmp_path / "Dockerfile").read_text()


def test_a_dockerfile_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "mix.exs").write_bytes((SHOP / "mix.exs").read_bytes())
    (tmp_path / "Dockerfile").mkdir()
    for option in ("--write", "--check"):
        failed = relbuild("dockerfile", option, cwd=tmp_path)
        assert (failed.returncode, "a fault in relbuild" in failed.stderr) == (1, False)


@pytest.mark.parametrize("argv", [["--version"], ["dockerfile"], ["dockerfile", "--json"], ["plan"], ["env", "--help"]])
def test_a_full_disk_behind_stdout(argv: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            (sys.executable, "-m", "relbuild", *argv), cwd=SHOP, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (ran.returncode, ran.stderr) == (1, "error: can't write the result: No space left on device\n")


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]])
@pytest.mark.parametrize("argv", [["--version"], ["plan", "--json"], ["image", "--dry-run"], ["env", "--help"]])
def test_streams_that_are_closed(closed: list[int], argv: list[str]) -> None:
    command = " ".join((*argv, *(f"{number}>&-" for number in closed)))
    ran = subprocess.run(
        ("sh", "-c", f'exec "$0" -m relbuild {command}', sys.executable), cwd=SHOP, capture_output=True, text=True
    )
    said = "" if 1 not in closed or 2 in closed else "error: can't write the result: Bad file descriptor\n"
    assert (ran.returncode, ran.stderr, bool(ran.stdout)) == (int(1 in closed), said, 1 not in closed)


def test_output_that_nobody_reads_is_no_fault() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        (sys.executable, "-m", "relbuild", "dockerfile"), cwd=SHOP, stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (1, "")


def test_it_installs_elsewhere_with_its_templates(tmp_path: Path) -> None:
    target = tmp_path / "site"
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
    subprocess.run((*pip, "install", "--no-deps", "--target", str(target), str(REPOSITORY)), check=True)
    assert (target / "relbuild" / "dockerfiles" / "Dockerfile.j2").is_file()
    script = "import sys; sys.path.insert(0, sys.argv.pop(1)); from relbuild.__main__ import main; main()"
    for argv, expected in (
        (("--version",), f"relbuild {package.__version__}\n"),
        (("dockerfile",), relbuild("dockerfile", cwd=SHOP).stdout),
    ):
        ran = subprocess.run(
            (sys.executable, "-c", script, str(target), *argv), cwd=SHOP, capture_output=True, text=True
        )
        assert ran.stdout == expected, ran.stderr


def test_a_command_that_does_not_exist_names_the_one_that_is_meant() -> None:
    ran = relbuild("build", "-t", "shop:1", cwd=SHOP)
    hint = "did you mean relbuild image? relbuild --help lists the commands"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", f"error: there is no command build\n  {hint}\n")
    envelope = json.loads(relbuild("up", "--json", cwd=SHOP).stdout)
    hints = [each["hint"].partition("?")[0] for each in envelope["errors"]]
    assert hints == ["did you mean relbuild deploy or relbuild run"]


@pytest.mark.parametrize("verb", [("rpc", "1"), ("logs",)])
def test_a_cluster_that_does_not_answer_may_later(tmp_path: Path, verb: tuple[str, ...]) -> None:
    """kubectl exits with 1 then, as a release might; here it is a script that prints what the real one does."""
    said = "The connection to the server 127.0.0.1:9 was refused - did you specify the right host or port?"
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    kubectl.chmod(0o755)
    ran = subprocess.run(
        (sys.executable, "-m", "relbuild", *verb, "--on", "deployment:shop/web"),
        cwd=SHOP,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout) == (75, "")
    assert ran.stderr == (
        f"error: no cluster answers: {said}\n  kubectl cluster-info names the cluster; --context selects another\n"
    )
