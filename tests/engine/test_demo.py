"""The demo from end to end, and that demo-clean takes away what the demo made and nothing else."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def demo(docker: Callable[..., str]) -> Iterator[Callable[[], subprocess.CompletedProcess[str]]]:
    """Give a function that runs the demo; what it made is gone at the end."""
    yield lambda: subprocess.run((SCRIPTS / "demo.sh",), capture_output=True, text=True)
    subprocess.run((SCRIPTS / "demo-clean.sh",), check=True, capture_output=True)


def what_there_is(docker: Callable[..., str], wanted: str = "relbuild-demo") -> dict[str, list[str]]:
    """Return names of containers, services, networks and images whose names hold `wanted`, sorted."""
    listings = {
        "containers": ("container", "ls", "--all", "--filter", f"name={wanted}", "--format", "{{.Names}}"),
        "networks": ("network", "ls", "--filter", f"name={wanted}", "--format", "{{.Name}}"),
        "images": ("image", "ls", "--filter", f"reference={wanted}*", "--format", "{{.Repository}}"),
    }
    # The containers of a service are named SERVICE.NUMBER.TASK.
    return {
        what: sorted({each.partition(".")[0] for each in docker(*listing).split()})
        for what, listing in listings.items()
    }


def test_the_demo_serves_deploys_and_is_removed(
    demo: Callable[[], subprocess.CompletedProcess[str]],
    docker: Callable[..., str],
    labels: tuple[str, ...],
    run_id: str,
    swarm: str,
) -> None:
    """After it was cut off, too; demo-clean removes what it made, and nothing else."""
    cut_off = subprocess.Popen(
        (SCRIPTS / "demo.sh",), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    said = []
    for line in cut_off.stdout or ():
        said.append(line)
        if line.startswith("== The image migrates it"):
            break
    else:
        pytest.fail("".join(said), pytrace=False)
    os.killpg(cut_off.pid, signal.SIGKILL)
    cut_off.wait()

    done = demo()

    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(
        r"^Migrated (\w+)$|^ +(\d+) \| (\w+)|\"sku\": \"(\S+)\"|with exit code (\d)", done.stdout, re.M
    ) == [
        ("20240101120000_create_products", "", "", "", ""),
        ("20240108090000_seed_products", "", "", "", ""),
        ("20240115150000_add_stock_to_products", "", "", "", ""),
        ("", "20240101120000", "create_products", "", ""),
        ("", "20240108090000", "seed_products", "", ""),
        ("", "20240115150000", "add_stock_to_products", "", ""),
        *(("", "", "", sku, "") for sku in ("TEA-GREEN", "TEA-BLACK", "TEA-MINT", "CUP-WHITE", "POT-IRON")),
        ("", "", "", "", "0"),
    ]
    assert what_there_is(docker) == {
        "containers": [
            "relbuild-demo-load",
            "relbuild-demo-postgres",
            "relbuild-demo-shop",
            "relbuild-demo_web",
        ],
        "networks": ["relbuild-demo", "relbuild-demo-swarm", "relbuild-demo_default"],
        "images": ["relbuild-demo-postgres", "relbuild-demo-shop"],
    }
    assert re.search(r"^[1-9]\d+ requests were answered, 0 failed$", done.stdout, re.M)
    assert re.findall(r"^\d +(\S+) .* deployed ", done.stdout, re.M) == ["0.1.0", "0.2.0", "0.1.0"]

    bystander = f"bystander-{run_id}"
    docker("build", "--quiet", "--tag", bystander, *labels, "-", stdin="FROM debian:trixie-slim\n")
    docker("network", "create", *labels, bystander)
    docker("create", "--name", bystander, "--network", bystander, *labels, bystander)
    before = what_there_is(docker, bystander)

    cleaned = subprocess.run((SCRIPTS / "demo-clean.sh",), capture_output=True, text=True)

    assert (cleaned.returncode, cleaned.stdout, cleaned.stderr) == (
        0,
        "",
        "demo-clean.sh: all that the demo made is gone\n",
    )
    assert what_there_is(docker) == {"containers": [], "networks": [], "images": []}
    assert before == {"containers": [bystander], "networks": [bystander], "images": [bystander]}
    assert what_there_is(docker, bystander) == before
