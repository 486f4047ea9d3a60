"""relbuild convert as people and scripts use it; no engine is needed for any of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(params=["distillery-2", "distillery-1-umbrella"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    shutil.copytree(GOLDEN / request.param / "project", tmp_path / "project")
    return tmp_path / "project"


def convert(project: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    call = (sys.executable, "-m", "relbuild", "convert", *argv)
    return subprocess.run(call, cwd=project, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def files(project: Path) -> dict[str, bytes]:
    return {str(path.relative_to(project)): path.read_bytes() for path in project.rglob("*") if path.is_file()}


def test_the_diff_does_what_write_does(project: Path) -> None:
    """As git applies it: files that go and the one that isn't shown, too."""
    before = files(project)
    other = project.parent / "other"
    shutil.copytree(project, other)
    shown = convert(project)
    assert (shown.returncode, files(project)) == (0, before)
    subprocess.run(("git", "apply"), input=shown.stdout, text=True, cwd=project, check=True)
    written = convert(other, "--write")
    assert written.returncode == 0
    assert files(other) == files(project)
    told = set(written.stdout.splitlines())
    gone = {path for path in before if path not in files(other)}
    changed = {path for path, content in files(other).items() if before.get(path) != content}
    assert told == {f"wrote {path}" for path in changed} | {f"removed {path}" for path in gone}
    # No directory stays for what is gone.
    assert [path for path in other.rglob("*") if path.is_dir() and not any(path.iterdir())] == []


@pytest.mark.parametrize("where", ["app", "."])
def test_the_diff_of_a_project_within_a_repository(project: Path, where: str) -> None:
    """Wherever in the repository git applies it, it takes all of it."""
    other = project.parent / "other"
    shutil.copytree(project, other)
    repository = project.parent / "repository"
    repository.mkdir()
    subprocess.run(("git", "init", "--quiet"), cwd=repository, check=True)
    shown = convert(Path(shutil.move(project, repository / "app")))
    subprocess.run(("git", "apply"), input=shown.stdout, text=True, cwd=repository / where, check=True)
    convert(other, "--write")
    assert files(repository / "app") == files(other)


def test_a_second_time_there_is_nothing_to_do(project: Path) -> None:
    convert(project, "--write")
    written = files(project)
    again = convert(project, "--write")
    assert (again.returncode, again.stdout, files(project)) == (3, "", written)
    assert again.stderr == (
        "error: this is no Distillery project: nothing to convert\n"
        "  relbuild init writes what a project for mix release lacks\n"
    )


def test_a_dry_run_writes_nothing(project: Path) -> None:
    before = files(project)
    tried = convert(project, "--write", "--dry-run")
    assert (tried.returncode, tried.stdout, files(project)) == (0, convert(project).stdout, before)
    assert tried.stderr.splitlines()[-1].startswith("warning: no file written: ")


def test_json_has_what_is_written_and_what_is_left(project: Path) -> None:
    shown = convert(project, "--json")
    data = json.loads(shown.stdout)["data"]
    assert (data["written"], data["removed"], data["diff"][:11]) == ([], [], "diff --git ")
    assert all(set(each) == {"message", "file", "line", "column", "hint"} for each in data["look"])
    places = [f"{each['file']}:{each['line']}:{each['column']}: {each['message']}" for each in data["look"]]
    told = [line.removeprefix("warning: ") for line in shown.stderr.splitlines() if line.startswith("warning: ")]
    assert told[:-1] == places
    done = json.loads(convert(project, "--json", "--write").stdout)["data"]
    assert (done["diff"], done["look"]) == (data["diff"], data["look"])
    assert done["changes"] == data["changes"]
    named = {
        what: [each["path"] for each in data["changes"] if each["change"] == what] for what in ("added", "removed")
    }
    assert ("mix.exs" in done["written"], "rel/config.exs" in done["removed"]) == (True, True)
    assert (done["removed"], set(named["added"]) < set(done["written"])) == (named["removed"], True)


