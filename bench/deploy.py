"""What `relbuild deploy` costs beside the update that a swarm makes by itself, in turn on one real engine.

    python bench/deploy.py [ROUNDS]

Three replicas are replaced one after the other by `relbuild deploy`, with its lock, secrets, migration and history, and
by `docker service update` of the same service, with the same health check and update settings. The ratio of the medians
is compared. A deployment of what already runs is compared with `docker service inspect`, in seconds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "tests" / "engine" / "projects" / "served"
RELBUILD = (sys.executable, "-m", "relbuild")
ROLLOUT_RATIO, UNCHANGED_SECONDS = 1.3, 1.5
CONFIG = """release: served
healthcheck: {{path: /health, port: 4000}}
targets:
  bench: {{engine: swarm, name: {name}, replicas: 3, wait: 120, env: {{SERVED_SECRET: bench}}}}
"""


def seconds(*argv: str, cwd: str | None = None) -> float:
    """Return how long a command takes; exit with its output when it fails."""
    start = time.perf_counter()
    done = subprocess.run(argv, capture_output=True, text=True, cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)})
    if done.returncode:
        sys.exit(f"{' '.join(argv)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def versions(name: str) -> tuple[str, str]:
    """Build two images that differ in their version alone."""
    seconds(*RELBUILD, "image", "-C", str(PROJECT), "-t", f"{name}:1", "--no-verify")
    dockerfile = f"FROM {name}:1\nLABEL io.relbuild.version=2\nENV SERVED_VERSION=2\n"
    subprocess.run(("docker", "build", "--quiet", "--tag", f"{name}:2", "-"), input=dockerfile.encode(), check=True)
    return f"{name}:1", f"{name}:2"


def measure(name: str, directory: str, rounds: int) -> int:
    """Print the table; return 1 when a figure is above what is promised."""
    one, two = versions(name)
    deploy = (*RELBUILD, "deploy", "bench", "--image")
    service = f"{name}_web"
    update = ("docker", "service", "update", "--quiet", "--no-resolve-image", "--image", two, service)
    ours: list[float] = []
    theirs: list[float] = []
    unchanged: list[float] = []
    inspected: list[float] = []
    seconds(*deploy, two, cwd=directory)
    for _ in range(rounds):
        ours.append(seconds(*deploy, one, cwd=directory))
        unchanged.append(seconds(*deploy, one, cwd=directory))
        inspected.append(seconds("docker", "service", "inspect", service))
        theirs.append(seconds(*update))
    by_relbuild, by_docker = statistics.median(ours), statistics.median(theirs)
    rollout = by_relbuild / by_docker
    over = statistics.median(unchanged) - statistics.median(inspected)
    print(f"medians of {rounds}, 3 replicas of a swarm")
    print(f"rollout    relbuild {by_relbuild:.1f} s, docker {by_docker:.1f} s: {rollout:.2f}")
    print(f"unchanged  {over:.2f} s over docker service inspect")
    return int(rollout > ROLLOUT_RATIO or over > UNCHANGED_SECONDS)


def main() -> int:
    """Measure in a swarm, which is left again where this began it."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    name = f"relbuild-bench-{uuid.uuid4().hex[:8]}"
    info = json.loads(subprocess.run(("docker", "info", "--format", "{{json .Swarm}}"), capture_output=True).stdout)
    began = info["LocalNodeState"] == "inactive"
    if began:
        seconds("docker", "swarm", "init", "--advertise-addr", "127.0.0.1")
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "relbuild.yml").write_text(CONFIG.format(name=name))
        try:
            return measure(name, directory, rounds)
        finally:
            subprocess.run((*RELBUILD, "undeploy", "bench", "--yes"), cwd=directory, capture_output=True)
            if began:
                subprocess.run(("docker", "swarm", "leave", "--force"), capture_output=True)
            subprocess.run(("docker", "image", "rm", "--force", f"{name}:1", f"{name}:2"), capture_output=True)


if __name__ == "__main__":
    sys.exit(main())
