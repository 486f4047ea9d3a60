"""What a user sees when the input is bad: the place, the next action, the exit code, and never a traceback."""

from __future__ import annotations

import http.server
import json
import os
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

MIX = """defmodule Hello.MixProject do
  use Mix.Project

  def project do
    [
      app: :hello,
      version: "0.1.0",
      releases: [hello: []]
    ]
  end
end
"""


def relbuild(*argv: str, cwd: Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, "-m", "relbuild", *argv),
        cwd=cwd,
        env={**os.environ, "XDG_CACHE_HOME": str(cwd / ".cache"), **(env or {})},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "mix.exs").write_text(MIX)
    return tmp_path


def failure(ran: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    assert "Traceback" not in ran.stderr
    assert "a fault in relbuild itself" not in ran.stderr
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize("option", ["--host", "--context"])
def test_an_engine_without_a_name(project: Path, option: str) -> None:
    """As of a shell's variable that isn't set; docker would take its default engine."""
    code, out, err = failure(relbuild("eval", "1", "--on", "image:hello", option, "", cwd=project))
    assert (code, out, err) == (2, "", f"error: {option} is empty\n  name an engine, or leave {option} out\n")


def test_a_dry_run_is_the_same_each_time(project: Path) -> None:
    runs = [relbuild("image", "--dry-run", cwd=project).stdout for _ in range(2)]
    assert runs[0] == runs[1]
    assert "--tag relbuild-candidate/hello:dry-run" in runs[0]


def test_a_release_that_takes_long_to_stop(project: Path) -> None:
    stops = [
        [line for line in relbuild("image", "--dry-run", *given, cwd=project).stdout.splitlines() if " stop " in line]
        for given in ((), ("--stop-timeout", "60"), ("--no-verify",))
    ]
    assert stops == [
        ["docker stop -t 30 relbuild-verify"],
        ["docker stop -t 60 relbuild-verify"],
        [],
    ]


@pytest.mark.parametrize("verb", ["plan", "dockerfile", "image"])
def test_no_mix_project(tmp_path: Path, verb: str) -> None:
    code, out, err = failure(relbuild(verb, cwd=tmp_path))
    assert (code, out) == (3, "")
    assert "no mix.exs here" in err
    assert "-C DIR" in err


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"", "mix.exs:1:1: "),
        (b" \n\t\n", "mix.exs:1:1: "),
        (b"# nothing\n", "mix.exs:1:1: "),
        (b"defmodule A do\n  use Mix.Project\n  def project do\n    [app: :a,,]\n  end\nend\n", "mix.exs:4:"),
        (b"defmodule A do\n  use Mix.Project\n", "mix.exs:"),
        (MIX.replace("hello: []", '"Hello World": []').encode(), "mix.exs:8:"),
        (MIX.replace("hello: []", "Hello: []").encode(), "mix.exs:8:"),
        (MIX.replace('"0.1.0"', '"one"').encode(), "mix.exs:7:"),
        (MIX.replace("hello", "h\xe9llo").encode("latin-1"), "mix.exs:6:"),
    ],
)
def test_a_mix_exs_that_is_at_fault(tmp_path: Path, content: bytes, place: str) -> None:
    (tmp_path / "mix.exs").write_bytes(content)
    code, out, err = failure(relbuild("plan", cwd=tmp_path))
    assert (code, out) == (3, "")
    assert err.startswith(f"error: {place}"), err
    assert len(err.splitlines()) > 1, "the next action is missing"


def test_a_mix_exs_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "mix.exs").mkdir()
    assert failure(relbuild("plan", cwd=tmp_path))[0] == 3


def test_every_fault_of_relbuild_yml_is_told_at_once(project: Path) -> None:
    (project / "relbuild.yml").write_text("relase: hello\nbuilder:\n  packages: libvips\n  ssh: yes\nelixir: 1.18.4\n")
    code, out, err = failure(relbuild("plan", cwd=project))
    assert (code, out) == (3, "")
    places = [line.split(" ")[1] for line in err.splitlines() if line.startswith("error: ")]
    assert places == ["relbuild.yml:1:1:", "relbuild.yml:3:13:", "relbuild.yml:4:8:"]
    assert "release" in err.splitlines()[1]


@pytest.mark.parametrize(
    "content",
    [
        b"image: a\nimage: b\n",
        b"builder:\n\tssh: true\n",
        "image: a\n".encode("utf-16"),
        b"image: \xff\n",
        b"image: " + b"a" * 10_000_000,
        b"image: !!python/object/apply:os.system ['true']\n",
        b"- a\n",
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 9)) for n in range(97, 106)),
    ],
    ids=["duplicate", "tab", "utf-16", "not utf-8", "10 MB", "tag", "list", "bomb"],
)
def test_a_relbuild_yml_that_is_at_fault(project: Path, content: bytes) -> None:
    (project / "relbuild.yml").write_bytes(content)
    code, out, err = failure(relbuild("plan", cwd=project))
    assert (code, out) == (3, "")
    assert err.startswith("error: relbuild.yml:"), err


