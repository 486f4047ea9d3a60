"""What the tests on a real engine share: the engine itself, a registry, a PostgreSQL, and relbuild's command line.

Everything made here and in the tests carries the label ``io.relbuild.test=<run id>`` or is told to ``cleanup``, and is
removed at the end, whether the tests passed or not.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError

import pytest

from scripts import runc

REPOSITORY = Path(__file__).parents[2]
IMAGES = Path(__file__).parent / "images"
PROJECTS = Path(__file__).parent / "projects"
# The node's label by which a later run knows that the swarm is the tests' own.
SWARM_LABEL = "io.relbuild.test"


class Docker:
    """Calls the docker client: ``docker("image", "ls")`` returns what it printed, and raises when it failed."""

    def __call__(self, *argv: str, stdin: str | None = None) -> str:
        done = subprocess.run(("docker", *argv), input=stdin, capture_output=True, text=True)
        # With a name, the container that never ran is in the way.
        if done.returncode in (125, 126) and runc.RESET in done.stderr and "--name" not in argv:
            done = subprocess.run(("docker", *argv), input=stdin, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"docker {' '.join(argv)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()


@dataclass(frozen=True, slots=True)
class Ran:
    """What one call of the command line gave."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class Cleanup:
    """Names of what a test makes that carries no label, such as an image relbuild builds; removed at the end."""

    images: list[str] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    # By their ids: one that has lost its name to a later one is still there.
    built: list[str] = field(default_factory=list)

    def image(self, reference: str) -> str:
        """Return the reference, having noted it."""
        self.images.append(reference)
        return reference

    def container(self, name: str) -> str:
        """Return the name, having noted it."""
        self.containers.append(name)
        return name


@dataclass(frozen=True, slots=True)
class Database:
    """One database of the PostgreSQL container; ``url`` holds inside its network."""

    docker: Docker
    container: str
    network: str
    name: str
    user: str = "relbuild"
    password: str = "open-sesame"

    @property
    def url(self) -> str:
        return f"postgres://{self.user}:{self.password}@{self.container}:5432/{self.name}"

    def psql(self, sql: str) -> str:
        """Return the rows, one a line, their columns parted by ``|``."""
        call = ("psql", "--username", self.user, "--dbname", self.name, "--no-align", "--tuples-only", "--no-psqlrc")
        return self.docker("exec", self.container, *call, "--set", "ON_ERROR_STOP=1", "--command", sql)


@pytest.fixture(scope="session")
def engine() -> str:
    """Return the version of the engine; without one the tests fail, because a skipped test proves nothing."""
    try:
        return Docker()("version", "--format", "{{.Server.Version}}")
    except (AssertionError, FileNotFoundError) as error:
        pytest.fail(f"no Docker Engine answers; `make test` sets one up (scripts/engine.sh).\n{error}", pytrace=False)


@pytest.fixture(scope="session")
def run_id() -> str:
    return uuid.uuid4().hex[:8]


@pytest.fixture(scope="session")
def labels(run_id: str) -> tuple[str, ...]:
    """Return the options that label a container, an image build, a network or a volume as this run's."""
    return ("--label", f"io.relbuild.test={run_id}")


@pytest.fixture(scope="session")
def docker(engine: str, run_id: str, cleanup: Cleanup) -> Iterator[Docker]:
    """Give the docker client, and remove at the end all that has this run's label.

    It comes before ``cleanup``'s images: one that a container still uses would only lose its name.
    """
    docker = Docker()
    yield docker
    mine = ("--quiet", "--filter", f"label=io.relbuild.test={run_id}")
    removals = {
        ("container", "ls", "--all"): ("container", "rm", "--force", "--volumes"),
        ("network", "ls"): ("network", "rm"),
        ("volume", "ls"): ("volume", "rm"),
        ("image", "ls", "--all"): ("image", "rm", "--force"),
    }
    for listing, removal in removals.items():
        if found := docker(*listing, *mine).split():
            docker(*removal, *dict.fromkeys(found))


