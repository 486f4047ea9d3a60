"""What relbuild's start-up costs over the library it is made with, side by side in one run.

    python bench/cli.py [RUNS]

Each round runs every command once, in turn, so that a machine that slows down slows all of them; the medians are
compared as ratios.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHOP = ROOT / "examples" / "shop"
RELBUILD = (sys.executable, "-m", "relbuild")

BASE = "import typer"
COMMANDS: dict[str, tuple[str, ...]] = {
    BASE: (sys.executable, "-c", "import typer"),
    "relbuild --version": (*RELBUILD, "--version"),
    "relbuild dockerfile": (*RELBUILD, "dockerfile", "-C", str(SHOP)),
    "relbuild plan": (*RELBUILD, "plan", "-C", str(SHOP)),
}
# As installed: with the modules' bytecode beside them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
AT_MOST = {"relbuild --version": 1.5, "relbuild dockerfile": 3.0}


def seconds(argv: tuple[str, ...]) -> float:
    """Return how long a command takes, as a whole process."""
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - start


def main() -> int:
    """Print the table; return 1 when a ratio is above what is promised."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for argv in COMMANDS.values():
        seconds(argv)
    for _ in range(runs):
        for name, argv in COMMANDS.items():
            taken[name].append(seconds(argv))
    base = statistics.median(taken[BASE])
    broken = False
    print(f"median of {runs}, Python {sys.version.split()[0]}\n")
    print(f"{'command':<22} {'ms':>6} {'ratio':>6} {'at most':>8}")
    for name, times in taken.items():
        median = statistics.median(times)
        most = AT_MOST.get(name)
        broken = broken or (most is not None and median / base > most)
        print(f"{name:<22} {median * 1000:>6.0f} {median / base:>6.2f} {most or '':>8}")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
