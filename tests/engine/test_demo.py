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
    """Return names of containers, networks and images whose names hold `wanted`, sorted."""
    listings = {
        "containers": ("container", "ls", "--all", "--filter", f"name={wanted}", "--format", "{{.Names}}"),
        "networks": ("network", "ls", "--filter", f"name={wanted}", "--format", "{{.Name}}"),
        "images": ("image", "ls", "--filter", f"reference={wanted}*", "--format", "{{.Repository}}"),
    }
    return {what: sorted(docker(*listing).split()) for what, listing in listings.items()}


def test_the_demo_ends_with_migrated_rows_and_a_clean_stop_after_being_cut_off_too(
    demo: Callable[[], subprocess.CompletedProcess[str]], docker: Callable[..., str]
) -> None:
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
        "containers": ["relbuild-demo-postgres", "relbuild-demo-shop"],
        "networks": ["relbuild-demo"],
        "images": ["relbuild-demo-postgres", "relbuild-demo-shop"],
    }


def test_demo_clean_takes_away_the_demo_and_nothing_else(
    demo: Callable[[], subprocess.CompletedProcess[str]],
    docker: Callable[..., str],
    labels: tuple[str, ...],
    run_id: str,
) -> None:
    done = demo()
    assert done.returncode == 0, done.stdout + done.stderr
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
