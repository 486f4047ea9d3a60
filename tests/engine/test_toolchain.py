"""Every way to an Elixir, from what relbuild.yml says to a release that runs; the lock; what Mix itself says."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relbuild.engine.files import ProjectTree
from relbuild.image.verify.trial import BOOTED, SIGNAL
from relbuild.mix import evaluation
from relbuild.mix.evaluation import fill_in
from relbuild.mix.project import read_project

REPOSITORY = Path(__file__).parents[2]
PROJECT = Path(__file__).parent / "projects" / "echo"
GOLDEN = REPOSITORY / "tests" / "golden"

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any

VERSIONS = 'IO.puts(System.version() <> " " <> System.otp_release())'
STREAMS = (
    "{_, user, _, _} = List.keyfind(:supervisor.which_children(:kernel_sup), :user, 0); "
    "IO.inspect(elem(:sys.get_state(user), 1))"
)


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies the project with another relbuild.yml."""

    def copied(config: str) -> Path:
        directory = Path(shutil.copytree(PROJECT, tmp_path / "echo", dirs_exist_ok=True))
        (directory / "relbuild.yml").write_text(config)
        return directory

    return copied


@pytest.fixture
def built(relbuild: Callable[..., Ran], cleanup: Any, run_id: str) -> Callable[[Path, str], str]:
    """Return a function that builds a project's image."""

    def build(directory: Path, name: str) -> str:
        reference = str(cleanup.image(f"relbuild-test-{name}:{run_id}"))
        ran = relbuild("image", "-C", str(directory), "-t", reference)
        assert ran.exit_code == 0, ran.stderr
        return reference

    return build


def versions(docker: Docker, image: str) -> str:
    """Return the Elixir and the OTP that the release in an image says it runs on."""
    return str(docker("run", "--rm", image, "eval", VERSIONS))


@pytest.mark.parametrize(
    ("suite", "expected"), [("bookworm", "1.14.0 25"), ("trixie", "1.18.3 27"), ("forky", "1.20.")]
)
def test_debians_own_elixir(
    docker: Docker,
    project: Callable[[str], Path],
    built: Callable[[Path, str], str],
    labels: tuple[str, ...],
    wait: Callable[..., None],
    suite: str,
    expected: str,
) -> None:
    image = built(project(f"toolchain: debian\ndebian: {suite}\n"), suite)
    assert versions(docker, image).startswith(expected)
    signal = f"ERL_ZFLAGS=-eval '{SIGNAL}'"
    container = docker("run", "--detach", *labels, "--tmpfs", "/tmp", "--env", signal, image)
    # Each OTP tells which applications are being started, and writes the file when all of them are.
    wait(
        lambda: BOOTED in docker("exec", container, "sh", "-c", "ls /tmp/*"),
        "the VM writes that it has booted",
        lambda: str(docker("logs", container)),
    )
    docker("rm", "--force", container)


def test_elixir_from_source(
    docker: Docker,
    project: Callable[[str], Path],
    built: Callable[[Path, str], str],
    relbuild: Callable[..., Ran],
    labels: tuple[str, ...],
    run_id: str,
) -> None:
    """A branch of Elixir's repository, on a git server whose address the build reaches; OTP is Debian's."""
    server = f"relbuild-test-elixir-git:{run_id}"
    docker("build", "--quiet", "--tag", server, *labels, str(Path(__file__).parent / "images" / "elixir-git"))
    container = docker("run", "--detach", *labels, server)
    address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", container)
    directory = project(
        "elixir: main\ntoolchain: source\nbuilder:\n  image: debian:trixie-slim\n"
        f"  elixir_git: git://{address}/elixir.git\n"
    )
    plan = json.loads(relbuild("plan", "-C", str(directory), "--json").stdout)["data"]
    assert plan["builder"]["elixir"] == {"repository": f"git://{address}/elixir.git", "ref": "main"}
    assert "elixir" not in plan["builder"]["packages"]
    assert versions(docker, built(directory, "source")) == "1.18.3 27"
    docker("rm", "--force", container)


