"""What a release takes of memory when it is idle, and how long it boots, side by side in one run.

    python bench/memory.py [RUNS]

Builds examples/shop and starts it in turn with code loaded at boot and when it is first used, and with few and with
many open files allowed. The medians are compared with those of the first line.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

ROOT = Path(__file__).resolve().parent.parent
IMAGE = f"relbuild-bench-memory:{os.getpid()}"
# The most that an unprivileged engine may raise it to stands in for no limit.
MANY = 20000
# Nothing answers there: the shop boots without its database.
DATABASE_URL = "postgres://user:password@127.0.0.1:9/none"


@dataclass(frozen=True, slots=True)
class Case:
    """One way to start the release; `most` is what is promised of its memory, as a ratio."""

    name: str
    open_files: int
    env: tuple[str, ...] = ()
    most: float | None = None


CASES = (
    Case("embedded, 1024 open files", 1024),
    Case(f"embedded, {MANY} open files", MANY, most=1.1),
    Case(f"  without the cap, {MANY} open files", MANY, ("ERL_MAX_PORTS",)),
    # What the VM makes of a limit of a million; of Docker's "unlimited" it makes 128 times that.
    Case("  as for a million open files", 1024, ("ERL_MAX_PORTS=1048576",)),
    Case("interactive, 1024 open files", 1024, ("RELEASE_MODE=interactive",), most=1.0),
)


def docker(*argv: str) -> str:
    return subprocess.run(("docker", *argv), check=True, capture_output=True, text=True).stdout.strip()


def answers(address: str) -> bool:
    """Tell whether an HTTP server answers, whatever it says."""
    try:
        with urllib.request.urlopen(f"http://{address}/health", timeout=5):
            return True
    except HTTPError:
        return True
    except OSError:
        return False


def measure(case: Case) -> tuple[float, float]:
    """Return the idle VM's resident memory in MB, and the seconds from `docker run` to the first answer."""
    env = [option for value in (f"DATABASE_URL={DATABASE_URL}", *case.env) for option in ("--env", value)]
    start = time.perf_counter()
    container = docker(
        *("run", "--detach", "--read-only", "--tmpfs", "/tmp", "--publish", "127.0.0.1::4000", *env),
        *("--ulimit", f"nofile={case.open_files}:{case.open_files}", IMAGE),
    )
    try:
        address = docker("port", container, "4000/tcp")
        while not answers(address):
            if time.perf_counter() - start > 60:
                raise SystemExit(docker("logs", container))
            time.sleep(0.01)
        booted = time.perf_counter() - start
        # What the boot has left is collected by then.
        time.sleep(2)
        status = docker("exec", container, "cat", "/proc/1/status")
    finally:
        docker("rm", "--force", container)
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))) / 1024, booted


def main() -> int:
    """Print the table; return 1 when a ratio of memory is above what is promised."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    shop = ROOT / "examples" / "shop"
    relbuild = (sys.executable, "-m", "relbuild")
    subprocess.run((*relbuild, "image", "-C", str(shop), "-t", IMAGE), check=True, stdout=subprocess.DEVNULL)
    taken: dict[str, list[tuple[float, float]]] = {case.name: [] for case in CASES}
    try:
        for _ in range(runs):
            for case in CASES:
                taken[case.name].append(measure(case))
    finally:
        docker("image", "rm", "--force", IMAGE)
    medians = {name: tuple(map(statistics.median, zip(*each, strict=True))) for name, each in taken.items()}
    memory, boot = medians[CASES[0].name]
    print(f"median of {runs}, Docker Engine {docker('version', '--format', '{{.Server.Version}}')}\n")
    print(f"{'case':<44} {'MB':>6} {'ratio':>6} {'at most':>8} {'boot, s':>8} {'ratio':>6}")
    for case in CASES:
        megabytes, seconds = medians[case.name]
        ratios = (
            f"{megabytes:>6.1f} {megabytes / memory:>6.2f} {case.most or '':>8} {seconds:>8.2f} {seconds / boot:>6.2f}"
        )
        print(f"{case.name:<44} {ratios}")
    return int(any(case.most and medians[case.name][0] / memory > case.most for case in CASES))


if __name__ == "__main__":
    sys.exit(main())
