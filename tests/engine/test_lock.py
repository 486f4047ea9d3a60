"""relbuild lock against loopback servers: an index like hexpm's, and a registry that mirrors Docker Hub."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

Response = tuple[int, Mapping[str, str], bytes]
HEXPM = "hexpm/elixir"
BOTH = ("amd64", "arm64")
OLD = "1.18.4-erlang-27.3.4.16-debian-trixie-20260824-slim"
NEW = "1.18.4-erlang-27.3.4.30-debian-trixie-20261101-slim"
RUNNER = "library/debian"


INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class World:
    """What the index and the registry have, and the project; `ask` runs relbuild in it."""

    project: Path
    index: dict[str, tuple[str, ...]] = field(default_factory=dict)
    images: dict[str, tuple[str, ...]] = field(default_factory=dict)
    index_status: int = 200
    registry_status: int = 200
    address: str = ""
    searched: list[dict[str, list[str]]] = field(default_factory=list)

    def body(self, image: str) -> bytes:
        manifests = [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": f"sha256:{hashlib.sha256(f'{image} {arch}'.encode()).hexdigest()}",
                "size": 1,
                "platform": {"os": "linux", "architecture": arch},
            }
            for arch in self.images[image]
        ]
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()

    def digest(self, image: str) -> str:
        return f"sha256:{hashlib.sha256(self.body(image)).hexdigest()}"

    def answer(self, path: str, _headers: Mapping[str, str]) -> Response:
        parts = urlsplit(path)
        if parts.path == "/api/docker":
            query = parse_qs(parts.query)
            self.searched.append(query)
            tags = [{"repo": HEXPM, "tag": tag, "archs": list(archs)} for tag, archs in self.index.items()]
            return self.index_status, {}, json.dumps({"tags": tags, "total": len(tags)}).encode()
        if parts.path == "/v2/":
            return self.registry_status, {}, b"{}"
        repository, _, tag = parts.path.removeprefix("/v2/").partition("/manifests/")
        known = [each for each in self.images if each.startswith(f"{repository}:")]
        image = next((each for each in known if tag in (each.partition(":")[2], self.digest(each))), None)
        if image is None:
            return (
                404,
                {"Content-Type": "application/json"},
                b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}',
            )
        headers = {"Content-Type": INDEX, "Docker-Content-Digest": self.digest(image)}
        return self.registry_status, headers, self.body(image)

    def ask(self, *argv: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "RELBUILD_HEXPM_INDEX": f"http://{self.address}", "DOCKER_CONFIG": str(self.project)}
        return subprocess.run(
            (sys.executable, "-m", "relbuild", *argv), cwd=self.project, capture_output=True, text=True, env=env
        )

    def data(self, *argv: str) -> Any:
        return json.loads(self.ask(*argv, "--json").stdout)["data"]

    def write(self, file: str, text: str) -> None:
        (self.project / file).write_text(text)


@pytest.fixture
def world(tmp_path: Path, serve: Callable[..., str]) -> World:
    made = World(tmp_path, index={OLD: BOTH})
    made.address = serve(made.answer)
    made.images = {f"{HEXPM}:{OLD}": BOTH, f"{RUNNER}:trixie-20260824-slim": BOTH}
    made.write(
        "mix.exs", 'defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a, version: "1.0.0"]\nend\n'
    )
    made.write(".tool-versions", "elixir 1.18.4\nerlang 27\n")
    made.write("relbuild.yml", f"debian: trixie\nregistry_mirror: {made.address}\n")
    return made


def test_lock_pins_what_plan_and_dockerfile_then_use(world: World) -> None:
    builder, runner = (world.digest(image) for image in world.images)
    locked = world.ask("lock")
    assert (locked.returncode, locked.stderr) == (0, "warning: hexpm/elixir: found in hexpm's index\n")
    assert locked.stdout.splitlines() == [
        f"builder hexpm/elixir:{OLD}@{builder}",
        f"runner  debian:trixie-20260824-slim@{runner}",
    ]
    assert (world.project / "relbuild.lock").read_text().splitlines()[2:] == [
        f"builder hexpm/elixir:{OLD}@{builder} linux/amd64,linux/arm64",
        f"runner  debian:trixie-20260824-slim@{runner} linux/amd64,linux/arm64",
    ]
    assert world.searched == [
        {
            "repo": [HEXPM],
            "erlang_version": ["27"],
            "os": ["debian"],
            "elixir_version": ["1.18.4"],
            "os_version": ["trixie-"],
            "offset": ["0"],
        }
    ]
    dockerfile = world.ask("dockerfile").stdout.splitlines()
    assert f"ARG BUILDER_IMAGE={world.address}/hexpm/elixir:{OLD}@{builder}" in dockerfile
    assert f"ARG RUNNER_IMAGE={world.address}/library/debian:trixie-20260824-slim@{runner}" in dockerfile
    plan = world.ask("plan").stdout
    assert f"{world.address}/hexpm/elixir:{OLD}@{builder}  (relbuild.lock:3)" in plan
    assert "27.3.4.16" in plan
    assert len(world.searched) == 1, "only the lock asks the network"


def test_a_second_lock_changes_nothing(world: World) -> None:
    assert world.data("lock")["written"] is True
    assert world.data("lock")["written"] is False
    assert world.ask("lock", "--check").returncode == 0


def test_check_tells_what_has_moved_until_it_is_locked_anew(world: World) -> None:
    world.ask("lock")
    before = (world.project / "relbuild.lock").read_text()
    old_runner = world.digest(f"{RUNNER}:trixie-20260824-slim")
    # A newer OTP 27 is built, on a newer Debian; and a tag comes to mean another image.
    world.index[NEW] = BOTH
    world.images |= {f"{HEXPM}:{NEW}": BOTH, f"{RUNNER}:trixie-20261101-slim": BOTH}
    checked = world.ask("lock", "--check")
    assert checked.returncode == 1
    assert (
        f"error: relbuild.lock:3:9: builder: now it would be hexpm/elixir:{NEW}, not hexpm/elixir:{OLD}"
        in checked.stderr
    )
    assert "relbuild.lock:4:9: runner: now it would be debian:trixie-20261101-slim" in checked.stderr
    del world.index[NEW]
    world.images[f"{RUNNER}:trixie-20260824-slim"] = ("amd64",)
    moved = world.ask("lock", "--check", "--platform", "linux/amd64").stderr
    new_runner = world.digest(f"{RUNNER}:trixie-20260824-slim")
    assert f"debian:trixie-20260824-slim has moved from {old_runner} to {new_runner}" in moved
    assert (world.project / "relbuild.lock").read_text() == before
    world.index[NEW] = BOTH
    assert world.data("lock")["builder"]["image"] == f"hexpm/elixir:{NEW}"
    assert world.ask("lock", "--check").returncode == 0


def test_the_locked_image_is_kept_while_it_fits_and_refused_when_it_does_not(world: World) -> None:
    world.ask("lock")
    # relbuild's own table would take another patch of OTP 27; the lock decides.
    assert OLD in world.data("plan")["builder"]["image"]
    world.write(".tool-versions", "elixir 1.18.4\n")
    assert OLD in world.data("plan")["builder"]["image"]
    world.write(".tool-versions", "elixir 1.17.3\nerlang 27\n")
    for verb in ("plan", "dockerfile", "image"):
        refused = world.ask(verb)
        assert (refused.returncode, refused.stdout) == (3, "")
        assert refused.stderr.startswith(
            f"error: relbuild.lock:3:9: relbuild.lock is out of date: its builder is {HEXPM}:{OLD}"
        )
        assert "relbuild lock writes it again" in refused.stderr


def test_without_the_index_relbuilds_own_table_counts(world: World) -> None:
    world.index_status = 503
    plan = world.data("plan")
    unlocked, runner = (plan[role]["image"].removeprefix(f"{world.address}/") for role in ("builder", "runner"))
    world.images |= {unlocked: BOTH, runner: BOTH}
    locked = world.ask("lock")
    assert locked.returncode == 0, locked.stderr
    assert f"builder {unlocked}@" in locked.stdout
    assert "hexpm's index of images could not be asked" in locked.stderr


def test_an_older_image_is_taken_when_the_newest_lacks_a_platform(world: World) -> None:
    world.index[NEW] = ("amd64",)
    assert world.data("lock", "--platform", "linux/amd64,linux/arm64")["builder"]["image"] == f"hexpm/elixir:{OLD}"


def test_a_platform_that_no_image_has(world: World) -> None:
    refused = world.ask("lock", "--platform", "linux/amd64", "--platform", "linux/riscv64")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "Elixir 1.18.4 OTP 27 Debian trixie for linux/riscv64: it has linux/amd64, linux/arm64" in refused.stderr
    # The index is believed for the builder; the runner's image is asked itself.
    world.images[f"{RUNNER}:trixie-20260824-slim"] = ("amd64",)
    refused = world.ask("lock", "--platform", "linux/arm64")
    assert refused.returncode == 1
    assert f"{RUNNER}:trixie-20260824-slim, the runner's image, is not there for linux/arm64" in refused.stderr
    assert not (world.project / "relbuild.lock").exists()


def test_a_version_that_the_index_does_not_have(world: World) -> None:
    world.index = {"1.18.4-erlang-26.2.5-debian-trixie-20260824-slim": BOTH, "1.18.4-erlang-28.0-alpine-3.22": BOTH}
    refused = world.ask("lock")
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr == (
        "error: .tool-versions:2:8: hexpm's index has no image of Elixir 1.18.4 OTP 27 Debian trixie\n"
        "  what is near: OTP 26.2.5 on Debian trixie\n"
    )


def test_an_image_that_the_registry_does_not_have(world: World) -> None:
    del world.images[f"{HEXPM}:{OLD}"]
    refused = world.ask("lock")
    assert refused.returncode == 3
    assert f"{world.address} has no {world.address}/hexpm/elixir:{OLD}, the builder's image" in refused.stderr


def test_a_registry_that_is_not_well_may_be_later(world: World) -> None:
    world.registry_status = 503
    failed = json.loads(world.ask("lock", "--json").stdout)
    assert (failed["exit_code"], failed["errors"][0]["code"]) == (75, "try_again")


def test_a_dry_run_writes_nothing(world: World) -> None:
    assert world.ask("lock", "--dry-run").returncode == 0
    assert not (world.project / "relbuild.lock").exists()


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (("--platform", "amd64"), 2, "--platform amd64: is no platform"),
        (("--platform", ""), 2, "--platform : is no platform"),
        (("--check",), 1, "there is no relbuild.lock"),
    ],
)
def test_bad_input(world: World, argv: tuple[str, ...], code: int, message: str) -> None:
    ran = world.ask("lock", *argv)
    assert (ran.returncode, message in ran.stderr) == (code, True)


def test_a_lock_that_cannot_be_read_has_its_place(world: World) -> None:
    world.write("relbuild.lock", "# mine\nbuilder hexpm/elixir:1\n")
    for argv in (("plan",), ("dockerfile",), ("lock", "--check")):
        ran = world.ask(*argv)
        assert (ran.returncode, ran.stderr.splitlines()[0]) == (
            3,
            "error: relbuild.lock:2:9: should be an image with its digest (NAME:TAG@sha256:…), is 'hexpm/elixir:1'",
        )
    assert world.ask("lock").returncode == 0, "the way out: it is written anew"


def test_elixir_from_source_is_locked_to_an_image_with_erlang(world: World) -> None:
    world.write(".tool-versions", "elixir ref:main\nerlang 27.3.4.16\n")
    erlang = OLD.partition("-erlang-")[2]
    world.index = {erlang: BOTH}
    world.images[f"hexpm/erlang:{erlang}"] = BOTH
    assert world.data("lock")["builder"]["image"] == f"hexpm/erlang:{erlang}"
    assert world.searched[0]["repo"] == ["hexpm/erlang"]
    plan = world.ask("plan").stdout
    assert f"hexpm/erlang:{erlang}@{world.digest(f'hexpm/erlang:{erlang}')}" in plan
    assert "main of https://github.com/elixir-lang/elixir.git" in plan