def test_what_cannot_be_written_leaves_all_as_it_was(project: Path) -> None:
    (project / "rel" / "overlays").write_text("no directory\n")
    (project / "config" / "runtime.exs").symlink_to("missing/runtime.exs")
    before = files(project)
    failed = convert(project, "--write")
    assert (failed.returncode, failed.stdout, files(project)) == (1, "", before)
    assert "error: can't write config/runtime.exs: " in failed.stderr
    assert "nothing was written" in failed.stderr


def test_the_cookie_is_nowhere(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "distillery-2" / "project", tmp_path, dirs_exist_ok=True)
    cookies = ("a-cookie-that-nobody-is-to-see", "a-cookie-of-development")
    shown, as_json = convert(tmp_path), convert(tmp_path, "--json")
    said = shown.stdout + shown.stderr + as_json.stdout + as_json.stderr
    convert(tmp_path, "--write")
    assert [cookie for cookie in cookies if cookie in said] == []
    assert [path for path, content in files(tmp_path).items() if b"a-cookie" in content] == []


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("rel/config.exs", b"use Mix.Releases.Config\nenvironment :prod do\n", "error: rel/config.exs:"),
        (
            "rel/config.exs",
            b"use Mix.Releases.Config\n# \xe9\n",
            "error: rel/config.exs:2:3: rel/config.exs: is not UTF-8",
        ),
        ("mix.exs", b"defmodule Broken do\n  use Mix.Project\n  def project, do: [app: \nend\n", "error: mix.exs:"),
        ("mix.lock", b"<<<<<<< ours\n", "error: mix.lock:1:1: mix.lock: the file has an unresolved merge conflict"),
    ],
)
def test_bad_input_is_told_with_its_place_and_nothing_written(
    tmp_path: Path, file: str, content: bytes, told: str
) -> None:
    shutil.copytree(GOLDEN / "distillery-2" / "project", tmp_path, dirs_exist_ok=True)
    (tmp_path / file).write_bytes(content)
    before = files(tmp_path)
    failed = convert(tmp_path, "--write")
    assert (failed.returncode, failed.stdout, files(tmp_path)) == (3, "", before)
    assert failed.stderr.startswith(told)


def test_a_file_that_is_no_text_stays_and_is_told(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "distillery-2" / "project", tmp_path, dirs_exist_ok=True)
    (tmp_path / "rel" / "files" / "motd").write_bytes(b"\xff\0")
    converted = convert(tmp_path, "--write")
    assert (converted.returncode, (tmp_path / "rel" / "files" / "motd").read_bytes()) == (0, b"\xff\0")
    assert "rel/files/motd is no text: it isn't moved" in converted.stderr


def test_an_application_of_an_umbrella_is_not_converted_alone(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / "distillery-1-umbrella" / "project", tmp_path, dirs_exist_ok=True)
    (tmp_path / "config" / "runtime.exs").write_text("import Config\nconfig :kept, true: 1\n")
    before = files(tmp_path)
    child = sorted(path.name for path in (tmp_path / "apps").iterdir())[0]
    refused = convert(tmp_path, "-C", f"apps/{child}", "--write")
    assert (refused.returncode, refused.stdout, files(tmp_path)) == (3, "", before)
    assert f"{child} is an application of the umbrella project in ../.." in refused.stderr
    assert "relbuild convert -C .\n" in refused.stderr


def test_where_nothing_changes_write_is_not_proposed(tmp_path: Path) -> None:
    (tmp_path / "rel").mkdir()
    (tmp_path / "rel" / "config.exs").write_text("use Mix.Releases.Config\nrelease :shop do\nend\n")
    (tmp_path / "rel" / "env.sh.eex").write_text("\n")
    (tmp_path / "rel" / "vm.args.eex").write_text("\n")
    (tmp_path / "mix.exs").write_text(
        "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: Enum.to_list(app: :shop)\nend\n"
    )
    shown = convert(tmp_path)
    assert (shown.returncode, shown.stdout) == (0, "")
    assert shown.stderr.splitlines()[-1] == "warning: no file written: none differs"
