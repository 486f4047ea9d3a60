"""What relbuild adds to the docker commands it stands for, side by side in one run on a real engine.

    python bench/commands.py [RUNS]

Each round runs every command once, in turn, so that a machine that slows down slows all of them. What is compared is
the difference of the medians, in milliseconds: what a person waits for longer.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "tests" / "engine" / "projects" / "echo"
RELBUILD = (sys.executable, "-m", "relbuild")
# As installed: with the modules' bytecode beside them.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    "PYTHONPATH": str(ROOT),
}
EXPRESSION = "Echo.Release.migrate()"


def pairs(image: str, container: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], int]]:
    """Return, by name, docker's own command, relbuild's, and the milliseconds it may add."""
    docker = ("docker", "exec", "--interactive", container, "/app/bin/echo")
    one_off = ("docker", "run", "--rm", "--interactive", "--read-only", "--tmpfs", "/tmp")
    migrate = (*one_off, "--entrypoint", "/app/bin/echo", image, "eval", EXPRESSION)
    return {
        "rpc": ((*docker, "rpc", "1"), (*RELBUILD, "rpc", "1", "--on", f"container:{container}"), 350),
        "migrate": (migrate, (*RELBUILD, "migrate", image), 500),
        "version": ((*docker, "version"), (*RELBUILD, "version", "--on", f"container:{container}"), 350),
    }


def milliseconds(argv: tuple[str, ...]) -> float:
    """Return how long a command takes, as a whole process."""
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=ENVIRONMENT, cwd=PROJECT)
    return (time.perf_counter() - start) * 1000


def measure(image: str, container: str, runs: int) -> int:
    """Print the table; return 1 when more is added than promised."""
    commands = pairs(image, container)
    taken: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in commands}
    for docker, relbuild, _ in commands.values():
        milliseconds(docker), milliseconds(relbuild)
    for _ in range(runs):
        for name, (docker, relbuild, _) in commands.items():
            taken[name][0].append(milliseconds(docker))
            taken[name][1].append(milliseconds(relbuild))
    broken = False
    print(f"median of {runs}, in ms, Python {sys.version.split()[0]}\n")
    print(f"{'command':<10} {'docker':>7} {'relbuild':>9} {'added':>6} {'at most':>8} {'of the quickest':>16}")
    for name, (docker_times, relbuild_times) in taken.items():
        docker_median, relbuild_median = statistics.median(docker_times), statistics.median(relbuild_times)
        added, most = relbuild_median - docker_median, commands[name][2]
        # What other load there is weighs least on the quickest.
        least = min(relbuild_times) - min(docker_times)
        broken = broken or added > most
        print(f"{name:<10} {docker_median:>7.0f} {relbuild_median:>9.0f} {added:>6.0f} {most:>8} {least:>16.0f}")
    return int(broken)


def main() -> int:
    """Build the image, start a container, measure, and take both away."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    name = f"relbuild-bench-{uuid.uuid4().hex[:8]}"
    image = f"{name}:1"
    build = (*RELBUILD, "image", "-C", str(PROJECT), "-t", image)
    subprocess.run(build, check=True, env=ENVIRONMENT, capture_output=True)
    try:
        start = ("docker", "run", "--detach", "--init", "--name", name, "--read-only", "--tmpfs", "/tmp", image)
        subprocess.run(start, check=True, capture_output=True)
        ping = ("docker", "exec", name, "/app/bin/echo", "rpc", "1")
        while subprocess.run(ping, capture_output=True).returncode:
            time.sleep(0.1)
        return measure(image, name, runs)
    finally:
        subprocess.run(("docker", "rm", "--force", "--volumes", name), capture_output=True)
        subprocess.run(("docker", "image", "rm", "--force", image), capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