def test_a_config_that_is_named_and_missing(project: Path) -> None:
    code, _, err = failure(relbuild("plan", "--config", "other.yml", cwd=project))
    assert (code, err.splitlines()[0]) == (3, "error: there is no file other.yml")


def test_json_tells_failures_too(project: Path) -> None:
    (project / "relbuild.yml").write_text("image: a\nimages: b\n")
    ran = relbuild("plan", "--json", cwd=project)
    envelope = json.loads(ran.stdout)
    [error] = envelope["errors"]
    assert (ran.returncode, envelope["status"], envelope["exit_code"]) == (3, "error", 3)
    assert (error["code"], error["file"], error["line"], error["column"]) == ("config", "relbuild.yml", 2, 1)


@pytest.mark.parametrize("argv", [["plan", "--nonsense"], ["deplyo"], ["eval"], ["dockerfile", "--write", "--check"]])
def test_a_wrong_command_line(project: Path, argv: list[str]) -> None:
    assert failure(relbuild(*argv, cwd=project))[:2] == (2, "")


def test_a_wrong_command_line_as_json(project: Path) -> None:
    ran = relbuild("plan", "--nonsense", "--json", cwd=project)
    assert (ran.returncode, json.loads(ran.stdout)["errors"][0]["code"]) == (2, "usage")


def test_a_version_that_can_be_no_tag(project: Path) -> None:
    (project / "mix.exs").write_text(MIX.replace("0.1.0", "0.1.0+build.5"))
    code, out, err = failure(relbuild("image", "--dry-run", cwd=project))
    assert (code, out) == (3, "")
    assert err.splitlines()[0].startswith("error: mix.exs:7:16: version '0.1.0+build.5' can't be an image's tag")
    assert "relbuild image -t hello:0.1.0-build.5" in err
    assert relbuild("image", "--dry-run", "-t", ":0.1.0-build.5", cwd=project).returncode == 0


@pytest.mark.parametrize("tag", ["Hello:1", "a b", "hello:", ":", "-x", "hello:1:2", "hello@sha256:ab", "a//b:1"])
def test_a_tag_docker_would_refuse(project: Path, tag: str) -> None:
    code, out, err = failure(relbuild("image", "--dry-run", f"--tag={tag}", cwd=project))
    assert (code, out) == (2, ""), err


def test_no_engine(project: Path) -> None:
    code, out, err = failure(relbuild("image", "--host", f"unix://{project}/no.sock", cwd=project))
    assert (code, out) == (4, "")
    assert f"no Docker Engine answers at unix://{project}/no.sock" in err


def test_no_engine_where_the_environment_says(project: Path) -> None:
    told = {"DOCKER_HOST": f"unix://{project}/no.sock"}
    _, _, err = failure(relbuild("image", cwd=project, env=told))
    assert f"no Docker Engine answers at DOCKER_HOST=unix://{project}/no.sock" in err


def test_no_such_verb(project: Path) -> None:
    code, _, err = failure(relbuild("bogus", cwd=project))
    assert (code, err.splitlines()[1:]) == (2, ["  relbuild --help lists the commands"])


def test_no_docker_client(project: Path, old_engine: str) -> None:
    ran = relbuild("run", "--host", old_engine, "shop:1", cwd=project, env={"PATH": "/nonexistent"})
    assert failure(ran)[0] == 4


def test_a_context_that_is_not_there(project: Path) -> None:
    code, _, err = failure(relbuild("image", "--context", "no-such-context", cwd=project))
    assert code == 4
    assert "no-such-context" in err


def test_context_and_host_exclude_each_other(project: Path) -> None:
    assert failure(relbuild("image", "--context", "a", "--host", "unix:///b", cwd=project))[0] == 2


def test_an_engine_without_buildkit(project: Path, old_engine: str) -> None:
    code, out, err = failure(relbuild("image", "--host", old_engine, cwd=project))
    assert (code, out) == (4, "")
    assert f"Docker Engine 18.06.3-ce at {old_engine} is too old" in err
    assert "install Docker Engine 23.0 or newer" in err


@pytest.mark.parametrize("option", ["--clean", "--reproducible"])
@pytest.mark.parametrize("asked", ["option", "relbuild.yml"])
def test_what_builds_one_platform_at_a_time(project: Path, new_engine: str, option: str, asked: str) -> None:
    platforms = ("--platform", "linux/arm64", "--platform", "linux/amd64")
    if asked == "relbuild.yml":
        (project / "relbuild.yml").write_text("platforms: [linux/arm64, linux/amd64]\n")
        platforms = ()
    code, out, err = failure(relbuild("image", "--host", new_engine, option, *platforms, cwd=project))
    assert (code, out) == (2, "")
    assert err.splitlines()[-2:] == [
        "error: --clean and --reproducible build one platform at a time",
        "  add --platform linux/arm64, then build the others",
    ]


