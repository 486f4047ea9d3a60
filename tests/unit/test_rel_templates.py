"""The env.sh and vm.args that go into a project, run by a plain sh."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relbuild import templates

HOSTS = """\
127.0.0.1\tlocalhost
127.0.1.1\tweb
::1\tlocalhost web
fd00::5\tweb
10.0.9.9\tother
10.0.1.4\tweb web.example.com
192.168.7.20\tweb
"""


def node(tmp_path: Path, command: str = "start", *, clustering: bool = True, **env: str) -> str:
    """Source env.sh as bin/shop does, and return the distribution and the node's name it comes to."""
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "hostname").write_text("web\n")
    script = templates.render("rel/env.sh.eex.j2", clustering=clustering).replace("<%= @release.name %>", "shop")
    assert "<%" not in script
    for path, stand_in in (("/etc/hosts", "hosts"), ("/proc/sys/kernel/hostname", "hostname")):
        script = script.replace(path, str(tmp_path / stand_in))
    # As the boot script has it: stopped at the first failure, its arguments not to be touched.
    script = f'set -eu\n{script}\nprintf "%s %s %s" "$RELEASE_DISTRIBUTION" "${{RELEASE_NODE:-}}" "$*"'
    ran = subprocess.run(
        ("sh", "-c", script, "shop", "a b", "c"),
        env={"PATH": "/usr/bin:/bin", "RELEASE_COMMAND": command, **env},
        capture_output=True,
        text=True,
    )
    return ran.stdout if ran.returncode == 0 else ran.stderr


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, "name shop@10.0.1.4"),
        ({"RELEASE_CLUSTER_SUBNET": "192.168.0.0/16"}, "name shop@192.168.7.20"),
        ({"RELEASE_CLUSTER_SUBNET": "192.168.7.20"}, "name shop@192.168.7.20"),
        ({"RELEASE_CLUSTER_SUBNET": "0.0.0.0/0"}, "name shop@10.0.1.4"),
        ({"POD_IP": "10.244.0.7"}, "name shop@10.244.0.7"),
        ({"POD_IP": "10.244.0.7", "POD_A_RECORD": "10-244-0-7"}, "name shop@10-244-0-7.default.pod.cluster.local"),
        ({"POD_A_RECORD": "1-2-3-4", "POD_NAMESPACE": "prod"}, "name shop@1-2-3-4.prod.pod.cluster.local"),
        ({"POD_A_RECORD": "1-2-3-4.prod.pod.example", "POD_NAMESPACE": "x"}, "name shop@1-2-3-4.prod.pod.example"),
        ({"POD_IP": "10.244.0.7", "RELEASE_NODE": "blue@green"}, "name blue@green"),
        ({"RELEASE_DISTRIBUTION": "sname"}, "sname "),
        ({"RELEASE_DISTRIBUTION": "none"}, "none "),
    ],
)
def test_where_a_nodes_name_comes_from(tmp_path: Path, env: dict[str, str], expected: str) -> None:
    assert node(tmp_path, **env) == f"{expected} a b c"


@pytest.mark.parametrize("subnet", ["10.9.0.0/16", "backend", "backend/24", "10.0.1.9"])
def test_a_subnet_that_does_not_fit_ends_the_start_alone(tmp_path: Path, subnet: str) -> None:
    message = f"ERROR: this container has no address in RELEASE_CLUSTER_SUBNET={subnet}\n"
    assert node(tmp_path, RELEASE_CLUSTER_SUBNET=subnet) == message
    assert node(tmp_path, "daemon_iex", RELEASE_CLUSTER_SUBNET=subnet) == message
    assert node(tmp_path, "eval", RELEASE_CLUSTER_SUBNET=subnet) == "name shop@127.0.0.1 a b c"


def test_without_clustering_there_is_no_node_unless_asked_for(tmp_path: Path) -> None:
    assert node(tmp_path, clustering=False) == "none  a b c"
    assert node(tmp_path, clustering=False, RELEASE_DISTRIBUTION="sname") == "sname  a b c"


def test_every_address_is_in_its_own_subnets(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("subnets")

    @given(st.integers(0, 32))
    def holds(bits: int) -> None:
        whole = 0xFFFFFFFF << (32 - bits) & int.from_bytes(bytes((192, 168, 7, 20)))
        subnet = ".".join(map(str, whole.to_bytes(4))) + f"/{bits}"
        # 10.0.1.4 stands first, and differs from it in the first bit.
        found = "10.0.1.4" if bits == 0 else "192.168.7.20"
        assert node(directory, RELEASE_CLUSTER_SUBNET=subnet) == f"name shop@{found} a b c"

    holds()


@pytest.mark.parametrize("clustering", [True, False])
def test_vm_args_sets_the_port_table_alone(clustering: bool) -> None:
    rendered = templates.render("rel/vm.args.eex.j2", clustering=clustering)
    assert [line for line in rendered.splitlines() if line and not line.startswith("##")] == ["+Q 65536"]
    assert ("inet_dist_listen_min" in rendered) == clustering
    assert "##+sbwt none" in rendered.splitlines()


@pytest.mark.parametrize("clustering", [True, False])
def test_env_sh_passes_shellcheck(tmp_path: Path, clustering: bool) -> None:
    file = tmp_path / "env.sh"
    file.write_text(
        templates.render("rel/env.sh.eex.j2", clustering=clustering).replace("<%= @release.name %>", "shop")
    )
    shellcheck = Path(sys.executable).with_name("shellcheck")
    checked = subprocess.run((shellcheck, "--shell=sh", file), capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
