"""relbuild init as people and scripts use it; no engine is needed for any of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

GOLDEN = Path(__file__).parents[1] / "golden"
NEW = GOLDEN / "mix-new" / "project"
WRITTEN = ["rel/env.sh.eex", "rel/vm.args.eex", "config/runtime.exs", "relbuild.yml"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return what `mix new` made: no more than init needs to see."""
    (tmp_path / "mix.exs").write_bytes((NEW / "mix.exs").read_bytes())
    return tmp_path


def init(project: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    call = (sys.executable, "-m", "relbuild", "init", *argv)
    return subprocess.run(call, cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def test_a_project_with_dependencies_beside_it(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "poncho-above", tmp_path, dirs_exist_ok=True)
    subprocess.run(("git", "init", "--quiet"), cwd=tmp_path, check=True)
    initialised = init(tmp_path / "project", "--yes")
    assert (initialised.returncode, initialised.stdout.splitlines()) == (0, [f"wrote {path}" for path in WRITTEN])


def test_a_workflow_goes_to_the_repositorys_root_and_builds_its_branch(project: Path) -> None:
    subprocess.run(("git", "init", "--quiet", "--initial-branch", "master"), cwd=project, check=True)
    (project / "backend").mkdir()
    (project / "mix.exs").rename(project / "backend" / "mix.exs")
    shown = init(project, "-C", "backend", "--ci", "github")
    subprocess.run(("git", "apply"), input=shown.stdout, text=True, cwd=project, check=True)
    assert 'branches: ["master"]\n' in (project / ".github" / "workflows" / "image-backend.yml").read_text()
    again = init(project / "backend", "--ci", "github", "--yes")
    own = [*WRITTEN, "../.github/workflows/image-backend.yml"]
    assert again.stdout.splitlines() == [f"unchanged {path}" for path in own]
    (project / ".github" / "workflows" / "image-backend.yml").unlink()
    assert init(project / "backend", "--ci", "github", "--yes").stdout.splitlines() == [
        "wrote ../.github/workflows/image-backend.yml",
        *(f"unchanged {path}" for path in WRITTEN),
    ]
    assert (project / ".github" / "workflows" / "image-backend.yml").is_file()


def test_a_workflow_names_the_relbuild_yml_that_init_was_given(project: Path) -> None:
    subprocess.run(("git", "init", "--quiet"), cwd=project, check=True)
    for directory in ("backend", "ci"):
        (project / directory).mkdir()
    (project / "mix.exs").rename(project / "backend" / "mix.exs")
    (project / "ci" / "relbuild.yml").write_text("toolchain: debian\n")
    shown = init(project, "-C", "backend", "--config", "ci/relbuild.yml", "--ci", "github")
    assert shown.stdout.count("relbuild image --config ../ci/relbuild.yml ") == 2
    (project.parent / "relbuild.yml").write_text("toolchain: debian\n")
    refused = init(project, "-C", "backend", "--config", "../relbuild.yml", "--ci", "github")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "is outside the repository" in refused.stderr


def files(project: Path) -> dict[str, bytes]:
    return {str(path.relative_to(project)): path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_without_a_terminal_the_diff_is_the_result_and_nothing_is_written(project: Path) -> None:
    before = files(project)
    shown = init(project)
    assert (shown.returncode, files(project)) == (0, before)
    assert shown.stderr == "warning: no file written: relbuild init --yes writes 4 new files\n"
    subprocess.run(("git", "apply"), input=shown.stdout, text=True, cwd=project, check=True)
    applied = files(project)
    assert set(applied) == {"mix.exs", *WRITTEN}
    assert init(project).stdout.splitlines() == [f"unchanged {path}" for path in WRITTEN]
    assert files(project) == applied


def test_yes_writes_what_it_shows_and_again_changes_nothing(project: Path) -> None:
    preview = init(project).stdout
    first = init(project, "--yes")
    assert first.stdout.splitlines() == [f"wrote {path}" for path in WRITTEN]
    assert first.stderr == preview
    written = files(project)
    again = init(project, "--yes", "--force")
    assert (again.stdout.splitlines(), again.stderr) == ([f"unchanged {path}" for path in WRITTEN], "")
    assert files(project) == written


def test_a_dry_run_writes_nothing(project: Path) -> None:
    before = files(project)
    assert (init(project, "--yes", "--dry-run").returncode, files(project)) == (0, before)


def test_json_has_the_diff_and_what_was_written(project: Path) -> None:
    shown = json.loads(init(project, "--json").stdout)["data"]
    assert (shown["written"], shown["diff"][:13]) == ([], "--- /dev/null")
    assert json.loads(init(project, "--json", "--yes").stdout)["data"] == {**shown, "written": WRITTEN}


@pytest.mark.parametrize(
    ("answer", "writes"), [("y", True), ("yes", True), ("n", False), ("", False), ("yeah", False), ("\x04", False)]
)
def test_on_a_terminal_it_asks(project: Path, answer: str, writes: bool) -> None:
    before = files(project)
    child = pexpect.spawn(sys.executable, ["-m", "relbuild", "init"], cwd=project, encoding="utf-8", timeout=30)
    child.expect_exact("+import Config")
    child.expect_exact("Write 4 new files? [y/N] ")
    assert files(project) == before
    child.send(answer if answer == "\x04" else f"{answer}\n")
    child.expect(pexpect.EOF)
    assert ("no file written" in child.before) is not writes
    child.close()
    assert child.exitstatus == 0
    assert (files(project) != before, "wrote relbuild.yml" in child.before) == (writes, writes)


def test_ctrl_c_at_the_question_writes_nothing(project: Path) -> None:
    before = files(project)
    child = pexpect.spawn(sys.executable, ["-m", "relbuild", "init"], cwd=project, encoding="utf-8", timeout=30)
    child.expect_exact("[y/N] ")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    assert (child.exitstatus, files(project)) == (130, before)


def test_force_shows_what_it_overwrites(project: Path) -> None:
    (project / "config").mkdir()
    (project / "config" / "runtime.exs").write_text("import Config\nconfig :hello, mine: true\n")
    assert "unchanged config/runtime.exs" in init(project, "--yes").stdout
    forced = init(project, "--yes", "--force")
    assert forced.stdout.splitlines()[0] == "wrote config/runtime.exs"
    assert "-config :hello, mine: true\n" in forced.stderr


def test_toolchain_and_release_are_decided_in_relbuild_yml(project: Path) -> None:
    init(project, "--yes", "--toolchain", "debian", "--release", "hello")
    decided = [line for line in (project / "relbuild.yml").read_text().splitlines() if line and line[0] != "#"]
    assert decided == ["release: hello", "toolchain: debian"]


def test_what_cannot_be_written_leaves_all_as_it_was(project: Path) -> None:
    (project / "config").write_text("no directory\n")
    before = files(project)
    failed = init(project, "--yes")
    assert (failed.returncode, files(project)) == (1, before)
    assert "error: can't write config/runtime.exs: not a directory; nothing was written" in failed.stderr
    assert not (project / "rel").exists()


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("--ci", "circle"), 2, "'circle' is not one of 'github', 'gitlab'"),
        (("--toolchain", "image"), 2, "'image' is not one of"),
        (("--release", "other"), 3, "there is no release other: mix.exs defines hello"),
        (("-C", "missing"), 2, "there is no directory missing"),
    ],
)
def test_bad_options(project: Path, argv: tuple[str, ...], code: int, message: str) -> None:
    failed = init(project, *argv)
    assert (failed.returncode, failed.stdout) == (code, "")
    assert message in failed.stderr


def test_a_project_that_is_broken_is_told_and_nothing_written(project: Path) -> None:
    (project / "mix.exs").write_text("defmodule Broken do\n  use Mix.Project\n  def project, do: [app: \nend\n")
    failed = init(project, "--yes")
    assert (failed.returncode, [path.name for path in project.iterdir()]) == (3, ["mix.exs"])
    assert "mix.exs: syntax error" in failed.stderr


def test_a_file_that_is_not_text_is_not_overwritten(project: Path) -> None:
    (project / "relbuild.yml").write_bytes(b"")
    (project / "rel").mkdir()
    (project / "rel" / "env.sh.eex").write_bytes(b"\xff\n")
    failed = init(project, "--yes", "--force")
    assert (failed.returncode, (project / "rel" / "env.sh.eex").read_bytes()) == (3, b"\xff\n")
    assert "rel/env.sh.eex:1:1: rel/env.sh.eex: is not UTF-8" in failed.stderr