@pytest.fixture(scope="session")
def swarm(docker: Docker, run_id: str) -> Iterator[str]:
    """Give this engine's id as a node of a swarm; what is in the swarm with this run's label goes at the end.

    Test runs at the same time share the swarm, and the last of them leaves it: each holds a lock that it shares, and
    one of its own while it comes or goes. One that the machine was in before is left alone.
    """
    directory = Path(tempfile.gettempdir())
    with (
        (directory / "relbuild-test-swarm.lock").open("a") as users,
        (directory / "relbuild-test-swarm-door.lock").open("a") as door,
    ):
        fcntl.flock(door, fcntl.LOCK_EX)
        if docker("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive":
            docker("swarm", "init", "--advertise-addr", "127.0.0.1")
            made = docker("info", "--format", "{{.Swarm.NodeID}}")
            docker("node", "update", "--label-add", f"{SWARM_LABEL}=swarm", made)
        fcntl.flock(users, fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        node = docker("info", "--format", "{{.Swarm.NodeID}}")
        yield node
        _remove_from_swarm(docker, run_id)
        fcntl.flock(door, fcntl.LOCK_EX)
        if docker("node", "inspect", node, "--format", f'{{{{index .Spec.Labels "{SWARM_LABEL}"}}}}') == "swarm":
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            docker("swarm", "leave", "--force")
            # It came with the swarm and stays without it.
            docker("network", "rm", "docker_gwbridge")


def _remove_from_swarm(docker: Docker, run_id: str) -> None:
    mine = ("--quiet", "--filter", f"label=io.relbuild.test={run_id}")
    for kind in ("service", "secret", "config"):
        if found := docker(kind, "ls", *mine).split():
            docker(kind, "rm", *found)
    listing = ("network", "ls", *mine, "--filter", "driver=overlay")

    def networks_are_gone() -> bool:
        # The engine refuses while the last task is ending, and lists a network for a moment more.
        for network in docker(*listing).split():
            subprocess.run(("docker", "network", "rm", network), capture_output=True)
        return not docker(*listing)

    wait_until(networks_are_gone, "the end of the services' networks", lambda: docker(*listing))


@pytest.fixture(scope="session")
def cleanup(engine: str) -> Iterator[Cleanup]:
    noted = Cleanup()
    yield noted
    # Whatever a test has removed by itself is no longer there: both are content with that.
    subprocess.run(("docker", "container", "rm", "--force", "--volumes", *noted.containers), capture_output=True)
    subprocess.run(("docker", "image", "rm", "--force", *noted.images), capture_output=True)

    def left() -> set[str]:
        # Those with a name may be another run's, too: equal input makes equal images.
        nameless = Docker()("image", "ls", "--quiet", "--no-trunc", "--filter", "dangling=true")
        return set(noted.built).intersection(nameless.split())

    def images_are_gone() -> bool:
        # The engine refuses while the container of a swarm's last task is there.
        for image in left():
            subprocess.run(("docker", "image", "rm", image), capture_output=True)
        return not left()

    wait_until(images_are_gone, "the end of the images without a name", lambda: str(left()))


@pytest.fixture(scope="session")
def relbuild(tmp_path_factory: pytest.TempPathFactory, cleanup: Cleanup) -> Callable[..., Ran]:
    """Return a function that runs relbuild's command line: ``relbuild("image", "-t", "shop:1", cwd=…, env={…})``."""

    # With bytecode, as it is installed: else each call compiles all that it imports.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("bytecode"))

    def run(*argv: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str | None = None) -> Ran:
        def once() -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                (sys.executable, "-m", "relbuild", *argv),
                cwd=cwd,
                env={**environment, **(env or {})},
                input=stdin,
                capture_output=True,
                text=True,
                timeout=540,
            )

        done = once()
        # Nothing of the release ran: whatever the verb does, it is still to be done.
        if done.returncode and runc.RESET in done.stdout + done.stderr:
            done = once()
        if argv[0] == "image" and "-t" in argv:
            asked = ("docker", "image", "inspect", "--format", "{{.Id}}", argv[argv.index("-t") + 1])
            cleanup.built += subprocess.run(asked, capture_output=True, text=True).stdout.split()
        return Ran(argv, done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def elixir(docker: Docker, relbuild: Callable[..., Ran], cleanup: Cleanup, run_id: str) -> str:
    """Return an image with Elixir: the toolchain stage that relbuild itself writes for Debian's packages."""
    reference = cleanup.image(f"relbuild-test-elixir:{run_id}")
    dockerfile = relbuild("dockerfile", "-C", str(PROJECTS / "echo")).stdout
    docker("build", "--quiet", "--target", "toolchain", "--tag", reference, "-", stdin=dockerfile)
    return reference


@pytest.fixture(scope="session")
def small_elixir(docker: Docker, labels: tuple[str, ...], run_id: str) -> str:
    """Return a small image with Elixir, which has no compiler for C and no Hex."""
    reference = f"relbuild-test-small-elixir:{run_id}"
    dockerfile = "FROM debian:trixie-slim\nRUN apt-get update && apt-get install -y elixir\n"
    docker("build", "--quiet", "--tag", reference, *labels, "-", stdin=dockerfile)
    return reference


@pytest.fixture(scope="session")
def registry(docker: Docker, labels: tuple[str, ...], run_id: str) -> str:
    """Return the ``host:port`` of a registry, empty at first, that accepts every push."""
    image = f"relbuild-test-registry:{run_id}"
    docker("build", "--quiet", "--tag", image, *labels, str(IMAGES / "registry"))
    container = docker("run", "--detach", *labels, "--publish", "127.0.0.1::5000", image)
    address = docker("port", container, "5000/tcp")
    wait_until(lambda: answers(f"http://{address}/v2/"), "the registry", lambda: docker("logs", container))
    return address


@pytest.fixture(scope="session")
def postgres(docker: Docker, labels: tuple[str, ...], run_id: str) -> Database:
    """Return the first database of a PostgreSQL container, on a network of its own."""
    image, network = f"relbuild-test-postgres:{run_id}", f"relbuild-test-{run_id}"
    docker("build", "--quiet", "--tag", image, *labels, str(REPOSITORY / "scripts" / "images" / "postgres"))
    docker("network", "create", *labels, network)
    first = Database(docker, container=f"postgres-{run_id}", network=network, name="relbuild")
    docker(
        *("run", "--detach", *labels, "--name", first.container, "--network", network, "--tmpfs", "/data"),
        *("--env", f"POSTGRES_USER={first.user}", "--env", f"POSTGRES_PASSWORD={first.password}", image),
    )
    ready = ("docker", "exec", first.container, "pg_isready", "--quiet", "--host", "127.0.0.1")
    wait_until(
        lambda: subprocess.run(ready, capture_output=True).returncode == 0,
        "PostgreSQL",
        lambda: docker("logs", first.container),
    )
    return first


@pytest.fixture
def database(postgres: Database) -> Iterator[Database]:
    """Give an empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgres.psql(f"CREATE DATABASE {name}")
    yield Database(postgres.docker, postgres.container, postgres.network, name)
    # FORCE: a container of the test's may still hold a connection.
    postgres.psql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def wait() -> Callable[..., None]:
    """Return wait_until, as this module can't be imported by name."""
    return wait_until


def answers(url: str) -> bool:
    """Return whether a GET of the URL gives a success."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (URLError, OSError):
        return False


def wait_until(condition: Callable[[], bool], what: str, log: Callable[[], str], seconds: float = 60) -> None:
    """Return when the condition holds; fail with the log when it does not within the seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"{what} did not come up within {seconds:.0f} s:\n{log()}", pytrace=False)
        time.sleep(0.1)
