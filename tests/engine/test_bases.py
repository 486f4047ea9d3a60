"""What a release may ask of its image, on both bases: TLS, names, terminals, time zones, native code, port programs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

PROBE = Path(__file__).parent / "projects" / "probe"
BASES = ("slim", "minimal")
STORE = "/etc/ssl/certs/ca-certificates.crt"

# conftest.py's Docker, Cleanup and Ran; its module can't be imported by name.
Docker = Any
Ran = Any


@pytest.fixture(scope="module")
def images(
    tmp_path_factory: pytest.TempPathFactory, relbuild: Callable[..., Ran], cleanup: Any, run_id: str
) -> dict[str, str]:
    """Return the image of the probe on each base."""
    # The same directory for both: what a build may share, it shares.
    project = Path(shutil.copytree(PROBE, tmp_path_factory.mktemp("bases") / "probe"))
    config = (project / "relbuild.yml").read_text()
    assert "base: minimal" in config
    references = {}
    for base in BASES:
        (project / "relbuild.yml").write_text(config.replace("base: minimal", f"base: {base}"))
        references[base] = cleanup.image(f"relbuild-test-probe-{base}:{run_id}")
        built = relbuild("image", "-C", str(project), "-t", references[base])
        assert built.exit_code == 0, built.stderr
    return references


@pytest.fixture(scope="module")
def network(docker: Docker, labels: tuple[str, ...], run_id: str) -> str:
    docker("network", "create", *labels, f"relbuild-test-bases-{run_id}")
    return f"relbuild-test-bases-{run_id}"


CERTIFICATES = """set -e
cd /certificates
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem
openssl req -new -newkey rsa:2048 -nodes -subj /CN=tls.test -keyout server.key -out server.csr
echo subjectAltName=DNS:tls.test >extensions
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile extensions -out server.pem
chmod a+r *
"""


@pytest.fixture(scope="module")
def authority(
    docker: Docker,
    images: dict[str, str],
    network: str,
    labels: tuple[str, ...],
    run_id: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return the certificate of the authority that https://tls.test:8443 is certified by; it serves on the network."""
    directory = tmp_path_factory.mktemp("certificates")
    directory.chmod(0o755)
    mount = ("--volume", f"{directory}:/certificates")
    # The slim image has the openssl program: ca-certificates needs it.
    docker("run", "--rm", "--user", "root", *mount, "--entrypoint", "sh", images["slim"], "-c", CERTIFICATES)
    server = (
        "s_server",
        "-accept",
        "8443",
        "-www",
        "-cert",
        "/certificates/server.pem",
        "-key",
        "/certificates/server.key",
    )
    docker(
        *("run", "--detach", *labels, *mount, "--network", network, "--network-alias", "tls.test"),
        *("--name", f"tls-{run_id}"),
        *("--no-healthcheck", "--entrypoint", "openssl", images["slim"], *server),
    )
    return directory / "ca.pem"


@pytest.fixture(scope="module", params=BASES)
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def container(
    docker: Docker,
    images: dict[str, str],
    base: str,
    network: str,
    authority: Path,
    labels: tuple[str, ...],
    wait: Callable[..., None],
) -> str:
    """Return a container in which the release is up, nonroot on a read-only root, and trusts the test's authority."""
    started: str = docker(
        *("run", "--detach", "--init", *labels, "--network", network, "--read-only", "--tmpfs", "/tmp"),
        *("--volume", f"{authority}:{STORE}:ro", images[base]),
    )
    up(docker, started, wait)
    return started


def up(docker: Docker, container: str, wait: Callable[..., None]) -> None:
    """Return when the release answers its own healthcheck."""
    test = json.loads(docker("inspect", "--format", "{{json .Config.Healthcheck.Test}}", container))
    assert test[0] == "CMD"
    probe = ("docker", "exec", container, *test[1:])
    wait(
        lambda: subprocess.run(probe, capture_output=True).returncode == 0,
        "the release",
        lambda: docker("logs", container),
    )


def rpc(docker: Docker, container: str, expression: str) -> str:
    """Return what the expression's value looks like in the running release."""
    whole = f"IO.puts(inspect(({expression}), limit: :infinity, printable_limit: :infinity))"
    return str(docker("exec", container, "/app/bin/probe", "rpc", whole))


def evaluated(docker: Docker, image: str, expression: str, *options: str) -> str:
    """Return what the expression's value looks like in a container of its own."""
    return str(docker("run", "--rm", "--no-healthcheck", *options, image, "eval", f"IO.puts(inspect(({expression})))"))