def test_images_that_have_elixir(
    docker: Docker, project: Callable[[str], Path], built: Callable[[Path, str], str], cleanup: Any, elixir: str
) -> None:
    """An image of one's own, and the official one, for which the same stands in: Docker Hub isn't reached here."""
    own = built(project(f"builder: {{image: '{elixir}'}}\ndebian: trixie\n"), "own")
    assert versions(docker, own) == "1.18.3 27"
    docker("tag", elixir, cleanup.image("elixir:1.18.4-otp-28-slim"))
    official = built(project('toolchain: official\nelixir: 1.18.4\notp: "28"\n'), "official")
    assert versions(docker, official) == "1.18.3 27"


@pytest.fixture(scope="module")
def mirror(docker: Docker, registry: str, cleanup: Any, run_id: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a registry that has debian:trixie-slim as Docker Hub has it: an index of several platforms."""
    amd64, arm64 = (cleanup.image(f"{registry}/parts/{name}:{run_id}") for name in ("here", "elsewhere"))
    docker("tag", "debian:trixie-slim", amd64)
    docker("push", "--quiet", amd64)
    # Nothing of it is run: it has only to be there.
    directory = tmp_path_factory.mktemp("elsewhere")
    (directory / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
    build = ("buildx", "build", "--platform", "linux/arm64", "--provenance=false", "--push", "--tag", arm64)
    docker(*build, str(directory))
    docker("buildx", "imagetools", "create", "--tag", f"{registry}/library/debian:trixie-slim", amd64, arm64)
    return registry


def test_the_lock_holds_the_images_that_are_built_on(
    docker: Docker,
    mirror: str,
    project: Callable[[str], Path],
    relbuild: Callable[..., Ran],
    labels: tuple[str, ...],
    run_id: str,
) -> None:
    directory = project(f"toolchain: debian\ndebian: trixie\nregistry_mirror: {mirror}\n")
    name = f"{mirror}/library/debian:trixie-slim"
    ask = ("-C", str(directory))
    locked = relbuild("lock", *ask, "--platform", "linux/amd64,linux/arm64")
    assert locked.exit_code == 0, locked.stderr
    digest = json.loads(docker("buildx", "imagetools", "inspect", "--format", "{{json .Manifest}}", name))["digest"]
    assert (directory / "relbuild.lock").read_text().splitlines()[2:] == [
        f"builder debian:trixie-slim@{digest} linux/amd64,linux/arm64",
        f"runner  debian:trixie-slim@{digest} linux/amd64,linux/arm64",
    ]
    refused = relbuild("lock", *ask, "--platform", "linux/s390x")
    assert (refused.exit_code, "is not there for linux/s390x" in refused.stderr) == (1, True)

    # The tag comes to mean another image: what the Dockerfile starts from is still what is locked.
    assert relbuild("lock", "--check", *ask).exit_code == 0
    docker("buildx", "imagetools", "create", "--tag", name, f"{mirror}/parts/here:{run_id}")
    moved = relbuild("lock", "--check", *ask)
    assert (moved.exit_code, f"debian:trixie-slim has moved from {digest} to sha256:" in moved.stderr) == (1, True)
    dockerfile = relbuild("dockerfile", *ask).stdout
    bases = [line for line in dockerfile.splitlines() if re.match(r"ARG \w+_IMAGE=", line)]
    assert bases == [f"ARG {role}_IMAGE={name}@{digest}" for role in ("BUILDER", "RUNNER")]
    start = "FROM ${BUILDER_IMAGE}\nFROM ${RUNNER_IMAGE}\nRUN . /etc/os-release && test $VERSION_CODENAME = trixie\n"
    docker("build", "--quiet", *labels, "-", stdin="\n".join((*bases, start)))


def test_mix_says_of_the_shop_what_was_read(relbuild: Callable[..., Ran]) -> None:
    ran = relbuild("plan", "--evaluate", "--json", "-C", str(REPOSITORY / "examples" / "shop"))
    assert ran.exit_code == 0, ran.stderr
    assert json.loads(ran.stdout)["data"]["evaluated"] == {"differs": [], "filled_in": []}


MIX = """defmodule Echo.MixProject do
  use Mix.Project
  @version "1.0.#{String.length(System.get_env("LANG"))}"

  def project do
    [app: :echo, version: @version, deps: [], net: :gen_tcp.connect({1, 1, 1, 1}, 80, [], 1000), released: touch()]
  end

  def application, do: [mod: {Echo, []}]

  defp touch do
    IO.puts("on stdout")
    File.touch("mix.exs.touched")
  end
end
"""


def test_mix_fills_in_what_only_elixir_knows(project: Callable[[str], Path], relbuild: Callable[..., Ran]) -> None:
    directory = project("toolchain: debian\ndebian: trixie\n")
    (directory / "mix.exs").write_text(MIX)
    assert "version     unknown" in relbuild("plan", "-C", str(directory)).stdout
    asked = relbuild("plan", "--evaluate", "--json", "-C", str(directory))
    assert asked.exit_code == 0, asked.stderr
    data = json.loads(asked.stdout)["data"]
    assert (data["release"]["version"], data["unknown"], data["evaluated"]["differs"]) == ("1.0.7", [], [])
    assert data["evaluated"]["filled_in"][0] == {
        "what": "version",
        "read": None,
        "evaluated": "1.0.7",
        "file": "mix.exs",
        "line": 3,
        "column": 19,
    }
    told = relbuild("plan", "--evaluate", "-C", str(directory)).stdout
    assert "known from evaluating mix.exs\n  version: 1.0.7  (mix.exs:3)" in told
    assert not (directory / "mix.exs.touched").exists()


@pytest.mark.parametrize(
    ("project_function", "said"),
    [
        ('[app: :echo, version: System.fetch_env!("ECHO_NO_SUCH")]', "ECHO_NO_SUCH"),
        ("exit(:enough)", ":enough"),
        ('Process.exit(self(), {:too_much, for(_ <- 1..9, do: String.duplicate("x", 999))})', ":too_much"),
        ("[app: :echo, version: hd([])]", "not a nonempty list"),
    ],
)
def test_a_mix_exs_that_mix_can_not_evaluate(
    project: Callable[[str], Path], relbuild: Callable[..., Ran], project_function: str, said: str
) -> None:
    directory = project("toolchain: debian\ndebian: trixie\n")
    (directory / "mix.exs").write_text(
        f"defmodule Echo.MixProject do\n  use Mix.Project\n  def project do\n    {project_function}\n  end\nend\n"
    )
    ran = relbuild("plan", "--evaluate", "--json", "-C", str(directory))
    [error] = json.loads(ran.stdout)["errors"]
    assert (ran.exit_code, error["file"], error["line"]) == (3, "mix.exs", 3), error
    assert error["message"].startswith("Mix can't evaluate it: ")
    assert said in error["message"]
    assert len(error["message"]) < 700


def test_mix_says_of_the_golden_projects_what_was_read(docker: Docker, elixir: str, labels: tuple[str, ...]) -> None:
    """Unknown is fine, wrong is not: nothing that is stated of a project is otherwise for Mix."""
    plans = [path for path in sorted(GOLDEN.glob("*/plan.txt")) if not path.read_text().startswith("exit ")]
    projects = [path.parent / "project" for path in plans]
    there = evaluation.DIRECTORY
    script = (
        f'mkdir -p {there} && cp -R "/golden/$1/project/." {there} && cd {there} && '
        f"elixir /evaluate.exs /tmp/facts >&2 && cat /tmp/facts && rm -rf {there}"
    )
    container = docker(
        *("run", "--detach", "--network", "none", *labels, "--volume", f"{GOLDEN}:/golden:ro"),
        *("--volume", f"{REPOSITORY / 'dockerfiles' / 'evaluate.exs'}:/evaluate.exs:ro", elixir, "sleep", "600"),
    )
    wrong = {}
    for path in projects:
        said = docker("exec", container, "sh", "-ec", script, "sh", path.parent.name)
        static = read_project(ProjectTree(path))
        _, differences = fill_in(static, evaluation.read_evaluated(said, static))
        if stated := [each for each in differences if each.stated]:
            wrong[path.parent.name] = stated
    docker("rm", "--force", container)
    assert wrong == {}
    assert len(projects) >= 2
