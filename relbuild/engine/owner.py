"""Who waits for a one-off container: this process, named so that a later one can tell whether it still lives."""

from __future__ import annotations

import os
from pathlib import Path


def own() -> str:
    """Return this process's name: boot, PID namespace, pid and start time; empty where the system has no /proc."""
    pid = os.getpid()
    try:
        return f"{_world()}/{pid}/{_started(pid)}"
    except OSError:
        return ""


def is_dead(owner: str) -> bool:
    """Tell whether the process of this name has ended; False for one this process couldn't see anyway.

    One of another boot is another machine's, or was here before all containers were stopped.
    """
    return _lives(owner) is False


def is_alive(owner: str) -> bool:
    """Tell whether the process of this name still runs; False for one this process couldn't see anyway."""
    return _lives(owner) is True


def _lives(owner: str) -> bool | None:
    """Tell whether a process runs; None where that isn't to be seen from here."""
    try:
        world, pid, started = owner.rsplit("/", 2)
        if world != _world():
            return None
    except (OSError, ValueError):
        return None
    try:
        return _started(int(pid)) == started
    except (FileNotFoundError, ProcessLookupError):
        return False
    except (OSError, ValueError):
        return None


def _world() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    # Containers share the machine's boot, and have pids of their own.
    return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"


def _started(pid: int) -> str:
    # proc_pid_stat(5): the 3rd and the 22nd field, counted behind the program's name, which may hold anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    if fields[0] in "ZX":  # dead, and not yet waited for
        raise ProcessLookupError
    return fields[19]