def shell(docker: Docker, image: str, script: str) -> str:
    return str(docker("run", "--rm", "--no-healthcheck", "--user", "root", "--entrypoint", "sh", image, "-c", script))


def test_tls_by_the_certificates_of_the_system(
    docker: Docker, images: dict[str, str], base: str, network: str, container: str
) -> None:
    assert rpc(docker, container, 'Probe.https("https://tls.test:8443/")') == "200"
    asked = 'Application.ensure_all_started([:ssl, :inets]); Probe.https("https://tls.test:8443/")'
    refused = evaluated(docker, images[base], asked, "--network", network)
    assert refused.splitlines()[-1] == ":unknown_ca"
    certificates = int(evaluated(docker, images[base], "length(:public_key.cacerts_get())"))
    assert certificates > 100


def test_names_of_hosts(docker: Docker, network: str, container: str, run_id: str) -> None:
    networks = json.loads(docker("inspect", f"tls-{run_id}"))[0]["NetworkSettings"]["Networks"]
    shown = "{" + networks[network]["IPAddress"].replace(".", ", ") + "}"
    # By the C library (DNS), by Erlang's own resolver, and from /etc/hosts.
    assert rpc(docker, container, ':inet.getaddr(~c"tls.test", :inet)') == f"{{:ok, {shown}}}"
    assert rpc(docker, container, ':inet_res.lookup(~c"tls.test", :in, :a)') == f"[{shown}]"
    assert rpc(docker, container, ':inet.getaddr(~c"localhost", :inet)') == "{:ok, {127, 0, 0, 1}}"
    assert docker("exec", container, "getent", "hosts", "tls.test").split()[1] == "tls.test"


def test_eval_and_remote(docker: Docker, images: dict[str, str], base: str, container: str) -> None:
    assert evaluated(docker, images[base], "System.argv()") == "[]"
    argv = ("exec", "--interactive", "--tty", "--env", "TERM=xterm-256color", container, "/app/bin/probe", "remote")
    terminal = pexpect.spawn("docker", list(argv), encoding="utf-8", timeout=60)
    terminal.expect(r"iex\(probe@")
    terminal.send('String.upcase("straße 商" <> "!")\r')
    terminal.expect("STRASSE 商!")
    terminal.expect(r"iex\(probe@")
    # The cursor's keys are known: up brings the line before back.
    terminal.send("\x1b[A")
    terminal.expect("upcase")
    terminal.send("\r")
    terminal.expect("STRASSE 商!")
    terminal.close(force=True)


def test_names_of_files_in_utf_8(docker: Docker, container: str) -> None:
    assert rpc(docker, container, 'File.write!("/tmp/grüße 商.txt", "ok")') == ":ok"
    assert rpc(docker, container, 'Enum.filter(File.ls!("/tmp"), &(&1 =~ "gr"))') == '["grüße 商.txt"]'
    # Erlang's own file names, which depend on the locale.
    assert rpc(docker, container, ":file.native_name_encoding()") == ":utf8"
    assert rpc(docker, container, 'Probe.program("cat", ["/tmp/grüße 商.txt"])') == '"ok"'
    # The C library's locale: one character, not two bytes.
    assert docker("exec", container, "sh", "-c", "printf ü | wc -m") == "1"


def test_time_zones(docker: Docker, images: dict[str, str], base: str, container: str) -> None:
    date = 'Probe.program("date", ["--date=2024-07-01 12:00 UTC", "+%H:%M %Z"], [{"TZ", "America/New_York"}])'
    assert rpc(docker, container, date) == '"08:00 EDT"'
    local = ":calendar.universal_time_to_local_time({{2024, 7, 1}, {12, 0, 0}})"
    assert rpc(docker, container, local) == "{{2024, 7, 1}, {12, 0, 0}}"
    assert evaluated(docker, images[base], local, "--env", "TZ=Asia/Kathmandu") == "{{2024, 7, 1}, {17, 45, 0}}"


def test_native_code_and_programs(docker: Docker, container: str) -> None:
    assert rpc(docker, container, "Probe.Native.expat_version()").startswith('~c"expat_2.')
    # A program of runner.packages, with its libraries and what it reads.
    beam = 'hd(Path.wildcard("/app/erts-*/bin/beam.smp"))'
    assert rpc(docker, container, f'Probe.program("file", ["--brief", {beam}])').startswith('"ELF 64-bit LSB')
    assert rpc(docker, container, ':os.cmd(~c"echo $((40 + 2))")') == '~c"42\\n"'