def test_a_client_without_buildx(project: Path, tmp_path_factory: pytest.TempPathFactory, new_engine: str) -> None:
    """The client's words are Docker's own for an unknown plugin; a real client without it isn't at hand everywhere."""
    directory = tmp_path_factory.mktemp("bin")
    docker = directory / "docker"
    docker.write_text("#!/bin/sh\necho \"docker: 'buildx' is not a docker command.\" >&2\nexit 1\n")
    docker.chmod(0o755)
    code, out, err = failure(relbuild("image", "--host", new_engine, cwd=project, env={"PATH": f"{directory}:/bin"}))
    assert (code, out) == (4, "")
    assert "the Docker client has no buildx" in err


class FakeEngine(http.server.BaseHTTPRequestHandler):
    """The API of an engine that this machine can't have: of another age. It knows its version and no image."""

    version = ""

    def do_GET(self) -> None:
        known = self.path.endswith("/version")
        body = json.dumps({"Version": self.version, "ApiVersion": "1.44"} if known else {"message": "No such image"})
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def address_string(self) -> str:
        return "unix"


def fake_engine(tmp_path_factory: pytest.TempPathFactory, version: str) -> Any:
    socket = tmp_path_factory.mktemp("engine") / "docker.sock"
    handler = type("Handler", (FakeEngine,), {"version": version})
    with socketserver.ThreadingUnixStreamServer(str(socket), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{socket}"
        server.shutdown()


@pytest.fixture
def old_engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    yield from fake_engine(tmp_path_factory, "18.06.3-ce")


@pytest.fixture
def new_engine(tmp_path_factory: pytest.TempPathFactory) -> Any:
    yield from fake_engine(tmp_path_factory, "28.2.2")


@pytest.mark.parametrize("words", [("-C", "a shop", "plan"), ("plan", "-Ca shop"), ("plan", "--json", "-C", "a shop")])
def test_a_place_is_annotated_on_github_where_the_repository_has_it(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "a shop").mkdir()
    (tmp_path / "a shop" / "mix.exs").write_text("# nothing\n")
    actions = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(tmp_path)}
    ran = relbuild(*words, cwd=tmp_path, env=actions)
    assert ran.returncode == 3
    assert ran.stderr.startswith("::error file=a shop/mix.exs,line=1,col=1,title=relbuild::")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--pending", "--rollback-to", "1"), "--pending and --rollback-to exclude each other"),
        (("--on", "pod:web"), "migrate does not support a pod: "),
        (("--on", "nowhere:web"), "--on nowhere:web: there is no such place"),
        (("--on", "production"), "--on production: there is no such target"),
        (("shop:1", "--on", "image:shop:2"), "shop:1 and --on image:shop:2 both name an image"),
        (("--env", "=1"), "--env =1: it has no name"),
    ],
)
def test_migrate_is_asked_what_makes_no_sense(project: Path, argv: tuple[str, ...], said: str) -> None:
    code, out, err = failure(relbuild("migrate", *argv, cwd=project))
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {said}")
    assert len(err.splitlines()) > 1, "the next action is missing"


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (("inspect", "BAD IMAGE!!"), "'BAD IMAGE!!'"),
        (("inspect", "shop:1", "--against", ""), "''"),
        (("sbom", "BAD IMAGE!!"), "'BAD IMAGE!!'"),
        (("env", ""), "''"),
        (("run", "BAD IMAGE!!"), "'BAD IMAGE!!'"),
        (("eval", "1", "--on", "image:a b"), "'a b'"),
    ],
)
def test_what_is_no_images_name(project: Path, argv: tuple[str, ...], named: str) -> None:
    code, out, err = failure(relbuild(*argv, "--host", "unix:///nowhere/docker.sock", cwd=project))
    assert (code, out, err.splitlines()) == (
        2,
        "",
        [
            f"error: {named} is no image reference: that is [REGISTRY/]NAME[:TAG][@DIGEST], the name in small letters",
            "  write it as in shop:1.0",
        ],
    )


@pytest.mark.parametrize("platform", ["linux/amd65", "windows/amd64"])
def test_a_platform_that_is_not_there_is_refused_at_once(project: Path, platform: str) -> None:
    asked = failure(relbuild("image", "--dry-run", "--platform", platform, cwd=project))
    assert asked[:2] == (2, "")
    (project / "relbuild.yml").write_text(f"platforms: [linux/amd64, {platform}]\n")
    code, out, err = failure(relbuild("plan", cwd=project))
    assert (code, out, err.startswith("error: relbuild.yml:1:26: "), "linux/riscv64" in err) == (3, "", True, True)
