"""The env.sh and vm.args that go into a project, run by a plain sh."""

from __future__ import annotations

import re
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


def node(tmp_path: Path, command: str = "start", *, clustering: bool = True, query: bool = False, **env: str) -> str:
    """Source env.sh as bin/shop does, and return the distribution and the node's name it comes to."""
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "hostname").write_text("web\n")
    script = templates.render("rel/env.sh.eex.j2", clustering=clustering, query=query)
    script = script.replace("<%= @release.name %>", "shop")
    assert "<%" not in script
    for path, stand_in in (("/etc/hosts", "hosts"), ("/proc/sys/kernel/hostname", "hostname")):
        script = script.replace(path, str(tmp_path / stand_in))
    # As the boot script has it: stopped at the first failure, its arguments not to be touched.
    script = f'set -eu\n{script}\nprintf "%s %s %s" "${{RELEASE_DISTRIBUTION:-}}" "${{RELEASE_NODE:-}}" "$*"'
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


def test_without_clustering_the_node_is_the_images(tmp_path: Path) -> None:
    assert node(tmp_path, clustering=False, RELEASE_DISTRIBUTION="none") == "none  a b c"


def test_dns_cluster_connects_nodes_where_its_query_is_set(tmp_path: Path) -> None:
    assert node(tmp_path, query=True) == "  a b c"
    assert node(tmp_path, query=True, DNS_CLUSTER_QUERY="tasks.shop") == "name shop@10.0.1.4 a b c"
    assert node(tmp_path, query=True, RELEASE_DISTRIBUTION="name") == "name shop@10.0.1.4 a b c"


def image_node(tmp_path: Path, command: str, *lines: str, vm_args: str = "## -name x\n", **env: str) -> list[str]:
    """Source what the image adds to env.sh behind these lines; return distribution, node and options for the VM."""
    version = tmp_path / "releases" / "1.0"
    version.mkdir(parents=True, exist_ok=True)
    (version / "vm.args").write_text(vm_args)
    scripts = Path(templates.__file__).parents[1] / "dockerfiles" / "scripts"
    added = "".join((scripts / name).read_text() for name in ("cookie.sh", "node.sh"))
    shown = 'printf "%s\\n" "${RELEASE_DISTRIBUTION:-}" "${RELEASE_NODE:-}" "${ELIXIR_ERL_OPTIONS:-}"'
    release = {
        "RELEASE_ROOT": str(tmp_path),
        "RELEASE_VSN": "1.0",
        "RELEASE_NAME": "shop",
        "RELEASE_TMP": str(tmp_path),
    }
    ran = subprocess.run(
        ("sh", "-c", "\n".join(("set -eu", *lines, added, shown)), "shop"),
        env={"PATH": "/usr/bin:/bin", "RELEASE_COMMAND": command, **release, **env},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.split("\n")[:3]


def test_the_images_node_listens_on_the_loopback_address_without_epmd(tmp_path: Path) -> None:
    started = image_node(tmp_path, "start")
    assert started[:2] == ["name", "shop@127.0.0.1"]
    options = re.fullmatch(
        r" -start_epmd false -erl_epmd_port (2\d{4}) -kernel inet_dist_use_interface \{127,0,0,1\}", started[2]
    )
    assert options is not None
    # The commands beside it know its port, and listen on none.
    own = f"-start_epmd false -erl_epmd_port {options[1]} -dist_listen false"
    assert image_node(tmp_path, "rpc") == ["name", "shop@127.0.0.1", f" {own}"]
    assert image_node(tmp_path, "remote", ELIXIR_ERL_OPTIONS="+A 1")[2] == f"+A 1 {own}"
    other = image_node(tmp_path, "start", RELEASE_COOKIE="s3cret")
    assert other[:2] == started[:2]
    assert other[2] != started[2]


@pytest.mark.parametrize(
    ("lines", "vm_args", "env"),
    [
        pytest.param(("export RELEASE_DISTRIBUTION=none",), "", {}, id="none"),
        pytest.param((), "", {"RELEASE_DISTRIBUTION": "sname"}, id="from the environment"),
        pytest.param(("export RELEASE_NODE=shop@10.0.0.1",), "", {}, id="a name"),
        pytest.param((), "-proto_dist inet6_tcp\n", {}, id="another protocol"),
        pytest.param((), "+Q 1\n -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9100\n", {}, id="a port"),
        pytest.param((), "-start_epmd false -erl_epmd_port 6789", {}, id="epmd-less"),
        pytest.param((), "", {"ERL_AFLAGS": "-proto_dist inet6_tcp"}, id="another protocol from the environment"),
        pytest.param(('export ELIXIR_ERL_OPTIONS="-sname shop"',), "", {}, id="a name among the options"),
    ],
)
def test_a_node_that_the_release_configures_stays(
    tmp_path: Path, lines: tuple[str, ...], vm_args: str, env: dict[str, str]
) -> None:
    found = image_node(tmp_path, "start", *lines, vm_args=vm_args, **env)
    assert "shop@127.0.0.1" not in found
    assert "inet_dist_use_interface" not in found[2]


@pytest.mark.parametrize("library", ["libcluster-3.3.3", "horde-0.9.0"])
def test_a_release_that_clusters_names_its_node_itself(tmp_path: Path, library: str) -> None:
    (tmp_path / "lib" / library).mkdir(parents=True)
    assert image_node(tmp_path, "start") == ["", "", ""]


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


@pytest.mark.parametrize(("clustering", "query"), [(True, False), (True, True), (False, False)])
def test_env_sh_passes_shellcheck(tmp_path: Path, clustering: bool, query: bool) -> None:
    file = tmp_path / "env.sh"
    script = templates.render("rel/env.sh.eex.j2", clustering=clustering, query=query)
    file.write_text(script.replace("<%= @release.name %>", "shop"))
    shellcheck = Path(sys.executable).with_name("shellcheck")
    checked = subprocess.run((shellcheck, "--shell=sh", file), capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