def test_os_mon(docker: Docker, container: str) -> None:
    assert rpc(docker, container, ":cpu_sup.nprocs() > 0 and is_integer(:cpu_sup.avg1())") == "true"
    assert rpc(docker, container, ":cpu_sup.util() |> is_number()") == "true"
    assert rpc(docker, container, ":memsup.get_system_memory_data()[:total_memory] > 0") == "true"
    disks = "for {id, size, _used} <- :disksup.get_disk_data(), do: {id, size > 0}"
    assert '{~c"/tmp", true}' in rpc(docker, container, disks)


def test_the_healthcheck(docker: Docker, container: str) -> None:
    test = json.loads(docker("inspect", "--format", "{{json .Config.Healthcheck.Test}}", container))
    assert test[0] == "CMD"
    assert docker("exec", container, *test[1:]) == ""
    unwell = [part.replace("/health", "/none") for part in test[1:]]
    assert subprocess.run(("docker", "exec", container, *unwell), capture_output=True).returncode == 1


def test_stopping(docker: Docker, images: dict[str, str], base: str, labels: tuple[str, ...], wait: Any) -> None:
    started = docker("run", "--detach", *labels, images[base])
    up(docker, started, wait)
    docker("stop", "-t", "30", started)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", started) == "0"


def resident(docker: Docker, container: str) -> int:
    """Return the resident memory of the VM, in kB."""
    status = docker("exec", container, "cat", "/proc/1/status")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:")))


def test_memory_does_not_grow_with_the_limit_of_open_files(
    docker: Docker, images: dict[str, str], base: str, labels: tuple[str, ...], wait: Callable[..., None]
) -> None:
    """The most this machine may allow stands in for no limit: without the cap the port table grows with it."""
    taken = {}
    for limit in ("1024", "20000"):
        started = docker("run", "--detach", *labels, "--ulimit", f"nofile={limit}:{limit}", images[base])
        up(docker, started, wait)
        assert rpc(docker, started, ":erlang.system_info(:port_limit)") == "65536"
        taken[limit] = resident(docker, started)
        docker("rm", "--force", started)
    assert taken["20000"] <= 1.1 * taken["1024"], taken


def test_minimal_holds_nothing_else(docker: Docker, images: dict[str, str]) -> None:
    minimal = images["minimal"]
    assert shell(docker, minimal, "for name in apt dpkg perl openssl mount; do command -v $name; done; true") == ""
    # No program that becomes another user.
    assert shell(docker, minimal, "ls -lR /etc /usr /var /app | grep -E '^-(..s|.{5}s)' || true") == ""
    assert shell(docker, minimal, "stat --format %a /tmp /var/tmp /app").split() == ["1777", "1777", "755"]
    sizes = {name: json.loads(docker("image", "inspect", images[name]))[0]["Size"] for name in BASES}
    assert sizes["minimal"] < sizes["slim"] / 2


def test_minimal_tells_scanners_its_packages(docker: Docker, images: dict[str, str]) -> None:
    """In the form of distroless images, which scanners read: a file for each package."""
    listed = shell(docker, images["minimal"], "cat /var/lib/dpkg/status.d/* | grep '^Package: ' | cut -d ' ' -f 2")
    packages = set(listed.split())
    assert {"bash", "dash", "file", "libc6", "libexpat1", "libmagic-mgc", "libssl3t64", "tzdata"} <= packages
    assert not {"apt", "debconf", "dpkg", "perl-base"} & packages
    notices = shell(docker, images["minimal"], "cd /usr/share/doc && ls */copyright")
    assert {name.partition("/")[0] for name in notices.split()} == packages


def test_a_minimal_root_is_equal_when_it_is_made_again(
    docker: Docker, images: dict[str, str], relbuild: Callable[..., Ran], tmp_path: Path, cleanup: Any, run_id: str
) -> None:
    project = Path(shutil.copytree(PROBE, tmp_path / "probe"))
    written = relbuild("dockerfile", "--write", "-C", str(project))
    assert written.exit_code == 0, written.stderr
    again = cleanup.image(f"relbuild-test-probe-again:{run_id}")
    docker("build", "--quiet", "--no-cache-filter", "native,runtime", "--tag", again, str(project))
    layers = {
        name: json.loads(docker("image", "inspect", name))[0]["RootFS"]["Layers"] for name in (images["minimal"], again)
    }
    assert layers[again][0] == layers[images["minimal"]][0]
