"""The scripts that set the machine up: what they do on a bare one, and that they leave a finished one alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
ENGINE = SCRIPTS / "engine.sh"
BASE_IMAGES = SCRIPTS / "base-images.sh"


def run(*argv: str | Path, env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Return exit code, standard output and standard error."""
    done = subprocess.run(argv, env=None if env is None else dict(env), capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def programs(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function that makes an environment in which only the given shell programs (name to text) are found."""

    def environment(**texts: str) -> dict[str, str]:
        for name, text in texts.items():
            program = tmp_path / name.replace("_", "-")
            program.write_text(f"#!/bin/sh\n{text}\n")
            program.chmod(0o755)
        for name in ("awk", "cat", "cut", "dirname", "sed"):
            found = next(Path(place) / name for place in ("/usr/bin", "/bin") if (Path(place) / name).exists())
            (tmp_path / name).symlink_to(found)
        return {"PATH": str(tmp_path)}

    return environment


NOTHING_TO_DO_HERE = (
    "engine.sh: no Docker Engine answers: install and start Docker Engine 23 or later with buildx"
    " (https://docs.docker.com/engine/install/), or run this as root on Debian or Ubuntu\n"
)


def test_a_machine_that_may_not_be_set_up_is_told_what_to_install(programs: Callable[..., dict[str, str]]) -> None:
    nobody = programs(id="echo 1000", apt_get="exit 1")

    assert run("/bin/sh", ENGINE, env=nobody) == (4, "", NOTHING_TO_DO_HERE)


def test_a_machine_without_apt_is_told_what_to_install(programs: Callable[..., dict[str, str]]) -> None:
    assert run("/bin/sh", ENGINE, env=programs(id="echo 0")) == (4, "", NOTHING_TO_DO_HERE)


def test_an_endpoint_that_does_not_answer_is_named_and_no_engine_installed(
    programs: Callable[..., dict[str, str]],
) -> None:
    elsewhere = programs(id="echo 0", apt_get="exit 1", docker="exit 1") | {"DOCKER_HOST": "ssh://web1"}

    assert run("/bin/sh", ENGINE, env=elsewhere) == (
        4,
        "",
        "engine.sh: no Docker Engine answers at ssh://web1: start it, or unset DOCKER_HOST and DOCKER_CONTEXT\n",
    )


def test_an_engine_that_is_too_old_is_not_replaced(programs: Callable[..., dict[str, str]]) -> None:
    old = programs(docker='[ "$1" = version ] && echo 20.10.24')

    assert run("/bin/sh", ENGINE, env=old) == (
        4,
        "",
        "engine.sh: Docker Engine 20.10.24 is too old: install 23 or later,"
        " see https://docs.docker.com/engine/install/\n",
    )


def test_an_engine_without_buildx_is_not_touched(programs: Callable[..., dict[str, str]]) -> None:
    bare = programs(docker='[ "$1" = version ] && echo 28.2.2')

    assert run("/bin/sh", ENGINE, env=bare) == (
        4,
        "",
        "engine.sh: Docker Engine 28.2.2 answers, but its client has no buildx: install the package docker-buildx"
        " (Debian, Ubuntu) or docker-buildx-plugin (Docker's own repository)\n",
    )


# A machine with nothing in /run and /var/log: the engine's process id, lock and log are the test's own.
EMPTY_MACHINE = (
    "unshare",
    "--mount",
    "/bin/sh",
    "-ec",
    'mount -t tmpfs none /run; mount -t tmpfs none /var/log; mkdir /run/lock; exec "$0"',
)


def test_a_daemon_that_ends_before_it_answers_is_started_again(tmp_path: Path) -> None:
    started = tmp_path / "started"
    daemon = f"""echo once more >>{started}
        if [ $(grep -c . {started}) -lt 3 ]; then echo context deadline exceeded; exit 1; fi
        touch {tmp_path}/answers
        sleep 2"""
    path = with_programs(tmp_path / "bin", daemon, answers=f"test -e {tmp_path}/answers && echo 28.2.2")

    code, _, told = run(*EMPTY_MACHINE, ENGINE, env={"PATH": path})

    assert (code, told) == (
        0,
        "engine.sh: starting dockerd, log in /var/log/dockerd.log\n" * 3
        + "engine.sh: Docker Engine 28.2.2 with buildx 0.13.1 answers\n",
    )


def test_a_daemon_that_never_comes_up_is_not_started_for_ever(tmp_path: Path) -> None:
    path = with_programs(tmp_path / "bin", "echo no space left on device; exit 1", answers="exit 1")

    code, _, told = run(*EMPTY_MACHINE, ENGINE, env={"PATH": path})

    assert (code, told) == (
        4,
        "engine.sh: starting dockerd, log in /var/log/dockerd.log\n" * 4
        + "no space left on device\n" * 4
        + "engine.sh: dockerd ended 4 times before it answered, see its log /var/log/dockerd.log\n",
    )


def with_programs(directory: Path, dockerd: str, *, answers: str) -> str:
    """Return a PATH with a ``dockerd`` and a ``docker`` whose ``version`` is the given shell program."""
    directory.mkdir()
    texts = {"dockerd": dockerd, "docker": f"case $1 in version) {answers} ;; *) echo docker/buildx 0.13.1 ;; esac"}
    for name, text in texts.items():
        (directory / name).write_text(f"#!/bin/sh\n{text}\n")
        (directory / name).chmod(0o755)
    return f"{directory}:{os.environ['PATH']}"


def test_base_images_without_an_engine_name_the_script_that_makes_one(
    programs: Callable[..., dict[str, str]],
) -> None:
    assert run("/bin/sh", BASE_IMAGES, env=programs()) == (
        4,
        "",
        "base-images.sh: no Docker Engine answers: run scripts/engine.sh first\n",
    )


def test_base_images_where_none_can_be_made_say_so(programs: Callable[..., dict[str, str]]) -> None:
    # An engine that has no image and reaches no registry, and nobody who could install mmdebstrap.
    poor = programs(docker='[ "$1" = version ] && echo 28.2.2', id="echo 1000")

    assert run("/bin/sh", BASE_IMAGES, "trixie", env=poor) == (
        4,
        "",
        "base-images.sh: no registry answers with debian:trixie-slim: give the engine a way to one, or run this as root"
        " on Debian or Ubuntu, where it is made from packages\n",
    )


def test_the_mirror_is_the_distributions_own(programs: Callable[..., dict[str, str]], tmp_path: Path) -> None:
    cloud_list = tmp_path / "debian.list"
    cloud_list.write_text("# chosen for this region\nhttps://near.example/debian\nhttps://far.example/debian\n")
    sources = f"""cat <<END
bookworm main https://third.example/debian/12/prod/
bookworm main mirror+file:{cloud_list}/
bookworm contrib mirror+file:{cloud_list}/
bookworm-updates main mirror+file:{cloud_list}/
bookworm-security main https://near.example/debian-security/
stable main https://other.example/repo/
END"""
    asked = '. "$1/lib.sh"; repository_of bookworm; repository_of stable; repository_of sid; security_repository'

    assert run("/bin/sh", "-euc", asked, "sh", SCRIPTS, env=programs(apt_get=sources)) == (
        0,
        "https://near.example/debian\nhttps://other.example/repo/\nhttps://near.example/debian-security/\n",
        "",
    )


def state_of_the_machine(docker: Callable[..., str]) -> dict[str, object]:
    """Return what a set-up would change: which engine runs since when, its images, and apt's and dpkg's files."""
    files = [Path("/etc/docker/daemon.json"), Path("/var/lib/dpkg/status"), *sorted(Path("/etc/apt").rglob("*"))]
    return {
        "engine": docker("info", "--format", "{{.ID}} {{.ServerVersion}}"),
        "pid": [path.stat().st_mtime_ns for path in (Path("/var/run/docker.pid"),) if path.exists()],
        "images": docker("image", "ls", "--no-trunc", "debian"),
        "files": {path: path.stat().st_mtime_ns for path in files if path.exists()},
    }


def test_a_running_engine_is_left_as_it_is(docker: Callable[..., str], engine: str) -> None:
    before = state_of_the_machine(docker)
    buildx = docker("buildx", "version").split()[1].removeprefix("v")

    assert run(ENGINE) == (0, "", f"engine.sh: Docker Engine {engine} with buildx {buildx} answers\n")
    assert state_of_the_machine(docker) == before


def test_a_base_image_that_is_there_is_left_as_it_is(docker: Callable[..., str]) -> None:
    run(BASE_IMAGES, "trixie")
    before = state_of_the_machine(docker)

    assert run(BASE_IMAGES, "trixie") == (0, "", "base-images.sh: debian:trixie-slim is there\n")
    assert run(BASE_IMAGES) == (0, "", "base-images.sh: debian:trixie-slim is there\n")
    assert state_of_the_machine(docker) == before


def test_a_build_on_the_base_image_installs_packages_and_keeps_no_downloads(
    docker: Callable[..., str], labels: tuple[str, ...], run_id: str
) -> None:
    tag = f"relbuild-test-base:{run_id}"
    dockerfile = """FROM debian:trixie-slim
RUN apt-get update && apt-get install -y --no-install-recommends tini && rm -rf /var/lib/apt/lists/*
"""

    docker("build", "--no-cache", "--quiet", "--tag", tag, *labels, "-", stdin=dockerfile)

    downloads = "find /var/cache/apt -name '*.deb' -o -name '*.bin'"
    documentation = "find /usr/share/man /usr/share/doc -type f ! -name copyright"
    left = docker("run", "--rm", *labels, tag, "sh", "-c", f"tini --version; {downloads}; {documentation}")
    assert left == "tini version 0.19.0"


def test_what_is_pushed_to_the_registry_is_what_is_pulled(
    docker: Callable[..., str], labels: tuple[str, ...], registry: str, run_id: str
) -> None:
    reference = f"{registry}/hello:{run_id}"
    docker(
        "build", "--quiet", "--tag", reference, *labels, "-", stdin='FROM debian:trixie-slim\nCMD ["echo", "hello"]\n'
    )
    docker("push", "--quiet", reference)
    pushed = docker("image", "inspect", "--format", "{{index .RepoDigests 0}}", reference)
    docker("image", "rm", reference)

    docker("pull", "--quiet", pushed)

    assert docker("run", "--rm", *labels, pushed) == "hello"


def test_every_test_has_a_database_of_its_own(database: Any, postgres: Any, docker: Callable[..., str]) -> None:
    database.psql("CREATE TABLE products (name text); INSERT INTO products VALUES ('tea'), ('rye | bread')")

    assert database.psql("SELECT name, length(name) FROM products ORDER BY 1") == "rye | bread|11\ntea|3"
    assert postgres.psql("SELECT count(*) FROM pg_tables WHERE tablename = 'products'") == "0"
    over_the_network = ("psql", "--no-align", "--tuples-only", "--command", "SELECT count(*) FROM products")
    assert docker("exec", database.container, *over_the_network, database.url) == "2"


BARE_MACHINE = """FROM debian:{suite}-slim
RUN apt-get update && apt-get install -y --no-install-recommends git make python3 && rm -rf /var/lib/apt/lists/*
"""

# Runs in a container that stands for a bare machine. sleep takes the id of the killed engine in its pid file; the image
# holds the machine's own shell and no more.
SET_UP = """
set -eu
libc() { dpkg-query --show --showformat '${Version}' libc6; }
before=$(libc)
/scripts/engine.sh
kill -9 "$(cat /var/run/docker.pid)" "$(cat /var/run/docker/containerd/containerd.pid)"
sleep 600 &
echo $! | tee /var/run/docker.pid >/var/run/docker/containerd/containerd.pid
/scripts/engine.sh
shell="/bin/sh $(ldd /bin/sh | grep --only-matching '/[^ ]*')"
tar --create --dereference --absolute-names $shell | docker import - shell >/dev/null
printf 'FROM shell\\nRUN echo "built and run" >/made\\n' | docker build --quiet --tag built - >/dev/null
docker run --rm built /bin/sh -c 'read -r made </made; echo "$made"'
[ "$(libc)" = "$before" ]
"""


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_bare_machine_gets_an_engine_that_builds_and_runs(
    suite: str, docker: Callable[..., str], labels: tuple[str, ...], run_id: str
) -> None:
    subprocess.run((BASE_IMAGES, suite), check=True)
    tag = f"relbuild-test-bare-{suite}:{run_id}"
    docker("build", "--quiet", "--tag", tag, *labels, "-", stdin=BARE_MACHINE.format(suite=suite))
    storage = ("--tmpfs", "/var/lib/docker:exec", "--tmpfs", "/tmp:exec")

    assert (
        docker(
            *("run", "--rm", "--privileged", "--interactive", *labels, *storage),
            *("--volume", f"{SCRIPTS}:/scripts:ro", tag, "sh"),
            stdin=SET_UP,
        )
        == "built and run"
    )


def test_the_scripts_pass_shellcheck() -> None:
    """Nothing to say at any level, notes included."""
    shellcheck = Path(sys.executable).with_name("shellcheck")
    scripts = [*SCRIPTS.rglob("*.sh"), SCRIPTS / "images" / "postgres" / "start", SCRIPTS.parent / ".ci" / "run"]

    assert run(shellcheck, "-x", "-P", "SCRIPTDIR", *sorted(scripts)) == (0, "", "")
