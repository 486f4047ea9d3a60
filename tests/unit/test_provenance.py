"""What the Dockerfile leaves in the release for a bill of materials, run by a plain sh."""

from __future__ import annotations

from pathlib import Path

import pytest

from relbuild.mix import lock
from tests.unit.image import scripts

LOCK = """%{
  "dev_only": {:hex, :dev_only, "1.0.0", "x", [:mix], [], "hexpm", "CHECKSUM"},
  "jason": {:hex, :jason, "1.4.1", "x", [:mix], [{:decimal, "~> 2.0", [hex: :decimal]}], "hexpm", "CHECKSUM"},
  "jason_more": {:hex, :jason_more, "1.0.0", "x", [:mix], [], "hexpm", "CHECKSUM"},
  "tool": {:git, "https://me:secret@git.example.com/tool.git", "f00", [branch: "main"]},
}
""".replace("CHECKSUM", "b" * 64)


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """Return a directory with an Erlang, as Debian has it: bin/erl links to the program in its root."""
    erlang = tmp_path / "lib" / "erlang"
    for directory in (erlang / "bin", erlang / "releases" / "27", tmp_path / "bin", tmp_path / "release" / "releases"):
        directory.mkdir(parents=True)
    (erlang / "bin" / "erl").write_text("#!/bin/sh\n")
    (erlang / "bin" / "erl").chmod(0o755)
    (tmp_path / "bin" / "erl").symlink_to("../lib/erlang/bin/erl")
    (erlang / "releases" / "27" / "OTP_VERSION").write_text("27.3.4.1\n")
    (tmp_path / "mix lock").write_text(LOCK)
    return tmp_path


def run(machine: Path, *, locked: bool) -> Path:
    """Run the script on the release and return the release's directory."""
    path = f"{machine / 'bin'}:/usr/bin:/bin"
    lockfile = (str(machine / "mix lock"),) if locked else ()
    scripts.run("finish-release.sh", machine, "shop", *lockfile, cwd=machine, env={"PATH": path})
    return machine / "release"


def test_the_lock_of_what_is_in_the_release_without_logins(machine: Path) -> None:
    for application in ("jason-1.4.1", "tool-0.2.0", "shop-0.1.0"):
        _add(machine, application)
    (machine / "release" / "erts-15.2.7").mkdir()
    # What rel/overlays may add, which is no application.
    (machine / "release" / "lib" / "(x").mkdir()
    release = run(machine, locked=True)
    assert (release / "releases" / "27" / "OTP_VERSION").read_text() == "27.3.4.1\n"
    written = (release / "releases" / "mix.lock").read_bytes()
    said = {
        each.app: (each.version, each.checksum, each.git, each.commit) for each in lock.read_lock("", written).values()
    }
    assert said == {
        "jason": ("1.4.1", "b" * 64, None, None),
        "tool": (None, None, "https://git.example.com/tool.git", "f00"),
    }
    assert b"secret" not in written


def _add(machine: Path, application: str) -> None:
    file = machine / "release" / "lib" / application / "ebin" / f"{application.partition('-')[0]}.app"
    file.parent.mkdir(parents=True)
    file.touch()


def test_a_release_without_erts_and_a_project_without_a_lock(machine: Path) -> None:
    """Where the VM isn't the release's own, the builder's says nothing of it."""
    (machine / "release" / "lib" / "shop-0.1.0").mkdir(parents=True)
    assert list((run(machine, locked=False) / "releases").iterdir()) == []


def test_a_builder_whose_erlang_is_not_on_the_path_fails_nothing(machine: Path) -> None:
    (machine / "bin" / "erl").unlink()
    (machine / "release" / "erts-15.2.7").mkdir()
    assert list((run(machine, locked=False) / "releases").iterdir()) == []


def test_a_release_of_nothing_that_is_locked(machine: Path) -> None:
    assert (run(machine, locked=True) / "releases" / "mix.lock").read_text() == "%{\n}\n"
